import DeepFM
import Foundation
import Run

/// The final word of an evaluation.
struct EvaluationReport: Encodable {
  let model: String
  let rows: Int
  let checkpoint: Int
  let auc: Quality
  let aucReason: String?
  let logloss: Quality
  let loglossReason: String?
  /// Predicted clicks over those observed.
  @OrNull private(set) var calibration: Double?
  private(set) var gauc: GroupedAUC?
  var bins: [Bin]?
  var groups: [Group]?
  let runDirectory: String

  /// Weighted by rows, over users of both classes.
  struct GroupedAUC: Encodable {
    @OrNull var auc: Double?
    let users: Int
    let rows: Int
  }

  struct Bin: Encodable {
    let rows: Int
    let predicted: Double
    let observed: Double

    init(_ bin: Metrics.Bin) { (rows, predicted, observed) = (bin.rows, bin.predicted, bin.observed) }
  }

  struct Group: Encodable {
    let group: String
    let rows: Int
    let clicks: Int
    @OrNull var auc: Double?
    let logloss: Double
    @OrNull var calibration: Double?

    init(_ group: Metrics.Group) {
      (self.group, rows, clicks, auc, logloss, calibration) = (
        group.name, group.rows, group.clicks, group.auc, group.logloss, group.calibration
      )
    }
  }

  enum CodingKeys: String, CodingKey {
    case model, rows, checkpoint, auc
    case aucReason = "auc_reason"
    case logloss
    case loglossReason = "logloss_reason"
    case calibration, gauc, bins, groups
    case runDirectory = "run_dir"
  }

  init(_ scored: Scored, runDirectory: String) {
    model = scored.model.rawValue
    rows = scored.result.rows
    checkpoint = scored.checkpoint
    auc = .auc(of: scored.result.evaluation)
    aucReason = auc.reason
    logloss = .logloss(of: scored.result.evaluation)
    loglossReason = logloss.reason
    calibration = Metrics.predictedOverObserved(labels: scored.result.labels, logits: scored.result.logits)
    self.runDirectory = runDirectory
  }

  mutating func take(_ found: (auc: Double, groups: Int, rows: Int)?) {
    gauc = GroupedAUC(auc: found?.auc, users: found?.groups ?? 0, rows: found?.rows ?? 0)
  }

  /// - Parameter most: groups that are listed.
  func table(groups most: Int) -> String {
    var lines = [
      Table.row("", "AUC", "logloss", "calibration"),
      Table.row(model, Format.fixed(auc.value, 5), Format.fixed(logloss.value, 5), Format.fixed(calibration, 4)),
    ]
    if let gauc {
      lines += [
        "",
        "GAUC \(Format.fixed(gauc.auc, 5)) over \(gauc.users.grouped) users of both classes, with \(gauc.rows.grouped) rows",
      ]
    }
    if let bins {
      let cells = bins.enumerated().map { number, bin in
        [
          "\(number + 1)", bin.rows.grouped, Format.fixed(bin.predicted, 5), Format.fixed(bin.observed, 5),
          Format.fixed(bin.observed > 0 ? bin.predicted / bin.observed : nil, 4),
        ]
      }
      lines += [
        "", TextTable(["tenth", "rows", "predicted", "observed", "ratio"], cells, right: [0, 1, 2, 3, 4]).text,
      ]
    }
    if let groups {
      let cells = groups.prefix(most).map { group in
        [
          group.group, group.rows.grouped, group.clicks.grouped, Format.fixed(group.auc, 5),
          Format.fixed(group.logloss, 5),
          Format.fixed(group.calibration, 4),
        ]
      }
      lines += [
        "",
        TextTable(["group", "rows", "clicks", "AUC", "logloss", "calibration"], cells, right: [1, 2, 3, 4, 5]).text,
      ]
      if groups.count > most { lines.append("and \(groups.count - most) more; --json has all") }
    }
    return (lines + ["", "\(rows.grouped) rows, checkpoint \(checkpoint) of \(runDirectory)"]).joined(separator: "\n")
  }
}
