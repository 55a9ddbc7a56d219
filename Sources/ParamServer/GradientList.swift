import Wire

/// Gradient sums by key, ascending in `SlotOrder`: what a push carries, or what merging two made.
///
/// Segments point into received frames or into merge buffers, which the list keeps.
struct GradientList {
  struct Segment {
    var keys: UnsafePointer<UInt64>
    var values: UnsafePointer<Float>
    var count: Int
  }

  var segments: [Segment] = []
  /// Rows of data behind the sums. A list of no samples is absent: it adds nothing, not even a zero.
  var samples: UInt64 = 0
  private var frames: [Frame] = []
  private var buffer: MergeBuffer?

  init() {}

  /// Appends a push's arrays, used where they were received.
  mutating func append(keys: Frame, values: Frame, count: Int) {
    guard count > 0 else { return }
    segments.append(
      Segment(
        keys: keys.elements(as: UInt64.self).baseAddress!, values: values.elements(as: Float.self).baseAddress!,
        count: count))
    frames += [keys, values]
  }

  /// `left + right`: keys of one only are copied, keys of both are added, the left one first.
  init(_ left: GradientList, _ right: GradientList, width: Int, buffers: inout [MergeBuffer]) {
    samples = left.samples + right.samples
    guard left.samples > 0, right.samples > 0 else {
      self = left.samples > 0 ? left : right
      return
    }
    defer { withExtendedLifetime((left, right)) {} }
    let most = left.count + right.count
    let buffer = buffers.popLast() ?? MergeBuffer()
    buffer.reserve(keys: most, values: most * width)
    self.buffer = buffer
    var l = Cursor(left, width: width)
    var r = Cursor(right, width: width)
    var count = 0
    var target = buffer.values
    while let leftKey = l.key, let rightKey = r.key {
      if leftKey == rightKey {
        for column in 0..<width { target[column] = l.values[column] + r.values[column] }
        buffer.keys[count] = leftKey
        l.advance()
        r.advance()
      } else if l.rank < r.rank {
        target.update(from: l.values, count: width)
        buffer.keys[count] = leftKey
        l.advance()
      } else {
        target.update(from: r.values, count: width)
        buffer.keys[count] = rightKey
        r.advance()
      }
      count += 1
      target += width
    }
    for var rest in [l, r] {
      while let key = rest.key {
        target.update(from: rest.values, count: width)
        buffer.keys[count] = key
        rest.advance()
        count += 1
        target += width
      }
    }
    segments = [Segment(keys: UnsafePointer(buffer.keys), values: UnsafePointer(buffer.values), count: count)]
  }

  var count: Int { segments.reduce(0) { $0 + $1.count } }

  /// Gives the merge buffer back for the next merge.
  func recycle(into buffers: inout [MergeBuffer]) {
    if let buffer { buffers.append(buffer) }
  }
}

/// Walks a list key by key.
private struct Cursor {
  private let segments: [GradientList.Segment]
  private let width: Int
  private var segment = 0
  private var position = 0
  private(set) var key: UInt64?
  private(set) var rank: UInt64 = 0
  private(set) var values: UnsafePointer<Float>

  init(_ list: GradientList, width: Int) {
    segments = list.segments
    self.width = width
    values = list.segments.first?.values ?? UnsafePointer(bitPattern: 8)!
    load()
  }

  private mutating func load() {
    while segment < segments.count, position == segments[segment].count {
      segment += 1
      position = 0
    }
    guard segment < segments.count else {
      key = nil
      return
    }
    let next = segments[segment].keys[position]
    key = next
    rank = SlotOrder.rank(of: next)
    values = segments[segment].values + position * width
  }

  mutating func advance() {
    position += 1
    load()
  }
}

/// Room for one merged list, used again and again.
final class MergeBuffer {
  private(set) var keys: UnsafeMutablePointer<UInt64> = .allocate(capacity: 1)
  private(set) var values: UnsafeMutablePointer<Float> = .allocate(capacity: 1)
  private var keyCapacity = 1
  private var valueCapacity = 1

  func reserve(keys keyCount: Int, values valueCount: Int) {
    if keyCount > keyCapacity {
      keys.deallocate()
      keyCapacity = keyCount + keyCount / 4
      keys = .allocate(capacity: keyCapacity)
    }
    if valueCount > valueCapacity {
      values.deallocate()
      valueCapacity = valueCount + valueCount / 4
      values = .allocate(capacity: valueCapacity)
    }
  }

  deinit {
    keys.deallocate()
    values.deallocate()
  }
}
