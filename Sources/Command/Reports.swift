import Foundation
import Job
import Run

/// The final word of a training run.
struct TrainingReport: Encodable {
  let model: String
  let rows: Int
  let epochs: Int
  let auc: Quality
  let aucReason: String?
  let logloss: Quality
  let loglossReason: String?
  let samplesPerSecond: Double
  /// Of the training time, what workers waited for data.
  let stallShare: Double
  /// Bad rows that were left out.
  let skipped: Int
  /// Rows of parameters that went.
  let evicted: Int
  let seconds: Double
  let parameterDigest: String
  /// By worker, seconds that steps waited for it while no other was missing.
  let waits: [String: Double]
  /// The best epoch on the validation data, what it came to, and its checkpoint.
  let best: Best?
  /// By async table, of the last epoch: how many slices were applied when what they read was 0, 1, 2... steps behind.
  let staleness: [String: [UInt64]]?
  let runDirectory: String

  struct Best: Encodable {
    let epoch: Int
    @OrNull var checkpoint: Int?
    @OrNull var auc: Double?
    @OrNull var logloss: Double?

    init(_ record: EpochRecord) {
      (epoch, checkpoint, auc, logloss) = (record.epoch, record.checkpoint, record.auc, record.logloss)
    }
  }

  enum CodingKeys: String, CodingKey {
    case model, rows, epochs, auc
    case aucReason = "auc_reason"
    case logloss
    case loglossReason = "logloss_reason"
    case samplesPerSecond = "samples_per_second"
    case stallShare = "stall_share"
    case skipped, evicted, seconds, waits, best, staleness
    case parameterDigest = "parameter_digest"
    case runDirectory = "run_dir"
  }

  /// - Parameter measure: what the best epoch is best by.
  init(_ trained: Trained, model: ModelName, bestBy measure: BestBy, seconds: Double) {
    let result = trained.result
    self.model = model.rawValue
    rows = result.rows
    epochs = result.epochs.count
    auc = .auc(of: result.evaluation)
    aucReason = auc.reason
    logloss = .logloss(of: result.evaluation)
    loglossReason = logloss.reason
    samplesPerSecond = result.samplesPerSecond
    stallShare = result.trainingSeconds > 0 ? result.stallSeconds / result.trainingSeconds : 0
    skipped = trained.skipped
    evicted = result.epochs.reduce(0) { $0 + $1.evicted }
    waits = result.epochs.flatMap(\.waits).reduce(into: [:]) { $0[$1.member, default: 0] += $1.seconds }
    best = result.epochs.bestKept(by: measure).map(Best.init)
    staleness = result.epochs.last.flatMap { $0.staleness.isEmpty ? nil : $0.staleness.mapValues(\.slices) }
    self.seconds = seconds
    parameterDigest = trained.parameterDigest
    runDirectory = trained.directory.path
  }

  func table(truth: Truth?) -> String {
    var lines = ["", Table.row("", "AUC", "logloss")]
    lines.append(Table.row(model, Format.fixed(auc.value, 5), Format.fixed(logloss.value, 5)))
    if let best, best.epoch < epochs {
      lines.append(
        Table.row("best, epoch \(best.epoch)", Format.fixed(best.auc, 5), Format.fixed(best.logloss, 5))
          + "   checkpoint \(best.checkpoint ?? 0): deepfm evaluate --checkpoint best")
    }
    if let truth {
      lines.append(Table.row("planted truth", Format.fixed(truth.auc, 5), Format.fixed(truth.logloss, 5)))
    }
    lines += [
      "",
      "\(rows.grouped) rows in \(epochs) epochs, \(Format.count(samplesPerSecond)) samples/s, "
        + "\(Format.fixed(100 * stallShare, 1)) % of the time waiting for data, \(Format.fixed(seconds, 1)) s in all",
      "parameters \(parameterDigest)",
      "run directory \(runDirectory)",
    ]
    return lines.joined(separator: "\n")
  }
}
