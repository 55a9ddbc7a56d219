import Sharding

/// Rows of one slot: ranks and rows in dense arrays, found through a small open-addressing index.
///
/// Each slot grows by itself, so no table-wide rehash ever holds up the workers. A row is `stride` floats. Addresses hold
/// until the next `insert` or `remove`. All zeros are an empty store, so that memory fresh from the system is a table of
/// them.
struct SlotStore {
  private(set) var count = 0
  private(set) var capacity = 0
  private var ranks: UnsafeMutablePointer<UInt64>?
  private var rows: UnsafeMutablePointer<Float>?
  /// Position + 1 in `ranks`, 0 where free; a power of two, at most half full.
  private var index: UnsafeMutablePointer<UInt32>?
  private var indexBits = 0

  func rank(at position: Int) -> UInt64 { ranks![position] }

  @inline(__always)
  func row(at position: Int, stride: Int) -> UnsafeMutablePointer<Float> { rows! + position &* stride }

  /// Bytes allocated.
  func bytes(stride: Int) -> Int { Self.bytes(capacity: capacity, stride: stride) }

  /// Bytes of a store with room for so many rows.
  static func bytes(capacity: Int, stride: Int) -> Int {
    capacity * (8 + stride * 4) + (capacity == 0 ? 0 : 4 << indexBits(capacity))
  }

  /// The room that a full store grows to.
  static func capacity(after capacity: Int) -> Int { capacity == 0 ? 1 : capacity + max(1, capacity / 2) }

  private static func indexBits(_ capacity: Int) -> Int {
    max(2, Int.bitWidth - (2 * capacity - 1).leadingZeroBitCount)
  }

  /// Where probing for a rank starts: the bits below the slot's own.
  @inline(__always)
  private func start(_ rank: UInt64) -> Int { Int(truncatingIfNeeded: (rank << 14) >> UInt64(64 &- indexBits)) }

  private var mask: Int { 1 << indexBits &- 1 }

  /// The position of a rank, or -1.
  @inline(__always)
  func find(_ rank: UInt64) -> Int {
    guard let index, let ranks else { return -1 }
    var cell = start(rank)
    while true {
      let found = index[cell]
      if found == 0 { return -1 }
      if ranks[Int(found) &- 1] == rank { return Int(found) &- 1 }
      cell = (cell &+ 1) & mask
    }
  }

  /// Adds a rank that is not there yet. Its row is not initialised.
  mutating func insert(_ rank: UInt64, stride: Int) -> Int {
    if count == capacity { grow(to: Self.capacity(after: capacity), stride: stride) }
    let position = count
    ranks![position] = rank
    count += 1
    link(rank, position: position)
    return position
  }

  /// Takes a rank and its row out, as if they had never been there.
  mutating func remove(_ rank: UInt64, stride: Int) {
    guard let index, let ranks, let rows, let cell = cell(of: rank) else { return }
    let position = Int(index[cell]) - 1
    let last = count - 1
    if position < last {
      index[self.cell(of: ranks[last])!] = UInt32(position + 1)
      ranks[position] = ranks[last]
      (rows + position * stride).update(from: rows + last * stride, count: stride)
    }
    count = last
    close(cell)
  }

  private func cell(of rank: UInt64) -> Int? {
    var cell = start(rank)
    while index![cell] != 0 {
      if ranks![Int(index![cell]) - 1] == rank { return cell }
      cell = (cell + 1) & mask
    }
    return nil
  }

  /// Empties a cell, moving back what was pushed past it (D. Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
  private func close(_ cell: Int) {
    var hole = cell
    var next = (cell + 1) & mask
    while index![next] != 0 {
      let home = start(ranks![Int(index![next]) - 1])
      if (next - home) & mask >= (next - hole) & mask {
        index![hole] = index![next]
        hole = next
      }
      next = (next + 1) & mask
    }
    index![hole] = 0
  }

  private func link(_ rank: UInt64, position: Int) {
    var cell = start(rank)
    while index![cell] != 0 { cell = (cell + 1) & mask }
    index![cell] = UInt32(position + 1)
  }

  private mutating func grow(to newCapacity: Int, stride: Int) {
    ranks = Self.move(ranks, count: count, to: newCapacity)
    rows = Self.move(rows, count: count * stride, to: newCapacity * stride)
    capacity = newCapacity
    let bits = Self.indexBits(newCapacity)
    guard bits != indexBits else { return }
    index?.deallocate()
    indexBits = bits
    index = .allocate(capacity: 1 << bits)
    index!.initialize(repeating: 0, count: 1 << bits)
    for position in 0..<count { link(ranks![position], position: position) }
  }

  private static func move<Element: BitwiseCopyable>(
    _ old: UnsafeMutablePointer<Element>?, count: Int, to capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    if let old {
      new.update(from: old, count: count)
      old.deallocate()
    }
    return new
  }

  mutating func deallocate() {
    ranks?.deallocate()
    rows?.deallocate()
    index?.deallocate()
    self = SlotStore()
  }

  /// Positions in ascending order of their ranks.
  func ascendingPositions() -> [Int] { (0..<count).sorted { ranks![$0] < ranks![$1] } }
}
