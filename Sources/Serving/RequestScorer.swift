import Features
import Foundation

/// Scores rows that somebody asks about, in one thread.
public final class RequestScorer {
  private let rows: RequestRows
  private let scorer: BlockScorer
  private var batch: Batch

  public init(_ model: ScoringModel) {
    rows = RequestRows(model.encoding, vocabulary: model.vocabulary)
    scorer = BlockScorer(model)
    batch = Batch(fields: model.encoding.fields.count)
  }

  /// Click probabilities of rows of text, one a line, as the training data have them.
  ///
  /// - Throws: `RequestRows.Bad`, or `RequestRows.Unfit` for more than `most` rows.
  public func score(texts: UnsafeRawBufferPointer, most: Int) throws -> [Float] {
    let lines = texts.count { $0 == 10 } + (texts.last.map { $0 == 10 } ?? true ? 0 : 1)
    guard lines <= most else { throw RequestRows.Unfit(reason: "\(lines) rows; send at most \(most) at a time") }
    batch.reset()
    try rows.append(texts: texts, to: &batch)
    return scorer.probabilities(batch)
  }

  /// Click probabilities of rows in JSON: see `RequestRows`.
  ///
  /// - Throws: `RequestRows.Bad`, `RequestRows.Unfit`.
  public func score(json: Data, most: Int) throws -> [Float] {
    batch.reset()
    try rows.append(json: json, most: most, to: &batch)
    return scorer.probabilities(batch)
  }
}
