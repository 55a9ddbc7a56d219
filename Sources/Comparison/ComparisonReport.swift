import DeepFM
import Foundation

/// The paper's tables IV and V over the results of a comparison.
public struct ComparisonReport {
  /// One row of table IV.
  public struct Row: Hashable, Sendable {
    public let model: ModelName
    public let auc: Sample
    public let logloss: Sample
    /// p-values of Welch's test of the best DeepFM against this model; nil for that one itself.
    public let aucPValue: Double?
    public let loglossPValue: Double?
  }

  /// One row of table V: what a DeepFM gains over one of its parts, in percent.
  public struct Gain: Hashable, Sendable {
    public let model: ModelName
    public let over: ModelName
    public let auc: Double
    public let logloss: Double
  }

  /// In the order of the paper.
  public let rows: [Row]
  public let gains: [Gain]
  /// The DeepFM with the highest mean AUC, against which p-values are; nil if none was trained.
  public let reference: ModelName?

  public init(_ results: [RunRecord]) {
    let models = ModelName.allCases.filter { name in results.contains { $0.model == name.rawValue } }
    func sample(_ name: ModelName, _ metric: KeyPath<RunRecord, Double>) -> Sample {
      Sample(results.filter { $0.model == name.rawValue }.map { $0[keyPath: metric] })
    }
    let aucs = Dictionary(uniqueKeysWithValues: models.map { ($0, sample($0, \.auc)) })
    let loglosses = Dictionary(uniqueKeysWithValues: models.map { ($0, sample($0, \.logloss)) })
    let best = models.filter { $0.parts != nil }.max { aucs[$0]!.mean < aucs[$1]!.mean }
    reference = best
    rows = models.map { name in
      let isOther = name != best
      return Row(
        model: name, auc: aucs[name]!, logloss: loglosses[name]!,
        aucPValue: isOther ? best.flatMap { aucs[$0]!.welchTest(against: aucs[name]!) } : nil,
        loglossPValue: isOther ? best.flatMap { loglosses[$0]!.welchTest(against: loglosses[name]!) } : nil)
    }
    gains = models.flatMap { name -> [Gain] in
      guard let parts = name.parts else { return [] }
      return [parts.wide, parts.deep].filter(models.contains).map { part in
        Gain(
          model: name, over: part, auc: 100 * (aucs[name]!.mean / aucs[part]!.mean - 1),
          logloss: 100 * (1 - loglosses[name]!.mean / loglosses[part]!.mean))
      }
    }
  }

  public func markdown() -> String {
    var lines = [
      "| model | AUC | ± | logloss | ± | p (AUC) | p (logloss) |", "|---|---|---|---|---|---|---|",
    ]
    for row in rows {
      let columns = [
        row.model == reference ? "**\(row.model.title)**" : row.model.title, fixed(row.auc.mean, 5),
        fixed(row.auc.deviation, 5), fixed(row.logloss.mean, 5), fixed(row.logloss.deviation, 5),
        pValue(row.aucPValue), pValue(row.loglossPValue),
      ]
      lines.append("| " + columns.joined(separator: " | ") + " |")
    }
    lines.append("")
    lines.append(
      "Means and standard deviations over \(rows.map(\.auc.values.count).max() ?? 0) seeds, on the test data.")
    if let reference { lines.append("p: Welch's t-test, two-sided, of \(reference.title) against the model.") }
    guard !gains.isEmpty else { return lines.joined(separator: "\n") + "\n" }
    lines += ["", "| gain of | over | AUC | logloss |", "|---|---|---|---|"]
    for gain in gains {
      lines.append(
        "| \(gain.model.title) | \(gain.over.title) | \(signed(gain.auc)) % | \(signed(gain.logloss)) % |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  public func csv() -> String {
    let lines = rows.map { row in
      [
        row.model.rawValue, "\(row.auc.values.count)", "\(row.auc.mean)", "\(row.auc.deviation)", "\(row.logloss.mean)",
        "\(row.logloss.deviation)", row.aucPValue.map { "\($0)" } ?? "", row.loglossPValue.map { "\($0)" } ?? "",
      ].joined(separator: ",")
    }
    let header = "model,seeds,auc_mean,auc_deviation,logloss_mean,logloss_deviation,auc_p,logloss_p"
    return ([header] + lines).joined(separator: "\n") + "\n"
  }

  private func fixed(_ number: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", number) }
  private func signed(_ number: Double) -> String { String(format: "%+.2f", number) }
  private func pValue(_ p: Double?) -> String {
    p.map { $0 < 0.001 ? String(format: "%.1e", $0) : fixed($0, 3) } ?? "-"
  }
}

extension ModelName {
  /// A DeepFM's wide and deep part as models of their own (the paper's table V); nil for other models.
  var parts: (wide: ModelName, deep: ModelName)? {
    switch self {
    case .deepFMD: (.fm, .dnn)
    case .deepFMIP: (.fm, .ipnn)
    case .deepFMOP: (.fm, .opnn)
    case .deepFMP: (.fm, .pnn)
    default: nil
    }
  }
}
