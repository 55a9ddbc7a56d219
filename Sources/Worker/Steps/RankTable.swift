import Sharding

/// Numbers distinct ranks in the order in which they are met: an open-addressing table.
///
/// A rank is a hash already. It is computed once an entry, finds the entry's cell, and stays with it.
struct RankTable {
  /// By number.
  private(set) var ranks: [UInt64] = []
  private var cells: [UInt64] = []
  /// Number + 1 of the rank in this cell; 0 is free.
  private var numbers: [UInt32] = []

  init() { resize(to: 1 << 12) }

  private mutating func resize(to capacity: Int) {
    cells = [UInt64](repeating: 0, count: capacity)
    numbers = [UInt32](repeating: 0, count: capacity)
  }

  /// Forgets all ranks; the memory stays.
  mutating func reset() {
    ranks.removeAll(keepingCapacity: true)
    numbers.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
  }

  /// Leaves in `places` the number of each key's rank.
  mutating func number(_ keys: [UInt64], into places: inout [UInt32]) {
    places.resize(to: keys.count)
    var done = 0
    while done < keys.count {
      // Grow between runs, so that the inner loop never has to look.
      let room = cells.count / 2 - ranks.count
      if room < min(keys.count - done, 1024) {
        grow()
        continue
      }
      let end = min(keys.count, done + room)
      let mask = cells.count - 1
      keys.withUnsafeBufferPointer { keys in
        places.withUnsafeMutableBufferPointer { places in
          cells.withUnsafeMutableBufferPointer { cells in
            numbers.withUnsafeMutableBufferPointer { numbers in
              for entry in done..<end {
                let rank = Rank.of(keys[entry])
                var cell = Self.cell(of: rank) & mask
                while numbers[cell] != 0 && cells[cell] != rank { cell = (cell &+ 1) & mask }
                if numbers[cell] == 0 {
                  cells[cell] = rank
                  ranks.append(rank)
                  numbers[cell] = UInt32(truncatingIfNeeded: ranks.count)
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

  private mutating func grow() {
    resize(to: cells.count * 2)
    let mask = cells.count - 1
    for (number, rank) in ranks.enumerated() {
      var cell = Self.cell(of: rank) & mask
      while numbers[cell] != 0 { cell = (cell + 1) & mask }
      cells[cell] = rank
      numbers[cell] = UInt32(number + 1)
    }
  }

  @inline(__always)
  private static func cell(of rank: UInt64) -> Int { Int(truncatingIfNeeded: rank >> 20) }
}

/// Sorts ranks. They are hashes, so one pass over buckets by their top bits leaves buckets of a few, which insertion
/// sort finishes.
struct RankSorter {
  private var order: [UInt32] = []
  /// By number, the rank's position in the sorted list.
  private(set) var places: [UInt32] = []

  /// Sets `sorted` to the ranks, ascending.
  mutating func sort(_ ranks: [UInt64], into sorted: inout [UInt64]) {
    let count = ranks.count
    order.resize(to: count)
    places.resize(to: count)
    sorted.resize(to: count)
    guard count > 0 else { return }
    let bits = max(1, Int.bitWidth - count.leadingZeroBitCount - 1)
    let shift = UInt64(64 - bits)
    var starts = [UInt32](repeating: 0, count: 1 << bits + 1)
    for rank in ranks { starts[Int(rank >> shift) + 1] += 1 }
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
          Self.sort(&order, Int(starts[bucket])..<Int(starts[bucket + 1]), by: ranks)
        }
      }
    }
    for place in 0..<count {
      let number = Int(order[place])
      places[number] = UInt32(place)
      sorted[place] = ranks[number]
    }
  }

  @inline(__always)
  private static func sort(
    _ order: inout UnsafeMutableBufferPointer<UInt32>, _ bucket: Range<Int>, by ranks: UnsafeBufferPointer<UInt64>
  ) {
    if bucket.count > 64 {
      order[bucket].sort { ranks[Int($0)] < ranks[Int($1)] }
      return
    }
    for position in bucket {
      let number = order[position]
      let rank = ranks[Int(number)]
      var hole = position
      while hole > bucket.lowerBound, ranks[Int(order[hole - 1])] > rank {
        order[hole] = order[hole - 1]
        hole -= 1
      }
      order[hole] = number
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
