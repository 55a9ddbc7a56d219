import Sharding

/// Slots that change tables, when a view deals them anew: with their rows, candidates and history, and without copying a row.
extension Table {
  /// Takes slots from another table of the same description, and clock unless it is async. Its history is to be taken apart.
  mutating func take(_ slots: [Range<Int>], from other: inout Table) {
    precondition(stride == other.stride, "slots move between tables of the same rows")
    if var ledger, let known = other.ledger {
      ledger.take(SlotSet(slots), from: known)
      keep(ledger)
    } else {
      precondition(
        clock == other.clock || Mutant.rollBackOneOnly.isActive, "slots move between tables of the same clock")
    }
    (evicted, other.evicted) = (evicted + other.evicted, 0)
    committedClock = max(committedClock, other.committedClock)
    for slot in slots.joined() {
      rows.take(slot, from: &other.rows)
      candidates.take(slot, from: &other.candidates)
      changes[slot] = other.changes[slot]
    }
  }

  /// Forgets a slot, so that it can be restored.
  mutating func clear(slot: Int) {
    rows.clear(slot)
    candidates.clear(slot)
    changes[slot] = 0
  }

  /// Undoes from now on what the tables that the slots came from knew how to undo, as far back as all of them did.
  ///
  /// - Parameter parts: their logs, with the slots that came from each.
  mutating func takeHistory(_ parts: [(log: UndoLog, slots: [Range<Int>])]) {
    let depth = parts.map(\.log.steps.count).min() ?? 0
    let stride = stride
    let latest = parts.map { (steps: $0.log.steps.suffix(depth), slots: SlotSet($0.slots)) }
    log.replace(
      (0..<depth).map { place in
        let parts = latest.map { ($0.steps[$0.steps.startIndex + place], $0.slots) }
        return UndoStep(clock: parts[0].0.clock, totals: parts[0].0.totals, parts: parts, stride: stride)
      }, floor: parts.map(\.log.floor).max() ?? 0)
  }
}

extension UndoStep {
  /// What steps of the same clock in several tables changed in some of their slots, as one.
  convenience init(
    clock: UInt64, totals: StepTotals, parts: [(step: UndoStep, slots: SlotSet)], stride: Int
  ) {
    self.init()
    func ranks(_ list: KeyPath<UndoStep, [UInt64]>) -> [UInt64] {
      parts.flatMap { part in part.step[keyPath: list].filter { part.slots.contains(Rank.slot(of: $0)) } }.sorted()
    }
    typealias Saved = (rank: UInt64, row: UnsafeMutablePointer<Float>)
    var (saved, gone): ([Saved], [Saved]) = ([], [])
    var met: [(rank: UInt64, sightings: UInt32, at: UInt64)] = []
    for (step, slots) in parts {
      for place in 0..<step.saved where slots.contains(Rank.slot(of: step.ranks[place])) {
        saved.append((step.ranks[place], step.rows + place * stride))
      }
      for place in step.saved..<step.saved + step.evicted where slots.contains(Rank.slot(of: step.ranks[place])) {
        gone.append((step.ranks[place], step.rows + place * stride))
      }
      for (place, rank) in step.candidates.enumerated() where slots.contains(Rank.slot(of: rank)) {
        met.append((rank, step.sightings[place], step.sightedAt[place]))
      }
    }
    saved.sort { $0.rank < $1.rank }
    met.sort { $0.rank < $1.rank }
    gone.sort { $0.rank < $1.rank }
    let evicted = parts.reduce(0) { $0 + $1.step.evictedBefore }
    begin(clock: clock, totals: totals, evicted: evicted, rows: saved.count + gone.count, stride: stride)
    for (rank, row) in saved { save(rank, row, stride: stride) }
    for (rank, row) in gone { saveEvicted(rank, row, stride: stride) }
    inserted = ranks(\.inserted)
    admitted = ranks(\.admitted)
    candidates = met.map(\.rank)
    sightings = met.map(\.sightings)
    sightedAt = met.map(\.at)
    changed = parts.flatMap { part in part.step.changed.filter { part.slots.contains($0.slot) } }
  }
}

extension SlotSet {
  init(_ slots: [Range<Int>]) {
    self.init()
    for slot in slots.joined() { insert(slot) }
  }
}
