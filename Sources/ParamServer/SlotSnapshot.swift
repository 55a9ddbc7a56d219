/// A slot's rows as bytes, the unit of a checkpoint.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `SLOT` |
/// | 4 | 4 | version, 2 |
/// | 8 | 4 | table |
/// | 12 | 4 | slot |
/// | 16 | 4 | width: parameters of a row |
/// | 20 | 4 | stride: floats of a row with its optimizer state |
/// | 24 | 8 | count |
/// | 32 | 8 | candidates |
/// | 40 | count · (8 + 4 · stride) | rows: key, then floats; keys ascending |
/// | behind | candidates · 12 | keys that are not admitted yet, ascending: key, then sightings (4 bytes) |
///
/// All numbers are little-endian.
struct SlotSnapshot {
  static let magic: UInt32 = 0x544f_4c53
  static let version: UInt32 = 2
  private static let headerSize = 40
  private static let candidateSize = 12

  let table: Int
  let slot: Int
  let width: Int
  let stride: Int
  private(set) var count = 0
  private(set) var candidates = 0
  private(set) var bytes: [UInt8]

  init(table: Int, slot: Int, width: Int, stride: Int) {
    self.table = table
    self.slot = slot
    self.width = width
    self.stride = stride
    bytes = []
    for number in [Self.magic, Self.version, UInt32(table), UInt32(slot), UInt32(width), UInt32(stride), 0, 0, 0, 0] {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
  }

  mutating func append(_ key: UInt64, _ row: UnsafePointer<Float>) {
    withUnsafeBytes(of: key.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: row, count: stride * 4))
    count += 1
    withUnsafeBytes(of: UInt64(count).littleEndian) { bytes.replaceSubrange(24..<32, with: $0) }
  }

  /// Appends a key that has no row yet; all rows come before.
  mutating func append(candidate key: UInt64, sightings: UInt32) {
    withUnsafeBytes(of: key.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: sightings.littleEndian) { bytes.append(contentsOf: $0) }
    candidates += 1
    withUnsafeBytes(of: UInt64(candidates).littleEndian) { bytes.replaceSubrange(32..<40, with: $0) }
  }

  /// Reads what `append` wrote, refusing whatever does not fit the table.
  ///
  /// - Parameter stride: nil takes rows of any optimizer.
  init(_ bytes: [UInt8], table: Int, slot: Int, width: Int, stride wanted: Int?) throws {
    func number(_ offset: Int) -> Int {
      Int(UInt32(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }))
    }
    guard bytes.count >= Self.headerSize, number(0) == Int(Self.magic), number(4) == Int(Self.version) else {
      throw SnapshotError.malformed
    }
    let stride = number(20)
    guard number(8) == table, number(12) == slot, number(16) == width, stride == wanted ?? stride,
      (width...1 << 24).contains(stride)
    else { throw SnapshotError.otherTable }
    let count = UInt64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 24, as: UInt64.self) })
    let candidates = UInt64(
      littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 32, as: UInt64.self) })
    guard count <= UInt64(bytes.count), candidates <= UInt64(bytes.count),
      bytes.count == Self.headerSize + Int(count) * (8 + stride * 4) + Int(candidates) * Self.candidateSize
    else { throw SnapshotError.malformed }
    self.candidates = Int(candidates)
    self.table = table
    self.slot = slot
    self.width = width
    self.stride = stride
    self.count = Int(count)
    self.bytes = bytes
  }

  func forEachRow(_ body: (UInt64, UnsafePointer<Float>) -> Void) {
    var row = [Float](repeating: 0, count: stride)
    bytes.withUnsafeBytes { bytes in
      for position in 0..<count {
        let offset = Self.headerSize + position * (8 + stride * 4)
        let key = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        row.withUnsafeMutableBytes {
          $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(offset + 8)..<(offset + 8 + stride * 4)]))
        }
        body(key, row)
      }
    }
  }

  func forEachCandidate(_ body: (UInt64, UInt32) -> Void) {
    let start = Self.headerSize + count * (8 + stride * 4)
    bytes.withUnsafeBytes { bytes in
      for position in 0..<candidates {
        let offset = start + position * Self.candidateSize
        body(
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
          UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt32.self)))
      }
    }
  }

  var sha256: String { SHA256.hash(bytes) }
}

enum SnapshotError: Error {
  case malformed
  case otherTable
}
