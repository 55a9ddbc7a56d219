import Sharding
import Wire

/// Finds the distinct keys of a step and each entry's place among them.
///
/// One pass through an open-addressing table numbers the keys in the order they are met; the distinct ones are then
/// sorted by rank, the order in which keys travel; at last each slice gets its own ascending list of
/// places, so that its gradients can be summed row by row and merged with its neighbours'.
struct UniqueKeys {
  private var tableKeys: [UInt64] = []
  /// Number + 1 of the key in this cell; 0 is free.
  private var tableNumbers: [UInt32] = []
  private var ranks: [UInt64] = []
  private var order: [UInt32] = []
  private var placeOfNumber: [UInt32] = []
  private var bitmap: [UInt64] = []
  private var bitsBefore: [UInt32] = []
  /// By field, the key that stands for those not admitted: part of every slice. Empty without admission.
  private let otherKeys: [UInt64]
  private var otherPlaces: [UInt32] = []

  init(otherKeys: [UInt64] = []) {
    self.otherKeys = otherKeys
    resize(to: 1 << 12)
  }

  private mutating func resize(to capacity: Int) {
    tableKeys = [UInt64](repeating: 0, count: capacity)
    tableNumbers = [UInt32](repeating: 0, count: capacity)
  }

  /// Fills `keys` of the work and `places`, `uniques` of its parts from the parts' batches.
  mutating func number(_ work: StepWork) {
    work.keys.removeAll(keepingCapacity: true)
    tableNumbers.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    for index in work.parts.indices {
      numberEntries(work.parts[index].batch.keys, places: &work.parts[index].places, keys: &work.keys)
    }
    var others: [UInt32] = []
    if !otherKeys.isEmpty { numberEntries(otherKeys, places: &others, keys: &work.keys) }
    sort(&work.keys)
    otherPlaces = others.map { placeOfNumber[Int($0)] }
    for index in work.parts.indices {
      collectUniques(of: &work.parts[index], count: work.keys.count)
      if !otherKeys.isEmpty { findFields(of: &work.parts[index]) }
    }
  }

  /// Leaves in `places` each entry's number in the order of first sight, and appends new keys to `keys`.
  private mutating func numberEntries(_ entryKeys: [UInt64], places: inout [UInt32], keys: inout [UInt64]) {
    let entries = entryKeys.count
    places.resize(to: entries)
    var done = 0
    while done < entries {
      // Grow between runs, so that the inner loop never has to look.
      let room = tableKeys.count / 2 - keys.count
      if room < min(entries - done, 1024) {
        grow(keys)
        continue
      }
      let end = min(entries, done + room)
      let mask = tableKeys.count - 1
      entryKeys.withUnsafeBufferPointer { entryKeys in
        places.withUnsafeMutableBufferPointer { places in
          tableKeys.withUnsafeMutableBufferPointer { cells in
            tableNumbers.withUnsafeMutableBufferPointer { numbers in
              for entry in done..<end {
                let key = entryKeys[entry]
                var cell = Int(truncatingIfNeeded: Rank.of(key) >> 20) & mask
                while numbers[cell] != 0 && cells[cell] != key { cell = (cell &+ 1) & mask }
                if numbers[cell] == 0 {
                  cells[cell] = key
                  keys.append(key)
                  numbers[cell] = UInt32(truncatingIfNeeded: keys.count)
                }
                places[entry] = numbers[cell] &- 1
              }
            }
          }
        }
      }
      done = end
    }
  }

  private mutating func grow(_ keys: [UInt64]) {
    resize(to: tableKeys.count * 2)
    let mask = tableKeys.count - 1
    for (number, key) in keys.enumerated() {
      var cell = Int(truncatingIfNeeded: Rank.of(key) >> 20) & mask
      while tableNumbers[cell] != 0 { cell = (cell + 1) & mask }
      tableKeys[cell] = key
      tableNumbers[cell] = UInt32(number + 1)
    }
  }

  /// Sorts the keys by rank and fills `placeOfNumber`. Ranks are hashes, so one bucket pass by their top bits leaves
  /// buckets of a few keys, which insertion sort finishes.
  private mutating func sort(_ keys: inout [UInt64]) {
    let count = keys.count
    ranks.resize(to: count)
    order.resize(to: count)
    placeOfNumber.resize(to: count)
    guard count > 0 else { return }
    let bits = max(1, Int.bitWidth - count.leadingZeroBitCount - 1)
    let shift = UInt64(64 - bits)
    var starts = [UInt32](repeating: 0, count: 1 << bits + 1)
    for number in 0..<count {
      let rank = Rank.of(keys[number])
      ranks[number] = rank
      starts[Int(rank >> shift) + 1] += 1
    }
    for bucket in 1..<starts.count { starts[bucket] += starts[bucket - 1] }
    var next = starts
    for number in 0..<count {
      let bucket = Int(ranks[number] >> shift)
      order[Int(next[bucket])] = UInt32(number)
      next[bucket] += 1
    }
    ranks.withUnsafeBufferPointer { ranks in
      order.withUnsafeMutableBufferPointer { order in
        for bucket in 0..<starts.count - 1 {
          let first = Int(starts[bucket])
          let last = Int(starts[bucket + 1])
          if last - first > 64 {
            order[first..<last].sort { ranks[Int($0)] < ranks[Int($1)] }
            continue
          }
          for position in first..<last {
            let number = order[position]
            let rank = ranks[Int(number)]
            var hole = position
            while hole > first, ranks[Int(order[hole - 1])] > rank {
              order[hole] = order[hole - 1]
              hole -= 1
            }
            order[hole] = number
          }
        }
      }
    }
    // `ranks` has done its work: it carries the sorted keys back.
    for place in 0..<count {
      let number = Int(order[place])
      placeOfNumber[number] = UInt32(place)
      ranks[place] = keys[number]
    }
    swap(&keys, &ranks)
  }

  /// Turns numbers into places, and places into the slice's own ascending list.
  private mutating func collectUniques(of part: inout SlicePart, count: Int) {
    let words = (count + 63) / 64
    bitmap.resize(to: words)
    bitsBefore.resize(to: words)
    part.uniques.removeAll(keepingCapacity: true)
    bitmap.withUnsafeMutableBufferPointer { bitmap in
      bitmap.update(repeating: 0)
      placeOfNumber.withUnsafeBufferPointer { placeOfNumber in
        part.places.withUnsafeMutableBufferPointer { places in
          for entry in places.indices {
            let place = placeOfNumber[Int(places[entry])]
            places[entry] = place
            bitmap[Int(place >> 6)] |= 1 << UInt64(place & 63)
          }
        }
      }
      if part.batch.rows > 0 {
        for place in otherPlaces { bitmap[Int(place >> 6)] |= 1 << UInt64(place & 63) }
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
        part.places.withUnsafeMutableBufferPointer { places in
          for entry in places.indices {
            let place = places[entry]
            let word = Int(place >> 6)
            let below = bitmap[word] & (1 << UInt64(place & 63) &- 1)
            places[entry] = bitsBefore[word] &+ UInt32(truncatingIfNeeded: below.nonzeroBitCount)
          }
        }
      }
      part.substitution.others.removeAll(keepingCapacity: true)
      if part.batch.rows > 0 {
        for place in otherPlaces {
          let below = bitmap[Int(place >> 6)] & (1 << UInt64(place & 63) &- 1)
          part.substitution.others.append(bitsBefore[Int(place >> 6)] &+ UInt32(below.nonzeroBitCount))
        }
      }
    }
  }

  /// Finds the field and counts the sightings of each of the slice's keys.
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

extension Array where Element: FixedWidthInteger {
  /// Makes the array `count` long without giving memory back; new elements are zero, old ones stay as they are.
  mutating func resize(to count: Int) {
    if self.count > count {
      removeLast(self.count - count)
    } else if self.count < count {
      append(contentsOf: repeatElement(0, count: count - self.count))
    }
  }
}
