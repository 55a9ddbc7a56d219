import Foundation
import Testing

@testable import DeepFM

struct GroupMetricsTests {
  private static let labels: [Float] = [1, 0, 1, 0, 0, 1, 1, 0]
  private static let logits: [Float] = [2, 1, -1, 0, -2, 3, 0.5, 0.5]
  private static let groups = ["a", "a", "a", "a", "b", "b", "c", "a"]

  @Test("GAUC and groups by hand")
  func groups() throws {
    let groups = Metrics.byGroup(labels: Self.labels, logits: Self.logits, groups: Self.groups)
    #expect(
      groups.map(\.name) == ["a", "b", "c"] && groups.map(\.rows) == [5, 2, 1] && groups.map(\.clicks) == [2, 1, 1])
    // a: clicks at 2 and -1 against 1, 0 and 0.5: three wins of six. b: one of one. c has one class.
    #expect(groups[0].auc == 0.5 && groups[1].auc == 1 && groups[2].auc == nil)
    let all = try #require(Metrics.groupedAUC(groups))
    #expect(abs(all.auc - (0.5 * 5 + 1 * 2) / 7) < 1e-15 && all.groups == 2 && all.rows == 7)
    #expect(Metrics.groupedAUC(Array(groups[2...])) == nil)
    let sum = [-2.0, 3].reduce(0) { $0 + 1 / (1 + exp(-$1)) }
    #expect(abs(groups[1].calibration! - sum) < 1e-12)
  }

  @Test("Bins of equal numbers, in the order of predictions")
  func calibration() {
    let bins = Metrics.calibration(labels: Self.labels, logits: Self.logits, bins: 4)
    #expect(bins.map(\.rows) == [2, 2, 2, 2] && bins.map(\.observed) == [0.5, 0.5, 0, 1])
    #expect(abs(bins[3].predicted - (1 / (1 + exp(-2.0)) + 1 / (1 + exp(-3.0))) / 2) < 1e-12)
    #expect(zip(bins, bins.dropFirst()).allSatisfy { $0.predicted < $1.predicted })
    #expect(Metrics.calibration(labels: [1], logits: [0]).map(\.rows) == [1])
  }
}
