import Testing

@testable import DeepFM

struct MetricsTests {
  @Test("AUC is the share of pairs in order, ties counting half", arguments: 0..<30)
  func auc(seed: Int) {
    var random = SplitMix(seed)
    let count = Int.random(in: 2...120, using: &random)
    let levels = Int.random(in: 1...20, using: &random)
    let scores = (0..<count).map { _ in Float(Int.random(in: -levels...levels, using: &random)) / 3 }
    let labels = (0..<count).map { _ in Float(Int.random(in: 0...1, using: &random)) }
    var wins = 0.0
    var pairs = 0.0
    for i in 0..<count where labels[i] == 1 {
      for j in 0..<count where labels[j] == 0 {
        pairs += 1
        wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0
      }
    }
    let auc = Metrics.auc(labels: labels, scores: scores)
    if pairs == 0 { #expect(auc == nil) } else { #expect(abs(auc! - wins / pairs) < 1e-14) }
  }

  @Test("AUC of extreme and special scores")
  func special() {
    #expect(Metrics.auc(labels: [0, 1], scores: [-.infinity, .infinity]) == 1)
    #expect(Metrics.auc(labels: [0, 1], scores: [-0.0, 0.0]) == 0.5)
    #expect(Metrics.auc(labels: [1, 0], scores: [-Float.leastNonzeroMagnitude, .leastNonzeroMagnitude]) == 0)
    #expect(Metrics.auc(labels: [1, 1], scores: [1, 2]) == nil)
    #expect(Metrics.auc(labels: [1, 0], scores: [.nan, 2]) == nil)
    #expect(Metrics.auc(labels: [], scores: []) == nil)
  }

  @Test("Logloss is exact to rounding over a million rows, and finite at the extremes")
  func logloss() {
    let count = 1_000_000
    let labels = [Float](repeating: 1, count: count)
    let logits = [Float](repeating: 0, count: count)
    #expect(abs(Metrics.logloss(labels: labels, logits: logits) - 0.693_147_180_559_945_3) < 1e-15)
    #expect(Metrics.logloss(labels: [0, 1], logits: [100, -100]) == 100)
    #expect(Metrics.logloss(labels: [1, 0], logits: [100, -100]) < 1e-40)
  }
}
