import ArgumentParser
import Checkpoint
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
    abstract: "Write a run's click probabilities for a data set, one a line, in the order of the rows.",
    discussion: "With --bad-rows skip, a row that cannot be read leaves an empty line.")

  @OptionGroup var options: ScoreOptions

  @Option(help: ArgumentHelp("Where to write. The file appears when it is complete.", valueName: "file"))
  var out: String

  func run() throws {
    try DataFiles.protect(options.data, from: [out])
    let scored = try options.score()
    let text = Predictions.text(scored.result.logits, of: scored.data)
    do {
      try text.write(toFile: out, atomically: true, encoding: .utf8)
    } catch {
      throw RunFailure(sentence: "\(out) cannot be written: \(error.localizedDescription). Is the disk full?")
    }
    Console().say("\(Format.count(Double(scored.result.rows))) probabilities in \(out)")
  }
}

enum Predictions {
  /// A probability a line, in the order of the rows; an empty line for a row that was skipped.
  static func text(_ logits: [Float], of data: DatasetIndex) -> String {
    var text = ""
    text.reserveCapacity(logits.count * 12)
    var next = 0
    for chunk in data.chunks {
      var skipped = chunk.skipped[...]
      for row in 0..<chunk.rows + chunk.skipped.count {
        if skipped.first == row {
          skipped.removeFirst()
          text += "\n"
        } else {
          text += "\(1 / (1 + exp(-logits[next])))\n"
          next += 1
        }
      }
    }
    return text
  }
}

/// What to score, with which run's last checkpoint. Servers and workers are launched on this machine for it.
struct ScoreOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The directory of a training run.", valueName: "dir"))
  var runDir: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The data, read as the run's training data were; - for standard input.", valueName: "file"))
  var data: [String]

  @Option(help: "Rows that cannot be read: fail, or skip to count them and go on. Default: fail.", transform: named)
  var badRows: BadRows = .fail

  @Option(help: "With --bad-rows skip, the most that are skipped.")
  var maxBadRows = 1000

  @Option(help: "Parameter servers to launch.")
  var servers = 1

  @Option(help: "Workers to launch.")
  var workers = 1

  func score() throws -> Scoring.Scored {
    try Scoring(
      runDirectory: runDir, data: data, badRows: badRows == .fail ? .fail : .skip(limit: maxBadRows), servers: servers,
      workers: workers
    ).run(Console())
  }
}

/// Scores data with the last checkpoint of a run, on servers and workers launched for it.
struct Scoring {
  let runDirectory: String
  let data: [String]
  let badRows: BadRowPolicy
  let servers: Int
  let workers: Int

  struct Scored {
    var result: RunResult
    var model: String
    var checkpoint: Int
    var data: DatasetIndex
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
    job.data = .shared
    let scratch = FileManager.default.temporaryDirectory.path + "/deepfm-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let encoding = try catalogue.fact("encoding", as: Encoding.self)
    let index = try DatasetIndex.build(
      data, encoding: encoding,
      ReadingOptions(spool: scratch, badRows: badRows) { read, total in
        try Interruption.check()
        console.show("reading data", share: Double(read) / Double(max(1, total)))
      })
    console.sayWhatWasSkipped(index)
    // The files may have moved together with the run directory.
    let shards = checkpoint.shards.map { shard in
      FileManager.default.fileExists(atPath: shard)
        ? shard : "\(directory.path)/shards/\((shard as NSString).lastPathComponent)"
    }
    var plan = try Plan(
      purpose: .score, configuration: job, model: model, train: nil, evaluation: index, databases: [],
      restore: .init(checkpoint: checkpoint.number, databases: shards, clock: checkpoint.step), gatherSeconds: 30)
    plan.vocabulary = try vocabulary(encoding, directory)
    let cluster = try Cluster(job, listen: nil, logs: scratch, console: console)
    defer { cluster.end() }
    let result = try cluster.run(plan, catalogue: nil)
    return Scored(result: result, model: job.model.rawValue, checkpoint: checkpoint.number, data: index)
  }

  /// The vocabulary that the run was trained with.
  private func vocabulary(_ encoding: Encoding, _ directory: RunDirectory) throws -> Vocabulary? {
    guard let wanted = encoding.vocabulary else { return nil }
    let (vocabulary, found) = try VocabularyFile.load(directory.vocabulary)
    guard found == wanted else { throw VocabularyError.other(path: directory.vocabulary, wanted: wanted, found: found) }
    return vocabulary
  }
}
