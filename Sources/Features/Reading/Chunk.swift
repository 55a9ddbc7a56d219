/// Whole rows that lie next to each other in one file: the unit in which data is dealt to slices and read.
public struct Chunk: Codable, Sendable, Hashable {
  /// The file's ordinal in ``DatasetIndex/files``.
  public var file: Int
  /// Where the first row begins, in bytes, in the file that can be sought.
  public var offset: Int
  /// Bytes up to the end of the last row.
  public var length: Int
  /// Text: the first row's line in the file, from 1. Packed rows: the block's number, from 0. For messages.
  public var firstLine: Int
  /// Rows that are read: all but those skipped.
  public var rows: Int
  /// CRC-32C of the bytes, which tells whether they were edited since; of a packed block, the checksum it has itself.
  public var checksum: UInt32
  /// Bad rows, by their number in the chunk from 0, ascending.
  public var skipped: [Int]

  public init(file: Int, offset: Int, length: Int, firstLine: Int, rows: Int, checksum: UInt32 = 0, skipped: [Int] = [])
  {
    self.file = file
    self.offset = offset
    self.length = length
    self.firstLine = firstLine
    self.rows = rows
    self.checksum = checksum
    self.skipped = skipped
  }

  private enum CodingKeys: String, CodingKey { case file, offset, length, firstLine, rows, checksum, skipped }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      file: try values.decode(Int.self, forKey: .file), offset: try values.decode(Int.self, forKey: .offset),
      length: try values.decode(Int.self, forKey: .length), firstLine: try values.decode(Int.self, forKey: .firstLine),
      rows: try values.decode(Int.self, forKey: .rows),
      checksum: try values.decode(UInt32.self, forKey: .checksum),
      skipped: try values.decodeIfPresent([Int].self, forKey: .skipped) ?? [])
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(file, forKey: .file)
    try values.encode(offset, forKey: .offset)
    try values.encode(length, forKey: .length)
    try values.encode(firstLine, forKey: .firstLine)
    try values.encode(rows, forKey: .rows)
    try values.encode(checksum, forKey: .checksum)
    if !skipped.isEmpty { try values.encode(skipped, forKey: .skipped) }
  }
}
