import Checkpoint
import Sharding

/// A table's state at a clock, which a checkpoint is to be written of while steps go on: what they change first is kept here as it
/// was, slot by slot until it is written (ARCHITECTURE.md, promise 3). Rows and candidates know when they changed last, so what a
/// later step changed is told from what is as it was.
///
/// A class only because steps reach it through a copy of the reference; one table owns it.
final class HeldState {
  let clock: UInt64
  let totals: StepTotals
  /// What changed after this clock is wanted; nil: everything.
  let since: UInt64?
  /// Slots that are to be written still.
  private(set) var left: SlotSet
  /// What later steps changed, as it was.
  private var rows: SlotStores
  private var candidates: SlotStores
  /// Of the steps before the clock, those that runs with a lag read back to.
  private let steps: ArraySlice<UndoStep>
  private let earliest: UInt64
  private let emptyBytes: Int

  init(
    clock: UInt64, totals: StepTotals, since: UInt64?, slots: [Int], stride: Int, candidateStride: Int,
    steps: ArraySlice<UndoStep>, earliest: UInt64
  ) {
    self.clock = clock
    self.totals = totals
    self.since = since
    self.steps = steps
    self.earliest = earliest
    var left = SlotSet()
    for slot in slots { left.insert(slot) }
    self.left = left
    rows = SlotStores(stride: stride)
    candidates = SlotStores(stride: candidateStride)
    emptyBytes = rows.bytes + candidates.bytes
  }

  /// Allocated for what is kept.
  var bytes: Int { rows.bytes + candidates.bytes - emptyBytes }

  /// Keeps a row that is about to change or to go, unless it has since the clock.
  @inline(__always)
  func keep(_ rank: UInt64, row: UnsafePointer<Float>) {
    guard left.contains(Rank.slot(of: rank)), RowClock.of(row, stride: rows.stride) <= clock,
      !Mutant.forgetHeld.isActive
    else { return }
    rows.insert(rank).update(from: row, count: rows.stride)
  }

  /// The same of a candidate.
  func keep(_ rank: UInt64, candidate: UnsafePointer<Float>) {
    guard left.contains(Rank.slot(of: rank)), RowClock.of(candidate, stride: candidates.stride) <= clock else { return }
    candidates.insert(rank).update(from: candidate, count: candidates.stride)
  }

  /// Takes a slot as it was: what changed since the clock that is asked for.
  ///
  /// - Parameters:
  ///   - rows: as they are now.
  ///   - candidates: the same.
  func take(
    _ slot: Int, _ rows: borrowing SlotStores, _ candidates: borrowing SlotStores, table: Int, width: Int
  ) -> SlotSnapshot {
    let found = self.rows.states(in: slot, at: clock, since: since, now: rows)
    var snapshot = SlotSnapshot(
      table: table, slot: slot, width: width, stride: rows.stride, earliest: earliest, reservingRows: found.count)
    snapshot.append(found)
    for (rank, row) in self.candidates.states(in: slot, at: clock, since: since, now: candidates) {
      // What went is told to a checkpoint that stands on another; one of all rows does not have them.
      let candidate = SlotSnapshot.Candidate(row)
      if candidate.sightings > 0 || since != nil { snapshot.append(rank, candidate) }
    }
    for step in steps {
      if let part = step.part(of: slot, width: width, stride: rows.stride) { snapshot.append(part) }
    }
    left.remove(slot)
    self.rows.clear(slot)
    self.candidates.clear(slot)
    return snapshot
  }
}

extension SlotStores {
  /// What a slot held at a clock, ascending: what is here, kept from then, and of what there is now what has not changed since.
  fileprivate func states(
    in slot: Int, at clock: UInt64, since: UInt64?, now: borrowing SlotStores
  ) -> [(rank: UInt64, row: UnsafeMutablePointer<Float>)] {
    let (kept, current) = (self[slot], now[slot])
    let wanted = since.map { $0 + 1 } ?? 0
    var states: [(rank: UInt64, row: UnsafeMutablePointer<Float>)] = []
    states.reserveCapacity(kept.count + current.count)
    for store in [kept, current] {
      for position in 0..<store.count {
        let row = store.row(at: position, stride: stride)
        let changed = RowClock.of(row, stride: stride)
        if changed >= wanted, changed <= clock { states.append((store.rank(at: position), row)) }
      }
    }
    // Rows lie in the order in which they came.
    states.sort { $0.rank < $1.rank }
    return states
  }
}
