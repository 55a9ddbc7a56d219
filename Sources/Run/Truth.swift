import DeepFM
import Features
import Foundation

/// What the planted truth scores on the rows drawn from it: no model can be expected to beat it.
public struct Truth: Codable, Sendable {
  public var rows: Int
  /// The share of clicks.
  public var positives: Double
  public var auc: Double?
  public var logloss: Double

  public init(_ drawn: Synthesizer.Drawn) {
    rows = drawn.labels.count
    positives = drawn.labels.reduce(0) { $0 + Double($1) } / Double(max(1, rows))
    auc = Metrics.auc(labels: drawn.labels, scores: drawn.logits)
    logloss = Metrics.logloss(labels: drawn.labels, logits: drawn.logits)
  }

  /// The truth that `deepfm synthesize` left beside the one file named; nil where it left none.
  public static func beside(_ files: [String]) -> Truth? {
    guard files.count == 1, let data = FileManager.default.contents(atPath: files[0] + ".truth.json") else {
      return nil
    }
    return try? JSONDecoder().decode(Truth.self, from: data)
  }
}
