import DeepFM
import Features
import Job

/// Gathers the scores of an evaluation in the order of the data, whoever computed them and whenever they come.
struct ScoreSheet {
  private(set) var labels: [Float]
  private(set) var logits: [Float]
  private let firstRows: [Int]
  private let chunkRows: [Int]
  private(set) var missing: Int

  init(_ index: DatasetIndex) {
    labels = [Float](repeating: 0, count: index.rows)
    logits = [Float](repeating: .nan, count: index.rows)
    chunkRows = index.chunks.map(\.rows)
    var next = 0
    firstRows = index.chunks.map { chunk in
      defer { next += chunk.rows }
      return next
    }
    missing = index.rows
  }

  /// Returns false for scores of rows that are not in the data.
  mutating func add(_ block: ScoreBlock) -> Bool {
    guard chunkRows.indices.contains(block.chunk), block.firstRow >= 0, block.labels.count == block.logits.count,
      block.firstRow <= chunkRows[block.chunk] - block.labels.count
    else { return false }
    let start = firstRows[block.chunk] + block.firstRow
    labels.replaceSubrange(start..<start + block.labels.count, with: block.labels)
    logits.replaceSubrange(start..<start + block.logits.count, with: block.logits)
    missing -= block.labels.count
    return true
  }

  var metrics: Evaluation {
    Evaluation(
      auc: Metrics.auc(labels: labels, scores: logits), logloss: Metrics.logloss(labels: labels, logits: logits))
  }
}

/// Quality of a model on a data set.
public struct Evaluation: Codable, Hashable, Sendable {
  /// Exact, ties averaged; nil where the data has one class only.
  public var auc: Double?
  /// Mean over the rows, natural logarithm.
  public var logloss: Double
}
