/// Rows of data trained on, and the sum of their logloss, each under the parameters it was trained with.
public struct StepTotals: Codable, Hashable, Sendable {
  public var rows: UInt64
  public var lossSum: Double

  public init(rows: UInt64 = 0, lossSum: Double = 0) {
    self.rows = rows
    self.lossSum = lossSum
  }
}
