import Foundation

/// Metrics by group of rows.
extension Metrics {
  public struct Group: Hashable, Sendable {
    public let name: String
    public let rows: Int
    public let clicks: Int
    /// nil where the rows are of one class, or a score is not a number.
    public let auc: Double?
    public let logloss: Double
    /// Predicted clicks over those observed; nil where there were none.
    public let calibration: Double?

    init(_ name: String, labels: [Float], logits: [Float]) {
      self.name = name
      rows = labels.count
      clicks = labels.count { $0 > 0.5 }
      auc = Metrics.auc(labels: labels, scores: logits)
      logloss = Metrics.logloss(labels: labels, logits: logits)
      calibration = Metrics.predictedOverObserved(labels: labels, logits: logits)
    }
  }

  /// Predicted clicks over those observed; nil where there were none.
  public static func predictedOverObserved(labels: [Float], logits: [Float]) -> Double? {
    let clicks = labels.count { $0 > 0.5 }
    return clicks > 0 ? logits.reduce(0) { $0 + probability($1) } / Double(clicks) : nil
  }

  private static func probability(_ logit: Float) -> Double { 1 / (1 + exp(-Double(logit))) }

  /// Each group's, those with the most rows first.
  ///
  /// - Parameter groups: of each row, the name of its group.
  public static func byGroup(labels: [Float], logits: [Float], groups: [String]) -> [Group] {
    precondition(labels.count == logits.count && labels.count == groups.count)
    var rows: [String: [Int]] = [:]
    for (row, group) in groups.enumerated() { rows[group, default: []].append(row) }
    return rows.map { name, rows in Group(name, labels: rows.map { labels[$0] }, logits: rows.map { logits[$0] }) }
      .sorted { ($0.rows, $1.name) > ($1.rows, $0.name) }
  }

  /// How well a user's own items are ranked: the mean of users' AUCs, each weighted by its rows; users of one class are left out
  /// (GAUC: Zhu et al. 2017, "Optimized cost per click in Taobao display advertising", section 4).
  ///
  /// - Returns: nil where no user has both classes.
  public static func groupedAUC(_ groups: [Group]) -> (auc: Double, groups: Int, rows: Int)? {
    let measured = groups.compactMap { group in group.auc.map { (auc: $0, rows: group.rows) } }
    let rows = measured.reduce(0) { $0 + $1.rows }
    guard rows > 0 else { return nil }
    return (measured.reduce(0) { $0 + $1.auc * Double($1.rows) } / Double(rows), measured.count, rows)
  }

  public struct Bin: Hashable, Sendable {
    public let rows: Int
    /// Means of the bin's rows.
    public let predicted: Double
    public let observed: Double
  }

  /// Rows in the order of their predictions, in bins of about as many: what was predicted, and what came of it.
  public static func calibration(labels: [Float], logits: [Float], bins: Int = 10) -> [Bin] {
    precondition(labels.count == logits.count && bins > 0)
    let order = logits.indices.sorted { (logits[$0], $0) < (logits[$1], $1) }
    return (0..<bins).compactMap { bin in
      let rows = order[(bin * order.count / bins)..<((bin + 1) * order.count / bins)]
      guard !rows.isEmpty else { return nil }
      return Bin(
        rows: rows.count, predicted: rows.reduce(0) { $0 + probability(logits[$1]) } / Double(rows.count),
        observed: rows.reduce(0) { $0 + Double(labels[$1]) } / Double(rows.count))
    }
  }
}
