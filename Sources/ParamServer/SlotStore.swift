import Glibc
import Wire

/// The rows of one slot: keys and rows in dense arrays, found through a small open-addressing index.
///
/// Each slot grows by itself, so no table-wide rehash ever holds up the workers. A row is `stride` floats: the
/// parameters, then the optimizer's state. Positions stay; addresses hold until the next `insert`.
struct SlotStore {
  private(set) var count = 0
  private var capacity = 0
  private var keys: UnsafeMutablePointer<UInt64>?
  private var rows: UnsafeMutablePointer<Float>?
  /// Position + 1 in `keys`, 0 where free; a power of two, at most half full.
  private var index: UnsafeMutablePointer<UInt32>?
  private var indexBits = 0
  /// Changed since the last checkpoint.
  var isDirty = false

  func key(at position: Int) -> UInt64 { keys![position] }

  @inline(__always)
  func row(at position: Int, stride: Int) -> UnsafeMutablePointer<Float> { rows! + position &* stride }

  /// Bytes allocated.
  func bytes(stride: Int) -> Int {
    capacity * (8 + stride * 4) + (index == nil ? 0 : 4 << indexBits)
  }

  /// Where probing for a rank starts: the bits below the slot's own.
  @inline(__always)
  private func start(_ rank: UInt64) -> Int { Int(truncatingIfNeeded: (rank << 14) >> UInt64(64 &- indexBits)) }

  /// The position of a key, or -1.
  @inline(__always)
  func find(_ key: UInt64, rank: UInt64) -> Int {
    guard let index, let keys else { return -1 }
    let mask = 1 << indexBits &- 1
    var cell = start(rank)
    while true {
      let found = index[cell]
      if found == 0 { return -1 }
      if keys[Int(found) &- 1] == key { return Int(found) &- 1 }
      cell = (cell &+ 1) & mask
    }
  }

  /// Adds a key that is not there yet. Its row is not initialised.
  mutating func insert(_ key: UInt64, rank: UInt64, stride: Int) -> Int {
    if count == capacity { grow(to: capacity == 0 ? 1 : capacity + max(1, capacity / 2), stride: stride) }
    let position = count
    keys![position] = key
    count += 1
    link(rank: rank, position: position)
    return position
  }

  private mutating func link(rank: UInt64, position: Int) {
    let mask = 1 << indexBits - 1
    var cell = start(rank)
    while index![cell] != 0 { cell = (cell + 1) & mask }
    index![cell] = UInt32(position + 1)
  }

  private mutating func grow(to newCapacity: Int, stride: Int) {
    keys = Self.move(keys, count: count, to: newCapacity)
    rows = Self.move(rows, count: count * stride, to: newCapacity * stride)
    capacity = newCapacity
    let bits = max(2, Int.bitWidth - (2 * newCapacity - 1).leadingZeroBitCount)
    guard bits != indexBits else { return }
    index?.deallocate()
    indexBits = bits
    index = .allocate(capacity: 1 << bits)
    index!.initialize(repeating: 0, count: 1 << bits)
    for position in 0..<count { link(rank: SlotOrder.rank(of: keys![position]), position: position) }
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
    keys?.deallocate()
    rows?.deallocate()
    index?.deallocate()
    self = SlotStore()
  }

  /// Positions in ascending order of their keys.
  func positionsByKey() -> [Int] { (0..<count).sorted { keys![$0] < keys![$1] } }
}
