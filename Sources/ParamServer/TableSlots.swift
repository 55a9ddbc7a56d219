import Checkpoint
import Sharding

/// A table by its slots: what checkpoints hold and digests are of.
extension Table {
  /// The slot as it is, without what it was before: what another server is given.
  package func snapshot(slot: Int) -> SlotSnapshot {
    var snapshot = SlotSnapshot(
      table: number, slot: slot, width: width, stride: stride, earliest: clock, reservingRows: rows[slot].count)
    rows.forEach(in: slot) { snapshot.append($0, $1) }
    candidates.forEach(in: slot) { snapshot.append($0, SlotSnapshot.Candidate($1)) }
    return snapshot
  }

  /// Puts a snapshot's rows and candidates where they were. Steps before cannot be undone.
  ///
  /// - Parameters:
  ///   - bytes: what `SlotSnapshot` wrote.
  ///   - changedAt: when the slot changed last, as far as this table knows: 0 for one that a checkpoint holds as it is.
  ///   - onlyParameters: leave the optimizer's state and the candidates out: another model's slot is where this one's
  ///     rows start, whatever its optimizer.
  ///   - history: take what the slot was, too, of the states that the table is to know; slots come in ascending order then.
  /// - Throws: `SnapshotError` where the bytes are not a slot of this table; it is unchanged then.
  package mutating func restore(
    _ bytes: [UInt8], slot: Int, changedAt: UInt64 = 0, onlyParameters: Bool = false, history: Bool = false
  ) throws(SnapshotError) {
    let snapshot = try SlotSnapshot(
      bytes, table: number, slot: slot, width: width, stride: onlyParameters ? nil : stride)
    if history { try log.restore(snapshot, stride: stride) }
    clear(slot: slot)
    snapshot.forEachRow { rank, values in
      let row = rows.insert(rank)
      row.update(from: values, count: onlyParameters ? width : stride)
      // Zeros are the clock of what changed before everything.
      if onlyParameters { (row + width).update(repeating: 0, count: stride - width) }
    }
    if !onlyParameters, rules.hasCandidates {
      snapshot.forEachCandidate { setSightings(of: $0, to: $1.sightings, at: UInt64($1.changedAt)) }
    }
    changes[slot] = changedAt
  }

  /// The hash of a slot's parameters: for each row, ascending, its rank (little-endian) and its `width` floats.
  package func digest(slot: Int) -> Digest {
    var hash = SHA256()
    rows.forEach(in: slot) { rank, row in
      withUnsafeBytes(of: rank.littleEndian) { hash.update($0) }
      hash.update(UnsafeRawBufferPointer(start: row, count: width * 4))
    }
    return hash.finish()
  }

  var size: TableSize { TableSize(rows: rowCount, bytes: bytes, evicted: evicted) }

  // MARK: Checkpoints

  /// Holds the state as it is now, until `dropHeld`.
  ///
  /// - Parameters:
  ///   - since: the clock of the checkpoint that another is to stand on; nil: everything is wanted.
  ///   - lag: how many of the latest steps are in it, to be read by those that are so far behind.
  package mutating func hold(since: UInt64?, lag: Int) {
    let earliest = max(earliestClock, clock - min(clock, UInt64(lag)))
    committedClock = max(committedClock, since ?? 0)
    var slots = slots(changedSince: since)
    // Of a slot that is empty by now there may be a past to tell.
    if since == nil, rules.eviction != nil { slots += log.steps.flatMap(\.slots) }
    held = HeldState(
      clock: clock, totals: totals, since: since, slots: slots, stride: stride,
      candidateStride: candidates.stride, steps: log.steps.drop { $0.clock < earliest }, earliest: earliest)
  }

  /// Takes a slot of the state that is held.
  package mutating func takeHeld(slot: Int) -> SlotSnapshot? {
    held?.take(slot, rows, candidates, table: number, width: width)
  }

  package mutating func dropHeld() { held = nil }

  /// Slots of the state that is held, ascending, that are to be taken still.
  package var heldSlots: [Int] { held?.left.slots ?? [] }
}

extension SlotSnapshot.Candidate {
  /// As a table's candidates lie: the sightings, then the clock.
  init(_ row: UnsafePointer<Float>) { self.init(sightings: row[0].bitPattern, changedAt: row[1].bitPattern) }
}
