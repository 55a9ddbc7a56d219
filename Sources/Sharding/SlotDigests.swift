import Foundation

/// The digests of many slots, which travel as bytes: 36 for each. A server has up to 16,384 of them a table.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 2 | table |
/// | 2 | 2 | slot |
/// | 4 | 32 | SHA-256 |
///
/// All numbers are little-endian.
public struct SlotDigests: Codable, Hashable, Sendable {
  public var all: [SlotDigest]

  private static let size = 4 + Digest.size

  public init(_ all: [SlotDigest]) { self.all = all }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let bytes = [UInt8](try container.decode(Data.self))
    guard bytes.count % Self.size == 0 else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(bytes.count) bytes of digests")
    }
    all = stride(from: 0, to: bytes.count, by: Self.size).compactMap { start in
      Digest(bytes: bytes[start + 4..<start + Self.size]).map {
        SlotDigest(
          table: Int(bytes[start]) | Int(bytes[start + 1]) << 8,
          slot: Int(bytes[start + 2]) | Int(bytes[start + 3]) << 8,
          digest: $0)
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var bytes = Data(capacity: all.count * Self.size)
    for digest in all {
      for number in [digest.table, digest.slot] {
        bytes.append(UInt8(truncatingIfNeeded: number))
        bytes.append(UInt8(truncatingIfNeeded: number >> 8))
      }
      bytes.append(contentsOf: digest.digest.bytes)
    }
    var container = encoder.singleValueContainer()
    try container.encode(bytes)
  }
}
