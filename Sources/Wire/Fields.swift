import Sharding

/// Writes the fixed-size fields of a message, little-endian.
struct FieldWriter {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(128) }

  mutating func put(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Reads them, and what is not there is an error.
struct FieldReader {
  private let frame: Frame
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ frame: Frame) {
    self.frame = frame
    bytes = frame.bytes
  }

  mutating func get<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws -> Number {
    let end = offset + MemoryLayout<Number>.size
    guard end <= bytes.count else { throw WireError.malformed("a message ends within its fields") }
    defer { offset = end }
    return withExtendedLifetime(frame) {
      Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
  }

  mutating func digest() throws -> Digest {
    let bytes = try (0..<Digest.size).map { _ in try get(UInt8.self) }
    guard let digest = Digest(bytes: bytes) else { throw WireError.malformed("a digest of \(bytes.count) bytes") }
    return digest
  }

  func finish() throws {
    guard offset == bytes.count else { throw WireError.malformed("a message has bytes behind its fields") }
  }
}
