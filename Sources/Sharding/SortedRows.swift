/// Rows of floats by ascending key: a step's gradients, or a part of them.
///
/// Keys are ranks where rows travel, and a worker's places in its list of ranks where they do not. Segments point into
/// memory that others own (a received message, a `RowBuffer`) and that the value keeps alive: whoever reads through the
/// pointers keeps the value, with `withExtendedLifetime` where nothing else does.
public struct SortedRows<Key: FixedWidthInteger & UnsignedInteger & BitwiseCopyable> {
  /// `count` keys, all above those of the segment before, and `[count x width]` floats.
  public struct Segment {
    public let keys: UnsafePointer<Key>
    public let values: UnsafePointer<Float>
    public let count: Int

    public init(keys: UnsafePointer<Key>, values: UnsafePointer<Float>, count: Int) {
      self.keys = keys
      self.values = values
      self.count = count
    }
  }

  /// Floats of a row.
  public let width: Int
  /// None of them is empty.
  public private(set) var segments: [Segment] = []
  public private(set) var count = 0
  private var owners: [AnyObject] = []

  /// No rows.
  public init(width: Int) { self.width = width }

  /// A copy of `keys`, ascending, and `values`, `[keys.count x width]`.
  public init(copying keys: [Key], values: [Float], width: Int) {
    precondition(values.count == keys.count * width)
    self.width = width
    let buffer = RowBuffer<Key>()
    buffer.reserve(rows: keys.count, width: width)
    for (place, key) in keys.enumerated() { buffer.keys[place] = key }
    for (place, value) in values.enumerated() { buffer.values[place] = value }
    append(Segment(keys: buffer.keys, values: buffer.values, count: keys.count), ownedBy: buffer)
  }

  /// Appends rows that stay where they are.
  ///
  /// - Parameter owner: keeps the segment's memory, unchanged, as long as it lives; nil where the caller does.
  public mutating func append(_ segment: Segment, ownedBy owner: AnyObject?) {
    guard segment.count > 0 else { return }
    segments.append(segment)
    count += segment.count
    if let owner { owners.append(owner) }
  }

  /// Whether each key is above the one before it, across segments too.
  @inlinable public var ascends: Bool {
    withExtendedLifetime(self) {
      var last: Key?
      for segment in segments {
        if let last, segment.keys[0] <= last { return false }
        for position in 1..<max(1, segment.count) where segment.keys[position] <= segment.keys[position - 1] {
          return false
        }
        last = segment.keys[segment.count - 1]
      }
      return true
    }
  }

  /// Calls `body` with each key and its row, ascending.
  @inlinable public func forEach(_ body: (Key, UnsafePointer<Float>) throws -> Void) rethrows {
    try withExtendedLifetime(self) {
      for segment in segments {
        for position in 0..<segment.count {
          try body(segment.keys[position], segment.values + position * width)
        }
      }
    }
  }

  /// `left + right`, on which reproducibility hangs: rows of one only are copied, rows of both are added, the left one
  /// first.
  ///
  /// - Parameter buffer: where the sum goes; the result keeps it. It holds neither `left` nor `right`.
  @inlinable public static func merge(
    _ left: SortedRows, _ right: SortedRows, into buffer: RowBuffer<Key>
  ) -> SortedRows {
    precondition(left.width == right.width)
    let width = left.width
    buffer.reserve(rows: left.count + right.count, width: width)
    let keys = buffer.keys
    var target = buffer.values
    var count = 0
    var l = RowCursor(left)
    var r = RowCursor(right)
    while l.left > 0, r.left > 0 {
      let (leftKey, rightKey) = (l.keys[0], r.keys[0])
      if leftKey == rightKey {
        let (a, b) = (l.values, r.values)
        for column in 0..<width { target[column] = a[column] + b[column] }
      } else {
        let values = leftKey < rightKey ? l.values : r.values
        for column in 0..<width { target[column] = values[column] }
      }
      keys[count] = min(leftKey, rightKey)
      if leftKey <= rightKey { l.advance() }
      if rightKey <= leftKey { r.advance() }
      count += 1
      target += width
    }
    for var rest in [l, r] {
      while rest.left > 0 {
        let run = rest.takeSegment()
        (keys + count).update(from: run.keys, count: run.count)
        target.update(from: run.values, count: run.count * width)
        count += run.count
        target += run.count * width
      }
    }
    withExtendedLifetime((left, right)) {}
    var sum = SortedRows(width: width)
    sum.append(Segment(keys: buffer.keys, values: buffer.values, count: count), ownedBy: buffer)
    return sum
  }
}

/// Walks rows one by one.
@usableFromInline struct RowCursor<Key: FixedWidthInteger & UnsignedInteger & BitwiseCopyable> {
  @usableFromInline let segments: [SortedRows<Key>.Segment]
  @usableFromInline let width: Int
  @usableFromInline var segment = 0
  /// Of the present segment; 0 only at the end.
  @usableFromInline var left = 0
  @usableFromInline var keys: UnsafePointer<Key>
  @usableFromInline var values: UnsafePointer<Float>

  @inlinable init(_ rows: SortedRows<Key>) {
    segments = rows.segments
    width = rows.width
    keys = rows.segments.first?.keys ?? UnsafePointer(bitPattern: MemoryLayout<Key>.alignment)!
    values = rows.segments.first?.values ?? UnsafePointer(bitPattern: MemoryLayout<Float>.alignment)!
    left = rows.segments.first?.count ?? 0
  }

  @inlinable mutating func advance() {
    keys += 1
    values += width
    left -= 1
    if left == 0 { nextSegment() }
  }

  /// What is left of the present segment; the cursor goes on with the next.
  @inlinable mutating func takeSegment() -> SortedRows<Key>.Segment {
    let rest = SortedRows<Key>.Segment(keys: keys, values: values, count: left)
    nextSegment()
    return rest
  }

  @inlinable mutating func nextSegment() {
    segment += 1
    guard segment < segments.count else {
      left = 0
      return
    }
    keys = segments[segment].keys
    values = segments[segment].values
    left = segments[segment].count
  }
}
