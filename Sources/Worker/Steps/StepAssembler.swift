/// Puts a step together of its slices' rows: finds the step's distinct ranks, the place of each entry among them, and
/// each slice's own ascending list of places, so that its gradients can be summed row by row and merged with its
/// neighbours'.
package struct StepAssembler {
  private var table = RankTable()
  private var sorter = RankSorter()
  private var bitmap: [UInt64] = []
  private var bitsBefore: [UInt32] = []
  /// By field, the key that stands for those not admitted: part of every slice. Empty without admission.
  private let otherKeys: [UInt64]
  private var others: [UInt32] = []

  /// - Parameter otherKeys: by field, the key whose row is used in the place of one that is not there; none where every
  ///   key has a row.
  package init(otherKeys: [UInt64] = []) { self.otherKeys = otherKeys }

  /// Fills the work's `ranks`, and `places`, `uniques` and `substitution` of its parts, from the parts' batches.
  package mutating func assemble(_ work: StepWork) {
    table.reset()
    for part in work.parts.indices { table.number(work.parts[part].batch.keys, into: &work.parts[part].places) }
    table.number(otherKeys, into: &others)
    sorter.sort(table.ranks, into: &work.ranks)
    for field in others.indices { others[field] = sorter.places[Int(others[field])] }
    for part in work.parts.indices {
      collectUniques(of: &work.parts[part], among: work.ranks.count)
      if !otherKeys.isEmpty { findFields(of: &work.parts[part]) }
    }
  }

  /// Turns numbers into places, and places into the slice's own ascending list.
  private mutating func collectUniques(of part: inout SlicePart, among count: Int) {
    let words = (count + 63) / 64
    bitmap.resize(to: words)
    bitsBefore.resize(to: words)
    part.uniques.removeAll(keepingCapacity: true)
    let hasRows = part.batch.rows > 0
    bitmap.withUnsafeMutableBufferPointer { bitmap in
      bitmap.update(repeating: 0)
      sorter.places.withUnsafeBufferPointer { placeOfNumber in
        part.places.withUnsafeMutableBufferPointer { places in
          for entry in places.indices {
            let place = placeOfNumber[Int(places[entry])]
            places[entry] = place
            bitmap[Int(place >> 6)] |= 1 << UInt64(place & 63)
          }
        }
      }
      if hasRows {
        for place in others { bitmap[Int(place >> 6)] |= 1 << UInt64(place & 63) }
      }
      for word in 0..<words {
        bitsBefore[word] = UInt32(part.uniques.count)
        var bits = bitmap[word]
        while bits != 0 {
          part.uniques.append(UInt32(word * 64 + bits.trailingZeroBitCount))
          bits &= bits - 1
        }
      }
      bitsBefore.withUnsafeBufferPointer { bitsBefore in
        func position(of place: UInt32) -> UInt32 {
          let word = Int(place >> 6)
          let below = bitmap[word] & (1 << UInt64(place & 63) &- 1)
          return bitsBefore[word] &+ UInt32(truncatingIfNeeded: below.nonzeroBitCount)
        }
        part.places.withUnsafeMutableBufferPointer { places in
          for entry in places.indices { places[entry] = position(of: places[entry]) }
        }
        part.substitution.others.removeAll(keepingCapacity: true)
        if hasRows { part.substitution.others.append(contentsOf: others.map(position)) }
      }
    }
  }

  /// Finds the field and counts the sightings of each of the slice's ranks.
  private func findFields(of part: inout SlicePart) {
    let fields = part.batch.fields
    part.substitution.fields = Array(repeating: .max, count: part.uniques.count)
    part.substitution.sightings = Array(repeating: 0, count: part.uniques.count)
    for row in 0..<part.batch.rows {
      for field in 0..<fields {
        let cell = row * fields + field
        for entry in Int(part.batch.offsets[cell])..<Int(part.batch.offsets[cell + 1]) {
          let unique = Int(part.places[entry])
          part.substitution.fields[unique] = min(part.substitution.fields[unique], UInt16(field))
          part.substitution.sightings[unique] += 1
        }
      }
    }
  }
}
