import Sharding

/// What became of a model's parameters between two states: the dense part whole, of the features those that are others now.
struct StateDelta {
  /// Of rows that are new or changed.
  let changed: ModelState
  /// Ranks of rows that are gone, ascending.
  let removed: [UInt64]

  init(changed: ModelState, removed: [UInt64]) {
    self.changed = changed
    self.removed = removed
  }

  init(from old: ModelState, to new: ModelState) {
    var (places, removed): ([Int], [UInt64]) = ([], [])
    var before = 0
    for (place, rank) in new.ranks.enumerated() {
      while before < old.ranks.count, old.ranks[before] < rank {
        removed.append(old.ranks[before])
        before += 1
      }
      if before < old.ranks.count, old.ranks[before] == rank {
        let isSame = zip(old.row(at: before), new.row(at: place)).allSatisfy { $0.bitPattern == $1.bitPattern }
        if !isSame { places.append(place) }
        before += 1
      } else {
        places.append(place)
      }
    }
    removed += old.ranks[before...]
    self.removed = removed
    changed = ModelState(width: new.width, ranks: places.map { new.ranks[$0] }, dense: new.dense) { rows in
      for (target, place) in places.enumerated() {
        (rows + target * new.width).update(from: new.row(at: place).baseAddress!, count: new.width)
      }
    }
  }

  /// The state that the delta leads to from the one that it was made of.
  func applied(to old: ModelState) -> ModelState {
    let gone = Set(removed)
    // Rows by rank: of the old state unless the new one has it, too.
    var rows: [(rank: UInt64, row: UnsafeBufferPointer<Float>)] = []
    var next = 0
    for (place, rank) in old.ranks.enumerated() {
      while next < changed.ranks.count, changed.ranks[next] < rank {
        rows.append((changed.ranks[next], changed.row(at: next)))
        next += 1
      }
      if next < changed.ranks.count, changed.ranks[next] == rank { continue }
      if !gone.contains(rank) { rows.append((rank, old.row(at: place))) }
    }
    while next < changed.ranks.count {
      rows.append((changed.ranks[next], changed.row(at: next)))
      next += 1
    }
    return ModelState(width: old.width, ranks: rows.map(\.rank), dense: changed.dense) { target in
      for (place, row) in rows.enumerated() {
        (target + place * old.width).update(from: row.row.baseAddress!, count: old.width)
      }
    }
  }
}
