import Sharding
import Wire

/// What becomes of the gradients of keys that have no row yet: they go to the row that stood in, and what is pushed in
/// their place is how often the key was met.
extension GradientSum {
  /// Adds the gradients of absent rows to those of the rows that were used instead. Done slice by slice, in the order of
  /// the keys.
  ///
  /// - Parameter rows: by place, the rows pulled.
  func fold(_ substitution: SlicePart.Substitution, rows: [UnsafePointer<Float>?], width: Int) {
    forEachAbsent(rows) { unique in
      let other = sparse + Int(substitution.others[Int(substitution.fields[unique])]) * width
      let own = sparse + unique * width
      for column in 0..<width {
        other[column] += own[column]
        own[column] = 0
      }
    }
  }

  /// Puts the numbers of sightings where absent rows had their gradients, and leaves out rows that stood in for none.
  func note(_ substitution: SlicePart.Substitution, rows: [UnsafePointer<Float>?], width: Int) {
    var isUsed = substitution.sightings.map { $0 > 0 }
    forEachAbsent(rows) { unique in
      sparse[unique * width] = Float(substitution.sightings[unique])
      isUsed[Int(substitution.others[Int(substitution.fields[unique])])] = true
    }
    var kept = 0
    for unique in uniques.indices where isUsed[unique] {
      if kept < unique {
        uniques[kept] = uniques[unique]
        (sparse + kept * width).update(from: sparse + unique * width, count: width)
      }
      kept += 1
    }
    uniques.removeLast(uniques.count - kept)
  }

  private func forEachAbsent(_ rows: [UnsafePointer<Float>?], _ body: (Int) -> Void) {
    for (unique, place) in uniques.enumerated() {
      if let row = rows[Int(place)], TableDescription.Admission.isAbsent(row) { body(unique) }
    }
  }
}
