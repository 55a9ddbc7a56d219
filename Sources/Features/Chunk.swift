/// Whole rows that lie next to each other in one file: the unit in which data is dealt to slices and read.
public struct Chunk: Codable, Sendable, Hashable {
  /// The file's ordinal in ``DatasetIndex/paths``.
  public var file: Int
  /// Where the first row begins, in bytes, in the file that can be sought.
  public var offset: Int
  /// Bytes up to the end of the last row.
  public var length: Int
  /// The first row's line in the file, from 1, for messages.
  public var firstLine: Int
  public var rows: Int

  public init(file: Int, offset: Int, length: Int, firstLine: Int, rows: Int) {
    self.file = file
    self.offset = offset
    self.length = length
    self.firstLine = firstLine
    self.rows = rows
  }
}
