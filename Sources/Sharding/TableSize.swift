/// What a table has come to at the end of an epoch.
public struct TableSize: Codable, Hashable, Sendable {
  public var rows: Int
  /// Allocated by servers: for rows, candidates, what can be undone.
  public var bytes: Int
  /// Rows that went in the epoch; where it was gone on with from a checkpoint in its middle, since then.
  public var evicted: Int

  public init(rows: Int = 0, bytes: Int = 0, evicted: Int = 0) {
    self.rows = rows
    self.bytes = bytes
    self.evicted = evicted
  }

  public static func += (left: inout TableSize, right: TableSize) {
    left.rows += right.rows
    left.bytes += right.bytes
    left.evicted += right.evicted
  }
}
