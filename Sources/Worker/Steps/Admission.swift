import Sharding

/// What becomes of the gradients of keys that have no row yet: they go to the row that stood in, and how often such a
/// key was met is told apart from them.
extension GradientSum {
  /// Adds the gradients of absent rows to those of the rows that were used instead. Done slice by slice, in the order of
  /// the ranks, before the sum is clipped.
  ///
  /// - Parameter rows: by place, the rows pulled.
  func fold(_ substitution: SlicePart.Substitution, rows: [UnsafePointer<Float>?]) {
    let (sparse, width) = (sparse, shape.width)
    forEachAbsent(rows, substitution) { row, other in
      let target = sparse + other * width
      let own = sparse + row * width
      for column in 0..<width {
        target[column] += own[column]
        own[column] = 0
      }
    }
  }

  /// Takes absent rows out of the sum, and those that stood in for none; notes how often the absent were met.
  ///
  /// - Parameters:
  ///   - rows: by place, the rows pulled.
  ///   - ranks: by place.
  func note(_ substitution: SlicePart.Substitution, rows: [UnsafePointer<Float>?], ranks: [UInt64]) {
    var isUsed = substitution.sightings.map { $0 > 0 }
    forEachAbsent(rows, substitution) { row, other in
      sightings.append(rank: ranks[Int(places[row])], count: substitution.sightings[row])
      isUsed[row] = false
      isUsed[other] = true
    }
    keep { isUsed[$0] }
  }

  /// Calls `body` with the positions of each absent row and of the one in its place. A row that stands for others is
  /// never absent, whatever a server says of it.
  private func forEachAbsent(
    _ rows: [UnsafePointer<Float>?], _ substitution: SlicePart.Substitution, _ body: (Int, Int) -> Void
  ) {
    for (row, place) in places.enumerated() {
      guard let pulled = rows[Int(place)], TableDescription.Admission.isAbsent(pulled),
        let other = substitution.other(for: row)
      else { continue }
      body(row, other)
    }
  }
}

extension SlicePart.Substitution {
  /// The position of what stands in for the slice's distinct rank at `position`, if it were absent; nil for those that
  /// stand in themselves.
  func other(for position: Int) -> Int? {
    guard fields[position] != .max else { return nil }
    let other = Int(others[Int(fields[position])])
    return other == position ? nil : other
  }
}
