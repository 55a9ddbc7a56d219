import Coordinator
import Foundation

/// The final word of a training run.
struct TrainingReport: Encodable {
  let model: String
  let rows: Int
  let epochs: Int
  let auc: Double?
  let logloss: Double?
  let samplesPerSecond: Double
  /// Of the training time, what workers waited for data.
  let stallShare: Double
  /// Bad rows that were left out.
  let skipped: Int
  let seconds: Double
  let parameterDigest: String
  let runDirectory: String

  enum CodingKeys: String, CodingKey {
    case model, rows, epochs, auc, logloss
    case samplesPerSecond = "samples_per_second"
    case stallShare = "stall_share"
    case skipped, seconds
    case parameterDigest = "parameter_digest"
    case runDirectory = "run_dir"
  }

  init(_ result: RunResult, model: String, skipped: Int, seconds: Double, runDirectory: String) {
    self.model = model
    rows = result.rows
    epochs = result.epochs.count
    auc = result.evaluation?.auc
    logloss = result.evaluation?.logloss
    samplesPerSecond = result.samplesPerSecond
    stallShare = result.trainingSeconds > 0 ? result.stallSeconds / result.trainingSeconds : 0
    self.skipped = skipped
    self.seconds = seconds
    parameterDigest = result.parameterDigest ?? ""
    self.runDirectory = runDirectory
  }

  func json() throws -> String { try JSONLine.encode(self) }

  func table(truth: Truth?) -> String {
    var lines = ["", Table.row("", "AUC", "logloss")]
    lines.append(Table.row(model, auc.map { Format.fixed($0, 5) } ?? "-", logloss.map { Format.fixed($0, 5) } ?? "-"))
    if let truth {
      lines.append(
        Table.row("planted truth", truth.auc.map { Format.fixed($0, 5) } ?? "-", Format.fixed(truth.logloss, 5)))
    }
    lines += [
      "",
      "\(Format.count(Double(rows))) rows in \(epochs) epochs, \(Format.count(samplesPerSecond)) samples/s, "
        + "\(Format.fixed(100 * stallShare, 1)) % of the time waiting for data, \(Format.fixed(seconds, 1)) s in all",
      "parameters \(parameterDigest)",
      "run directory \(runDirectory)",
    ]
    return lines.joined(separator: "\n")
  }
}

/// The final word of an evaluation.
struct EvaluationReport: Encodable {
  let model: String
  let rows: Int
  let checkpoint: Int
  let auc: Double?
  let logloss: Double
  let runDirectory: String

  enum CodingKeys: String, CodingKey {
    case model, rows, checkpoint, auc, logloss
    case runDirectory = "run_dir"
  }

  func json() throws -> String { try JSONLine.encode(self) }

  var table: String {
    [
      Table.row("", "AUC", "logloss"),
      Table.row(model, auc.map { Format.fixed($0, 5) } ?? "-", Format.fixed(logloss, 5)),
      "", "\(Format.count(Double(rows))) rows, checkpoint \(checkpoint) of \(runDirectory)",
    ].joined(separator: "\n")
  }
}

enum JSONLine {
  static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

enum Table {
  static func row(_ name: String, _ columns: String...) -> String {
    name.padding(toLength: 16, withPad: " ", startingAt: 0)
      + columns.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
  }
}
