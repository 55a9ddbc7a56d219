import DeepFM
import Features
import Foundation

/// What the planted truth scores on the rows drawn from it: no model can be expected to beat it.
struct Truth: Codable {
  var rows: Int
  /// The share of clicks.
  var positives: Double
  var auc: Double?
  var logloss: Double

  init(_ drawn: Synthesizer.Drawn) {
    rows = drawn.labels.count
    positives = drawn.labels.reduce(0) { $0 + Double($1) } / Double(max(1, rows))
    auc = Metrics.auc(labels: drawn.labels, scores: drawn.logits)
    logloss = Metrics.logloss(labels: drawn.labels, logits: drawn.logits)
  }

  /// The truth that `deepfm synthesize` left beside the one file named.
  static func beside(_ files: [String]) -> Truth? {
    guard files.count == 1, let data = FileManager.default.contents(atPath: files[0] + ".truth.json") else {
      return nil
    }
    return try? JSONDecoder().decode(Truth.self, from: data)
  }
}
