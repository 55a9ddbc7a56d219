import DeepFM
import Wire

/// Gathers the scores of an evaluation in the order of the data, whoever computed them and whenever they come.
struct ScoreSheet: Sendable {
  /// Not numbers where nobody has scored yet.
  private(set) var labels: [Float]
  private(set) var logits: [Float]
  private let firstRows: [Int]
  private let chunkRows: [Int]
  private(set) var missing: Int

  /// - Parameter chunkRows: by chunk, its rows.
  init(chunkRows: [Int]) {
    self.chunkRows = chunkRows
    var next = 0
    firstRows = chunkRows.map { rows in
      defer { next += rows }
      return next
    }
    labels = [Float](repeating: .nan, count: next)
    logits = [Float](repeating: .nan, count: next)
    missing = next
  }

  /// Returns false for scores of rows that are not in the data, or that are here already.
  mutating func add(_ scores: Scores) -> Bool {
    let count = scores.count
    guard chunkRows.indices.contains(scores.chunk), scores.firstRow >= 0,
      scores.firstRow <= chunkRows[scores.chunk] - count
    else { return false }
    let start = firstRows[scores.chunk] + scores.firstRow
    guard labels[start..<start + count].allSatisfy(\.isNaN) else { return false }
    withExtendedLifetime(scores) {
      labels.replaceSubrange(start..<start + count, with: scores.labels.elements(as: Float.self))
      logits.replaceSubrange(start..<start + count, with: scores.logits.elements(as: Float.self))
    }
    missing -= count
    return true
  }

  var metrics: Evaluation {
    Evaluation(labels: labels, logits: logits)
  }
}

/// Quality of a model on a data set.
public struct Evaluation: Codable, Hashable, Sendable {
  /// Exact, ties averaged; nil where the data has one class only.
  public var auc: Double?
  /// Mean over the rows, natural logarithm.
  public var logloss: Double

  public init(auc: Double?, logloss: Double) {
    self.auc = auc
    self.logloss = logloss
  }

  /// - Parameter labels: 0 or 1; the logits are of the same rows.
  public init(labels: [Float], logits: [Float]) {
    self.init(
      auc: Metrics.auc(labels: labels, scores: logits), logloss: Metrics.logloss(labels: labels, logits: logits))
  }
}
