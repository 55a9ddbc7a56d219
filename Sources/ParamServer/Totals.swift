/// What a run of steps came to so far.
package struct Totals: Codable, Hashable, Sendable {
  /// Rows of data trained.
  package var rows: UInt64
  /// Of their losses.
  package var lossSum: Double

  package init(rows: UInt64 = 0, lossSum: Double = 0) {
    self.rows = rows
    self.lossSum = lossSum
  }
}
