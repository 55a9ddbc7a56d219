import ArgumentParser
import Coordinator
import DeepFM
import Features
import Foundation
import Job
import Wire

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure AUC and logloss of a run's last checkpoint.")

  @OptionGroup var options: ScoreOptions

  @Flag(help: "Print one JSON line instead of a table.")
  var json = false

  func run() throws {
    let scored = try options.score()
    guard let evaluation = scored.result.evaluation else {
      throw RunFailure(sentence: "there was nothing to evaluate.")
    }
    let report = EvaluationReport(
      model: scored.model, rows: scored.result.rows, checkpoint: scored.checkpoint, auc: evaluation.auc,
      logloss: evaluation.logloss, runDirectory: options.runDir)
    print(json ? try report.json() : report.table)
  }
}

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Write a run's click probabilities for a data set, one a line, in the order of the rows.")

  @OptionGroup var options: ScoreOptions

  @Option(help: ArgumentHelp("Where to write. The file appears when it is complete.", valueName: "file"))
  var out: String

  func run() throws {
    let scored = try options.score()
    var text = ""
    text.reserveCapacity(scored.result.logits.count * 12)
    for logit in scored.result.logits { text += "\(1 / (1 + exp(-logit)))\n" }
    do {
      try text.write(toFile: out, atomically: true, encoding: .utf8)
    } catch {
      throw RunFailure(sentence: "\(out) cannot be written: \(error.localizedDescription). Is the disk full?")
    }
    Console().say("\(Format.count(Double(scored.result.rows))) probabilities in \(out)")
  }
}

/// What to score, with which run's last checkpoint. Servers and workers are launched on this machine for it.
struct ScoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The directory of a training run.", valueName: "dir"))
  var runDir: String

  @Option(parsing: .upToNextOption, help: ArgumentHelp("The data; plain or gzip.", valueName: "file"))
  var data: [String]

  @Option(help: "Layout of the data. Default: that of the training data.", transform: named)
  var format: DataFormat?

  @Option(help: "Parameter servers to launch.")
  var servers = 1

  @Option(help: "Workers to launch.")
  var workers = 1

  func score() throws -> Scoring.Scored {
    try Scoring(runDirectory: runDir, data: data, format: format, servers: servers, workers: workers).run(Console())
  }
}

/// Scores data with the last checkpoint of a run, on servers and workers launched for it.
struct Scoring {
  let runDirectory: String
  let data: [String]
  /// nil: that of the training data.
  let format: DataFormat?
  let servers: Int
  let workers: Int

  struct Scored {
    var result: RunResult
    var model: String
    var checkpoint: Int
  }

  func run(_ console: Console) throws -> Scored {
    Interruption.install()
    let directory = RunDirectory.open(runDirectory)
    let catalogue = try Catalogue.open(at: directory.catalogue)
    var job = try catalogue.fact("configuration", as: JobConfiguration.self)
    let model = try catalogue.fact("model", as: ModelConfiguration.self)
    guard let checkpoint = try catalogue.lastCheckpoint() else {
      throw RunFailure(sentence: "\(runDirectory) has no checkpoint: its run ended before the first epoch did.")
    }
    job.servers = servers
    job.workers = workers
    job.threads = 0
    let scratch = FileManager.default.temporaryDirectory.path + "/deepfm-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let index = try DatasetIndex.build(files: data, format: format ?? job.format, spool: scratch)
    guard index.fields == model.fields else {
      throw RunFailure(
        sentence:
          "\(data[0]) has \(index.fields) fields, the run was trained on \(model.fields). Give it the same layout.")
    }
    // The files may have moved together with the run directory.
    let shards = checkpoint.shards.map { shard in
      FileManager.default.fileExists(atPath: shard)
        ? shard : "\(directory.path)/shards/\((shard as NSString).lastPathComponent)"
    }
    let plan = try Plan(
      purpose: .score, configuration: job, model: model, train: nil, evaluation: index, databases: [],
      restore: .init(checkpoint: checkpoint.number, databases: shards, clock: checkpoint.step), gatherSeconds: 30)
    let cluster = try Cluster(job, listen: nil, logs: scratch, console: console)
    defer { cluster.end() }
    let result = try cluster.run(plan, catalogue: nil)
    return Scored(result: result, model: job.model.rawValue, checkpoint: checkpoint.number)
  }
}
