import Sharding

/// The first frame of every message: fixed size, little-endian, checked before anything else is read.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `DFPS` |
/// | 4 | 2 | version |
/// | 6 | 2 | kind |
/// | 8 | 4 | view |
/// | 12 | 2 | table |
/// | 14 | 2 | flags |
/// | 16 | 8 | clock: the step, from 0 |
/// | 24 | 8 | request: chosen by the asker, repeated in the answer |
/// | 32 | 8 | count: elements (rows) in this message |
/// | 40 | 8 | samples behind a push |
/// | 48 | 4 | node of the slice tree: level << 16 + index |
/// | 52 | 4 | part: large payloads travel as several messages |
/// | 56 | 4 | parts |
/// | 60 | 4 | zero |
public struct Header: Equatable, Sendable {
  public static let magic: UInt32 = 0x5350_4644
  public static let version: UInt16 = 1
  public static let size = 64

  public enum Kind: UInt16, Sendable, CaseIterable {
    /// worker -> server: `[keys: UInt64 x count]`
    case pull = 1
    /// server -> worker: `[values: Float x count x width]`, in the order of the keys asked for
    case rows = 2
    /// worker -> server: `[keys: UInt64 x count][gradient sums: Float x count x width]`, keys by ascending rank
    case push = 3
    /// anyone -> asker: `[UTF-8 sentence]`
    case refusal = 4
    /// server <-> coordinator: `[JSON]`
    case serverControl = 5
    /// worker <-> coordinator: `[JSON]`
    case workerControl = 6
    /// worker -> coordinator: `[labels: Float x count][logits: Float x count]`
    case scores = 7
  }

  /// Flag of a pull, which waits for its clock like any other: absent keys read as zeros and are not created.
  public static let readOnly: UInt16 = 1

  public var kind: Kind
  public var view: UInt32 = 0
  public var table: UInt16 = 0
  public var flags: UInt16 = 0
  public var clock: UInt64 = 0
  public var request: UInt64 = 0
  public var count: UInt64 = 0
  public var samples: UInt64 = 0
  public var node: SliceNode = .init(level: 0, index: 0)
  public var part: UInt32 = 0
  public var parts: UInt32 = 1

  public init(_ kind: Kind) { self.kind = kind }

  public func frame() -> Frame {
    let frame = Frame(count: Self.size)
    defer { withExtendedLifetime(frame) {} }
    let bytes = frame.mutableBytes
    func put(_ value: some FixedWidthInteger, at offset: Int) {
      withUnsafeBytes(of: value.littleEndian) {
        bytes.baseAddress!.advanced(by: offset).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
      }
    }
    put(Self.magic, at: 0)
    put(Self.version, at: 4)
    put(kind.rawValue, at: 6)
    put(view, at: 8)
    put(table, at: 12)
    put(flags, at: 14)
    put(clock, at: 16)
    put(request, at: 24)
    put(count, at: 32)
    put(samples, at: 40)
    put(node.code, at: 48)
    put(part, at: 52)
    put(parts, at: 56)
    put(UInt32(0), at: 60)
    return frame
  }

  public init(_ frame: Frame) throws {
    let bytes = frame.bytes
    defer { withExtendedLifetime(frame) {} }
    guard bytes.count == Self.size else { throw WireError.malformed("header of \(bytes.count) bytes") }
    func get<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type = Number.self) -> Number {
      Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
    guard get(0, as: UInt32.self) == Self.magic else { throw WireError.malformed("wrong magic") }
    let version = get(4, as: UInt16.self)
    guard version == Self.version else { throw WireError.wrongVersion(found: version) }
    let code = get(6, as: UInt16.self)
    guard let kind = Kind(rawValue: code) else { throw WireError.malformed("unknown kind \(code)") }
    self.init(kind)
    view = get(8)
    table = get(12)
    flags = get(14)
    clock = get(16)
    request = get(24)
    count = get(32)
    samples = get(40)
    node = SliceNode(code: get(48))
    part = get(52)
    parts = get(56)
    guard parts > 0, part < parts else { throw WireError.malformed("part \(part) of \(parts)") }
  }
}
