/// The bytes of one block; see ``PackedFormat``.
struct PackedBlock: Sendable {
  let rows: Int
  let bytes: [UInt8]

  /// Packs the rows of a buffer.
  init(_ buffer: EntryBuffer, fields: Int) {
    var columns = [UInt8](repeating: 0, count: (buffer.rows + 7) / 8)
    for row in 0..<buffer.rows where buffer.labels[row] != 0 { columns[row >> 3] |= 1 << UInt8(row & 7) }
    var dictionary = Dictionary()
    for field in 0..<fields { Self.append(field, of: fields, buffer, &dictionary, to: &columns) }
    rows = buffer.rows
    var bytes: [UInt8] = []
    bytes.reserveCapacity(PackedFormat.blockHeaderSize + columns.count)
    bytes.append(littleEndian: PackedFormat.blockMagic)
    bytes.append(littleEndian: UInt32(0))
    bytes.append(littleEndian: UInt32(buffer.rows))
    bytes.append(littleEndian: UInt32(buffer.entries))
    bytes.append(littleEndian: UInt32(columns.count))
    bytes.append(littleEndian: UInt32(0))
    bytes.append(contentsOf: columns)
    self.bytes = bytes
  }

  /// The bytes with the block's number and the checksum over both.
  func numbered(_ number: Int) -> [UInt8] {
    var bytes = bytes
    withUnsafeBytes(of: UInt32(number).littleEndian) { bytes.replaceSubrange(4..<8, with: $0) }
    let checksum = bytes.withUnsafeBytes { Self.checksum($0) }
    withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(20..<24, with: $0) }
    return bytes
  }

  /// The checksum that a block has itself, of which ``read(_:number:rows:fields:into:)`` finds that it is right.
  static func storedChecksum(_ block: UnsafeRawBufferPointer) -> UInt32 { block.number(at: 20) }

  static func checksum(_ block: UnsafeRawBufferPointer) -> UInt32 {
    let header = Checksum.crc32c(UnsafeRawBufferPointer(rebasing: block[..<20]))
    return Checksum.crc32c(UnsafeRawBufferPointer(rebasing: block[PackedFormat.blockHeaderSize...]), after: header)
  }

  /// The distinct keys of one field of one block.
  private struct Dictionary {
    var keys: [UInt64] = []
    private var cells = [UInt32](repeating: 0, count: 1 << 10)

    mutating func reset() {
      keys.removeAll(keepingCapacity: true)
      cells.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    @inline(__always)
    mutating func place(of key: UInt64) -> UInt32 {
      if 2 * keys.count >= cells.count { grow() }
      let mask = cells.count - 1
      var cell = Self.cell(key) & mask
      while cells[cell] != 0 {
        if keys[Int(cells[cell]) - 1] == key { return cells[cell] - 1 }
        cell = (cell + 1) & mask
      }
      keys.append(key)
      cells[cell] = UInt32(keys.count)
      return UInt32(keys.count - 1)
    }

    private mutating func grow() {
      cells = [UInt32](repeating: 0, count: 2 * cells.count)
      let mask = cells.count - 1
      for (place, key) in keys.enumerated() {
        var cell = Self.cell(key) & mask
        while cells[cell] != 0 { cell = (cell + 1) & mask }
        cells[cell] = UInt32(place + 1)
      }
    }

    @inline(__always)
    private static func cell(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) }
  }

  private static func append(
    _ field: Int, of fields: Int, _ buffer: EntryBuffer, _ dictionary: inout Dictionary, to columns: inout [UInt8]
  ) {
    dictionary.reset()
    var places: [UInt32] = []
    var values: [Float] = []
    var counts: [UInt32] = []
    places.reserveCapacity(buffer.rows)
    for row in 0..<buffer.rows {
      let cell = row * fields + field
      let first = cell > 0 ? Int(buffer.ends[cell - 1]) : 0
      let last = Int(buffer.ends[cell])
      counts.append(UInt32(last - first))
      for entry in first..<last {
        places.append(dictionary.place(of: buffer.keys[entry]))
        values.append(buffer.values[entry])
      }
    }
    let hasCounts = counts.contains { $0 != 1 }
    let hasValues = values.contains { $0 != 1 }
    let width = PackedFormat.width(below: dictionary.keys.count)
    let countWidth = PackedFormat.width(below: Int(counts.max() ?? 0) + 1)
    columns.append((hasCounts ? PackedFormat.hasCounts : 0) | (hasValues ? PackedFormat.hasValues : 0))
    columns.append(UInt8(width))
    columns.append(UInt8(countWidth))
    columns.append(0)
    columns.append(littleEndian: UInt32(dictionary.keys.count))
    columns.append(littleEndian: UInt32(places.count))
    for key in dictionary.keys { columns.append(littleEndian: key) }
    append(places, width: width, to: &columns)
    if hasCounts { append(counts, width: countWidth, to: &columns) }
    if hasValues { for value in values { columns.append(littleEndian: value.bitPattern) } }
  }

  private static func append(_ numbers: [UInt32], width: Int, to columns: inout [UInt8]) {
    switch width {
    case 1: for number in numbers { columns.append(UInt8(truncatingIfNeeded: number)) }
    case 2: for number in numbers { columns.append(littleEndian: UInt16(truncatingIfNeeded: number)) }
    default: for number in numbers { columns.append(littleEndian: number) }
    }
  }
}
