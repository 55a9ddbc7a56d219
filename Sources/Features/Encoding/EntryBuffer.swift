/// Where rows are put together: plain memory that grows between rows, never within one.
///
/// Its owner calls `deallocate`.
struct EntryBuffer {
  private(set) var keys: UnsafeMutablePointer<UInt64>
  private(set) var values: UnsafeMutablePointer<Float>
  /// Per cell, the number of entries up to its end.
  private(set) var ends: UnsafeMutablePointer<Int32>
  private(set) var labels: UnsafeMutablePointer<Float>
  var entries = 0
  var cells = 0
  var rows = 0
  /// Numbers that were taken for the nearest that the field's limits allow.
  var outside = 0
  private var entryCapacity = 0
  private var cellCapacity = 0
  private var rowCapacity = 0

  /// Bytes allocated.
  var bytes: Int { entryCapacity * 12 + cellCapacity * 4 + rowCapacity * 4 }

  init() {
    keys = .allocate(capacity: 1)
    values = .allocate(capacity: 1)
    ends = .allocate(capacity: 1)
    labels = .allocate(capacity: 1)
  }

  func deallocate() {
    keys.deallocate()
    values.deallocate()
    ends.deallocate()
    labels.deallocate()
  }

  mutating func reset() {
    entries = 0
    cells = 0
    rows = 0
    outside = 0
  }

  /// Makes room for one more row.
  @inline(__always)
  mutating func reserve(entries newEntries: Int, cells newCells: Int) {
    if entries &+ newEntries > entryCapacity || cells &+ newCells > cellCapacity || rows == rowCapacity {
      grow(entries: newEntries, cells: newCells)
    }
  }

  @inline(never)
  private mutating func grow(entries newEntries: Int, cells newCells: Int) {
    if entries + newEntries > entryCapacity {
      entryCapacity = max(2 * entryCapacity, entries + newEntries, 1 << 12)
      keys = Self.move(keys, count: entries, to: entryCapacity)
      values = Self.move(values, count: entries, to: entryCapacity)
    }
    if cells + newCells > cellCapacity {
      cellCapacity = max(2 * cellCapacity, cells + newCells, 1 << 12)
      ends = Self.move(ends, count: cells, to: cellCapacity)
    }
    if rows == rowCapacity {
      rowCapacity = max(2 * rowCapacity, 1 << 10)
      labels = Self.move(labels, count: rows, to: rowCapacity)
    }
  }

  private static func move<Element: BitwiseCopyable>(
    _ old: UnsafeMutablePointer<Element>, count: Int, to capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    new.update(from: old, count: count)
    old.deallocate()
    return new
  }

  @inline(__always)
  mutating func append(_ key: UInt64, _ value: Float) {
    keys[entries] = key
    values[entries] = value
    entries &+= 1
  }

  @inline(__always)
  mutating func endCell() {
    ends[cells] = Int32(truncatingIfNeeded: entries)
    cells &+= 1
  }

  @inline(__always)
  mutating func endRow(label: Float) {
    labels[rows] = label
    rows &+= 1
  }
}
