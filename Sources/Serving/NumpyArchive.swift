import CZlib
import Features

/// Writes arrays as numpy's `load` reads them: `.npy` files in a zip archive that compresses nothing, with sizes of 64 bits.
///
/// - Source: numpy's `lib.format` (version 1.0); PKWARE's APPNOTE 4.3.
struct NumpyArchive {
  private let file: OutputFile
  private var directory: [UInt8] = []
  private var count = 0

  init(path: String) throws { file = try OutputFile(path: path) }

  private static let types = ["F32": "<f4", "F16": "<f2", "I8": "|i1", "U32": "<u4", "U64": "<u8", "U8": "|u1"]

  /// Appends an array.
  ///
  /// - Parameters:
  ///   - bytes: how many `write` gives.
  ///   - write: is called twice: a checksum comes before what it is of.
  mutating func append(
    _ name: String, type: String, shape: [Int], bytes: Int,
    write: (_ put: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) throws {
    let header = Self.header(type: type, shape: shape)
    var checksum = header.withUnsafeBytes { Self.checksum(0, $0) }
    try write { checksum = Self.checksum(checksum, $0) }
    let size = UInt64(header.count + bytes)
    let name = Array("\(name).npy".utf8)
    let offset = UInt64(file.bytes)

    var local = FieldBytes()
    local.put(0x0403_4b50 as UInt32)
    local.put(Self.common(checksum, name: name.count, extra: 20))
    local.bytes += name
    local.put(1 as UInt16, 16 as UInt16)
    local.put(size, size)
    try file.write(local.bytes + header)
    try write { try file.write($0) }

    var entry = FieldBytes()
    entry.put(0x0201_4b50 as UInt32)
    entry.put(45 as UInt16)
    entry.put(Self.common(checksum, name: name.count, extra: 28))
    // No comment, the first disk, attributes of nothing, and the offset in the extra field.
    entry.put(0 as UInt16, 0 as UInt16, 0 as UInt16)
    entry.put(0 as UInt32, UInt32.max)
    entry.bytes += name
    entry.put(1 as UInt16, 24 as UInt16)
    entry.put(size, size, offset)
    directory += entry.bytes
    count += 1
  }

  /// Writes the directory. The file appears under its name then.
  func close() throws {
    let start = UInt64(file.bytes)
    let size = UInt64(directory.count)
    var end = FieldBytes()
    end.put(0x0606_4b50 as UInt32)
    end.put(44 as UInt64)
    end.put(45 as UInt16, 45 as UInt16)
    end.put(0 as UInt32, 0 as UInt32)
    end.put(UInt64(count), UInt64(count), size, start)
    end.put(0x0706_4b50 as UInt32, 0 as UInt32)
    end.put(start + size)
    end.put(1 as UInt32, 0x0605_4b50 as UInt32)
    end.put(0 as UInt16, 0 as UInt16, UInt16.max, UInt16.max)
    end.put(UInt32.max, UInt32.max)
    end.put(0 as UInt16)
    try file.write(directory + end.bytes)
    try file.close()
  }

  /// What a local header and an entry of the directory have in common: version, flags, method, time, checksum, sizes, lengths.
  private static func common(_ checksum: UInt32, name: Int, extra: Int) -> [UInt8] {
    var fields = FieldBytes()
    // Stored as it is; 1980-01-01.
    fields.put(45 as UInt16, 0 as UInt16, 0 as UInt16, 0 as UInt16, 0x21 as UInt16)
    fields.put(checksum, UInt32.max, UInt32.max)
    fields.put(UInt16(name), UInt16(extra))
    return fields.bytes
  }

  private static func header(type: String, shape: [Int]) -> [UInt8] {
    let sizes = shape.map { "\($0)," }.joined(separator: " ")
    var text = "{'descr': '\(types[type]!)', 'fortran_order': False, 'shape': (\(sizes)), }"
    text += String(repeating: " ", count: (64 - (10 + text.utf8.count + 1) % 64) % 64) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count & 255), UInt8(text.utf8.count >> 8)]
      + Array(text.utf8)
  }

  private static func checksum(_ sum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    guard let start = bytes.baseAddress else { return sum }
    return UInt32(crc32_z(uLong(sum), start.assumingMemoryBound(to: Bytef.self), bytes.count))
  }
}

/// Numbers, little-endian, one after the other.
private struct FieldBytes {
  var bytes: [UInt8] = []

  mutating func put<Number: FixedWidthInteger>(_ numbers: Number...) {
    for number in numbers { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
  }

  mutating func put(_ more: [UInt8]) { bytes += more }
}
