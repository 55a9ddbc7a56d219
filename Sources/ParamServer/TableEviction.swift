import Sharding

/// Rows that go again (`TableDescription.Eviction`).
///
/// What went is known until a checkpoint is committed that was taken later: a candidate that was never met. So a checkpoint of
/// what has changed tells it, and so do a state that is held and the undo log.
extension Table {
  /// Looks through the step's share of the slots, as the last part of the step.
  mutating func evict(after step: UInt64, _ undo: UndoStep?) {
    guard let eviction = rules.eviction else { return }
    let (stride, clock, held) = (stride, clock, held)
    for slot in eviction.description.slots(of: step) {
      var going: [UInt64] = []
      let store = rows[slot]
      for position in 0..<store.count
      where eviction.takes(store.rank(at: position), store.row(at: position, stride: stride), at: clock) {
        going.append(store.rank(at: position))
      }
      let forgotten = forgetCandidates(in: slot, eviction, undo)
      guard !going.isEmpty || forgotten else { continue }
      going.sort()
      for rank in going {
        let row = rows.row(of: rank)!
        held?.keep(rank, row: row)
        undo?.saveEvicted(rank, row, stride: stride)
        rows.remove(rank)
        setSightings(of: rank, to: 0, at: clock, undo)
      }
      evicted += going.count
      if changes[slot] < clock { noteChange(of: slot, at: clock, undo) }
    }
  }

  /// Forgets those that were not met for long, and what checkpoints have been told of.
  ///
  /// - Returns: whether that is something to tell the next.
  private mutating func forgetCandidates(in slot: Int, _ eviction: RowEviction, _ undo: UndoStep?) -> Bool {
    let store = candidates[slot]
    guard store.count > 0 else { return false }
    var (old, told): ([UInt64], [UInt64]) = ([], [])
    for position in 0..<store.count {
      let candidate = store.row(at: position, stride: candidates.stride)
      let changed = RowClock.of(candidate, stride: candidates.stride)
      if candidate.pointee.bitPattern > 0 {
        if eviction.takesCandidate(metAt: changed, at: clock) { old.append(store.rank(at: position)) }
      } else if changed <= committedClock {
        told.append(store.rank(at: position))
      }
    }
    for rank in old { setSightings(of: rank, to: 0, at: clock, undo) }
    for rank in told { setSightings(of: rank, to: 0, at: 0) }
    return !old.isEmpty
  }
}
