extension PackedBlock {
  /// Why a block cannot be read.
  struct Damage: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
  }

  fileprivate struct FieldView {
    var keys = 0
    var distinct = 0
    var places = 0
    var width = 1
    var counts: Int?
    var countWidth = 1
    var values: Int?
    var entries = 0
    var next = 0
  }

  /// Checks a block's bytes and appends its rows to the buffer. Whatever the bytes are, nothing is read or written
  /// outside of them and the buffer.
  ///
  /// - Throws: `Damage`; the buffer is then as it was.
  static func read(
    _ bytes: UnsafeRawBufferPointer, number: Int, rows: Int, fields: Int, into buffer: inout EntryBuffer
  ) throws {
    guard bytes.count >= PackedFormat.blockHeaderSize, bytes.number(at: 0) == PackedFormat.blockMagic else {
      throw Damage("it does not begin like one")
    }
    guard storedChecksum(bytes) == checksum(bytes) else { throw Damage("its checksum is wrong") }
    let entries = Int(bytes.number(at: 12, as: UInt32.self))
    guard bytes.number(at: 4, as: UInt32.self) == UInt32(truncatingIfNeeded: number),
      bytes.number(at: 8, as: UInt32.self) == UInt32(truncatingIfNeeded: rows),
      Int(bytes.number(at: 16, as: UInt32.self)) == bytes.count - PackedFormat.blockHeaderSize
    else { throw Damage("it is another than the index says") }
    let labels = PackedFormat.blockHeaderSize
    var views = [FieldView](repeating: FieldView(), count: fields)
    var offset = labels + (rows + 7) / 8
    for field in 0..<fields { offset = try views[field].locate(in: bytes, at: offset, rows: rows) }
    guard offset == bytes.count, views.reduce(0, { $0 + $1.entries }) == entries else {
      throw Damage("its fields do not fill it")
    }
    buffer.reserve(entries: entries, cells: rows * fields)
    let start = (buffer.entries, buffer.cells, buffer.rows)
    if views.allSatisfy({ $0.counts == nil }) {
      appendOneToOne(bytes, views, rows: rows, into: &buffer)
    } else {
      try appendRows(bytes, &views, rows: rows, into: &buffer, start)
    }
    for row in 0..<rows {
      buffer.reserve(entries: 0, cells: 0)
      buffer.endRow(label: bytes[labels + row >> 3] >> UInt8(row & 7) & 1 == 1 ? 1 : 0)
    }
  }

  /// Every cell has one entry: a field at a time, each into its own column.
  private static func appendOneToOne(
    _ bytes: UnsafeRawBufferPointer, _ views: [FieldView], rows: Int, into buffer: inout EntryBuffer
  ) {
    let fields = views.count
    let (firstEntry, firstCell) = (buffer.entries, buffer.cells)
    for (field, view) in views.enumerated() {
      let keys = buffer.keys + firstEntry + field
      let values = buffer.values + firstEntry + field
      view.forEachPlace(in: bytes, rows: rows) { row, place in
        keys[row &* fields] = bytes.number(at: view.keys &+ 8 &* place)
      }
      if let start = view.values {
        for row in 0..<rows { values[row * fields] = Float(bitPattern: bytes.number(at: start + 4 * row)) }
      } else {
        for row in 0..<rows { values[row &* fields] = 1 }
      }
    }
    buffer.entries += rows * fields
    for cell in 0..<rows * fields { buffer.ends[firstCell + cell] = Int32(firstEntry + cell + 1) }
    buffer.cells += rows * fields
  }

  private static func appendRows(
    _ bytes: UnsafeRawBufferPointer, _ views: inout [FieldView], rows: Int, into buffer: inout EntryBuffer,
    _ start: (entries: Int, cells: Int, rows: Int)
  ) throws {
    func fail() -> Damage {
      buffer.entries = start.entries
      buffer.cells = start.cells
      return Damage("its numbers of entries do not add up")
    }
    for row in 0..<rows {
      for field in views.indices {
        let count = views[field].counts.map { number(bytes, at: $0, row, width: views[field].countWidth) } ?? 1
        guard count <= views[field].entries - views[field].next else { throw fail() }
        for _ in 0..<count {
          let next = views[field].next
          let place = number(bytes, at: views[field].places, next, width: views[field].width)
          let value = views[field].values.map { Float(bitPattern: bytes.number(at: $0 + 4 * next)) } ?? 1
          buffer.append(bytes.number(at: views[field].keys + 8 * place), value)
          views[field].next += 1
        }
        buffer.endCell()
      }
    }
    guard views.allSatisfy({ $0.next == $0.entries }) else { throw fail() }
  }

  @inline(__always)
  private static func number(_ bytes: UnsafeRawBufferPointer, at start: Int, _ place: Int, width: Int) -> Int {
    switch width {
    case 1: Int(bytes[start + place])
    case 2: Int(bytes.number(at: start + 2 * place, as: UInt16.self))
    default: Int(bytes.number(at: start + 4 * place, as: UInt32.self))
    }
  }
}

extension PackedBlock.FieldView {
  /// Finds the field's parts. Returns where they end.
  fileprivate mutating func locate(in bytes: UnsafeRawBufferPointer, at start: Int, rows: Int) throws -> Int {
    func require(_ condition: Bool) throws { if !condition { throw PackedBlock.Damage("a field is malformed") } }
    try require(start + PackedFormat.fieldHeaderSize <= bytes.count)
    let flags = bytes[start]
    width = Int(bytes[start + 1])
    countWidth = Int(bytes[start + 2])
    try require([1, 2, 4].contains(width) && [1, 2, 4].contains(countWidth))
    distinct = Int(bytes.number(at: start + 4, as: UInt32.self))
    entries = Int(bytes.number(at: start + 8, as: UInt32.self))
    try require(distinct <= entries && (flags & PackedFormat.hasCounts != 0 || entries == rows))
    keys = start + PackedFormat.fieldHeaderSize
    places = keys + 8 * distinct
    var end = places + width * entries
    if flags & PackedFormat.hasCounts != 0 {
      counts = end
      end += countWidth * rows
    }
    if flags & PackedFormat.hasValues != 0 {
      values = end
      end += 4 * entries
    }
    try require(end <= bytes.count)
    var highest = 0
    forEachPlace(in: bytes, rows: entries) { _, place in highest = max(highest, place) }
    try require(entries == 0 || highest < distinct)
    return end
  }

  @inline(__always)
  fileprivate func forEachPlace(in bytes: UnsafeRawBufferPointer, rows: Int, _ body: (Int, Int) -> Void) {
    let base = bytes.baseAddress! + places
    switch width {
    case 1: for row in 0..<rows { body(row, Int(base.load(fromByteOffset: row, as: UInt8.self))) }
    case 2:
      for row in 0..<rows { body(row, Int(base.loadUnaligned(fromByteOffset: 2 &* row, as: UInt16.self).littleEndian)) }
    default:
      for row in 0..<rows { body(row, Int(base.loadUnaligned(fromByteOffset: 4 &* row, as: UInt32.self).littleEndian)) }
    }
  }
}
