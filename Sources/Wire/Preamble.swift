import Sharding

/// What begins every message: who speaks, in which run and view, and what about. Fixed size, little-endian, checked
/// before anything else is read.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `DFPS` |
/// | 4 | 2 | version |
/// | 6 | 2 | kind |
/// | 8 | 8 | run: drawn by its coordinator; 0 where the speaker belongs to none yet |
/// | 16 | 4 | term |
/// | 20 | 4 | view |
/// | 24 | 4 | member: role << 24 + number; all ones where it has none yet |
/// | 28 | 4 | zero |
/// | 32 | 8 | incarnation: drawn by the process at its start |
/// | 40 | 8 | request: counted by the asker from 1, on from view to view, repeated in the answer; 0 for what wants no answer |
/// | 48 | 8 | oldest: the asker's oldest request that is still open; what is older need not be remembered |
/// | 56 | 8 | addressee: the incarnation that is spoken to, 0 where it is not known. Whoever follows at the same address is not meant |
///
/// The fields of the message's own kind follow in the same frame, its arrays in frames of their own.
public struct Preamble: Equatable, Sendable {
  static let magic: UInt32 = 0x5350_4644
  public static let version: UInt16 = 6

  public var run: UInt64 = 0
  public var term: UInt32 = 0
  public var view: UInt32 = 0
  public var member: Member?
  public var incarnation: UInt64 = 0
  public var request: UInt64 = 0
  public var oldest: UInt64 = 0
  public var addressee: UInt64 = 0

  public init() {}

  /// Whether it may be meant for a process.
  public func isFor(_ incarnation: UInt64) -> Bool { addressee == 0 || addressee == incarnation }

  func write(_ kind: MessageKind, to fields: inout FieldWriter) {
    fields.put(Self.magic)
    fields.put(Self.version)
    fields.put(kind.rawValue)
    fields.put(run)
    fields.put(term)
    fields.put(view)
    fields.put(member?.code ?? .max)
    fields.put(UInt32(0))
    fields.put(incarnation)
    fields.put(request)
    fields.put(oldest)
    fields.put(addressee)
  }

  init(_ fields: inout FieldReader) throws {
    guard try fields.get(UInt32.self) == Self.magic else { throw WireError.malformed("wrong magic") }
    let version = try fields.get(UInt16.self)
    guard version == Self.version else { throw WireError.wrongVersion(found: version) }
    let code = try fields.get(UInt16.self)
    guard MessageKind(rawValue: code) != nil else { throw WireError.malformed("unknown kind \(code)") }
    run = try fields.get()
    term = try fields.get()
    view = try fields.get()
    let place = try fields.get(UInt32.self)
    if place != .max {
      guard let known = Member(code: place) else { throw WireError.malformed("unknown member \(place)") }
      member = known
    }
    guard try fields.get(UInt32.self) == 0 else { throw WireError.malformed("reserved bytes are not zero") }
    incarnation = try fields.get()
    request = try fields.get()
    oldest = try fields.get()
    addressee = try fields.get()
  }

  /// The kind, which the preamble's reader has checked.
  static func kind(of frame: Frame) -> MessageKind? {
    guard frame.count >= 8 else { return nil }
    return withExtendedLifetime(frame) {
      MessageKind(rawValue: UInt16(littleEndian: frame.bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)))
    }
  }
}

/// A process's place in a run. A process that starts anew has the same place at most, never the same incarnation.
public struct Member: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
  public enum Role: UInt8, Codable, Sendable, CaseIterable {
    case coordinator = 0
    case server = 1
    case worker = 2
  }

  public let role: Role
  public let number: Int

  public init(_ role: Role, _ number: Int) {
    precondition((0..<1 << 24).contains(number))
    self.role = role
    self.number = number
  }

  public static let coordinator = Member(.coordinator, 0)
  public static func server(_ number: Int) -> Member { Member(.server, number) }
  public static func worker(_ number: Int) -> Member { Member(.worker, number) }

  var code: UInt32 { UInt32(role.rawValue) << 24 | UInt32(number) }

  init?(code: UInt32) {
    guard let role = Role(rawValue: UInt8(code >> 24)) else { return nil }
    self.init(role, Int(code & 0xFF_FFFF))
  }

  public static func < (left: Member, right: Member) -> Bool { left.code < right.code }

  public var description: String { self == .coordinator ? "the coordinator" : "\(role)-\(number)" }
}
