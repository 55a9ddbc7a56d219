/// How many rows travel in several messages, so that sending and computing overlap and no message is large.
public struct Parts: Hashable, Sendable {
  public let rows: Int
  public let rowsPerPart: Int

  /// - Parameters:
  ///   - rows: how many there are in all; none still travel as one empty part.
  ///   - width: floats of a row.
  public init(rows: Int, width: Int) {
    self.rows = rows
    rowsPerPart = Self.rowsPerPart(width: width)
  }

  /// Rows a message of a table `width` wide may carry: about 4 MiB of ranks and values.
  public static func rowsPerPart(width: Int) -> Int { max(1, (4 << 20) / (max(1, width) * 4 + 8)) }

  public var count: Int { max(1, (rows + rowsPerPart - 1) / rowsPerPart) }

  /// The rows of a part, by position; empty for a part that is not there.
  public subscript(part: Int) -> Range<Int> {
    guard part >= 0, part < count else { return rows..<rows }
    return part * rowsPerPart..<min(rows, (part + 1) * rowsPerPart)
  }
}
