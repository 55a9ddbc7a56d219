/// Rows that are encoded already: what `deepfm pack` writes, so that nobody has to parse them again.
///
/// A file is a header, blocks of rows, and an index of the blocks. All numbers are little-endian; checksums are CRC-32C.
///
/// | offset | bytes | header |
/// |---|---|---|
/// | 0 | 4 | magic `DFPK` |
/// | 4 | 4 | version, 1 |
/// | 8 | 4 | fields |
/// | 12 | 4 | n, bytes of the encoding |
/// | 16 | n | the encoding, as JSON |
/// | 16 + n | 4 | checksum of all before |
///
/// | offset | bytes | block |
/// |---|---|---|
/// | 0 | 4 | magic `BLCK` |
/// | 4 | 4 | its number, from 0 |
/// | 8 | 4 | rows |
/// | 12 | 4 | entries |
/// | 16 | 4 | n, bytes of the columns |
/// | 20 | 4 | checksum of the 20 bytes before and of the columns |
/// | 24 | n | the labels, a bit a row from the lowest; then the fields, one after the other |
///
/// | bytes | field of a block: its distinct keys, and where each entry's is among them |
/// |---|---|
/// | 1 | bit 0: rows have numbers of entries, else one each; bit 1: entries have values, else 1 |
/// | 1 | w, bytes of a place: 1, 2 or 4 |
/// | 1 | c, bytes of a number of entries: 1, 2 or 4 |
/// | 1 | zero |
/// | 4 | d, distinct keys |
/// | 4 | e, entries |
/// | 8 d | keys, in the order of first sight |
/// | w e | places |
/// | c rows | numbers of entries, if bit 0 |
/// | 4 e | values as Float, if bit 1 |
///
/// | bytes | index, and the end of the file |
/// |---|---|
/// | 20 a block | offset (8), length (4), rows (4), its checksum (4) |
/// | 8 | offset of the index |
/// | 8 | rows of the file |
/// | 4 | blocks |
/// | 4 | checksum of the index and of the 20 bytes before |
/// | 4 | magic `KPFD` |
///
/// A block holds the rows of one chunk of the text it was made from, so training from either gives the same bits.
enum PackedFormat {
  static let magic: UInt32 = 0x4B50_4644
  static let blockMagic: UInt32 = 0x4B43_4C42
  static let endMagic: UInt32 = 0x4446_504B
  static let version: UInt32 = 1
  static let headerSize = 16
  static let blockHeaderSize = 24
  static let fieldHeaderSize = 12
  static let indexEntrySize = 20
  static let endSize = 28

  static let hasCounts: UInt8 = 1
  static let hasValues: UInt8 = 2

  /// Bytes of a number below `count`.
  static func width(below count: Int) -> Int { count <= 1 << 8 ? 1 : count <= 1 << 16 ? 2 : 4 }
}

extension [UInt8] {
  mutating func append(littleEndian number: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
  }
}

extension UnsafeRawBufferPointer {
  func number<Number: FixedWidthInteger>(at offset: Int, as type: Number.Type = Number.self) -> Number {
    Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
  }
}
