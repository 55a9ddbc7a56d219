import Sharding

/// Asks for a piece of something large that is named by its digest: what the data are, a vocabulary.
public struct Fetch: Hashable, Sendable {
  public var digest: Digest
  public var part: Int

  public init(digest: Digest, part: Int) {
    self.digest = digest
    self.part = part
  }

  func write(to fields: inout FieldWriter) {
    for byte in digest.bytes { fields.put(byte) }
    fields.put(UInt32(part))
  }

  init(_ fields: inout FieldReader) throws {
    digest = try fields.digest()
    part = Int(try fields.get(UInt32.self))
  }
}

/// A piece of it.
public struct Piece: Sendable {
  public var digest: Digest
  public var part: Int
  public var parts: Int
  public var bytes: Frame

  /// Bytes of a piece, but for the last.
  public static let size = 1 << 20

  /// Piece `part` of `article`, nil beyond the last.
  public init?(_ part: Int, of article: [UInt8], digest: Digest) {
    parts = max(1, (article.count + Self.size - 1) / Self.size)
    guard part < parts else { return nil }
    self.digest = digest
    self.part = part
    bytes = Frame(article[part * Self.size..<min(article.count, (part + 1) * Self.size)])
  }

  func write(to fields: inout FieldWriter) -> [Frame] {
    for byte in digest.bytes { fields.put(byte) }
    fields.put(UInt32(part))
    fields.put(UInt32(parts))
    return [bytes]
  }

  init(_ fields: inout FieldReader, _ arrays: Arrays) throws {
    digest = try fields.digest()
    part = Int(try fields.get(UInt32.self))
    parts = Int(try fields.get(UInt32.self))
    guard part < parts else { throw WireError.malformed("part \(part) of \(parts)") }
    bytes = try arrays.frame(0, of: UInt8.self, count: arrays.frames.first?.count ?? 0)
  }
}
