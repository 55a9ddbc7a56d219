import ArgumentParser
import Comparison
import Coordinator
import DeepFM
import Foundation
import Job

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Train several models with several seeds and print the paper's tables IV and V.",
    discussion: """
      Trains each model once a seed on this machine, with the same flags for all, and tests it on --test. Results are \
      kept in DIR/results.sqlite: started again, the command goes on where it was interrupted. Leaves DIR/results.md, \
      results.csv, auc.svg and logloss.svg.

        deepfm compare --models lr,fm,deepfm-d --seeds 5 --train a.txt --valid b.txt --test c.txt --out comparison
      """)

  @Option(help: ArgumentHelp("Models, or \"all\".", valueName: "name,name,..."))
  var models = ModelList(argument: "all")!

  @Option(help: "Runs of each model, with seeds 1, 2, ...")
  var seeds = 5

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Data that no model has seen.", valueName: "file"))
  var test: [String]

  @Option(help: ArgumentHelp("Where results go.", valueName: "dir"))
  var out: String

  @OptionGroup var job: JobOptions

  func validate() throws {
    guard seeds > 0 else { throw ValidationError("--seeds: \(seeds) cannot be used: run each model at least once.") }
    guard job.model == nil, job.seed == nil, job.runDir == nil else {
      throw ValidationError("--model, --seed and --run-dir are compare's own: use --models, --seeds and --out.")
    }
  }

  func run() throws {
    let console = Console()
    let configuration = try job.configuration()
    do {
      try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
    } catch {
      throw RunFailure(sentence: "\(out) cannot be made: \(error.localizedDescription). Choose another --out.")
    }
    let settings = try JSONLine.encode(Settings(job: configuration, test: test))
    let store = try ResultStore(path: out + "/results.sqlite", settings: settings)
    let wanted = (1...UInt64(seeds)).flatMap { seed in models.names.map { (seed: seed, model: $0) } }
    for (number, run) in wanted.enumerated() {
      let known = try store.results()
      if known.contains(where: { $0.model == run.model.rawValue && $0.seed == run.seed }) { continue }
      console.say("run \(number + 1) of \(wanted.count): \(run.model.title), seed \(run.seed)")
      try store.record(trainAndTest(configuration, run.model, seed: run.seed, console))
    }
    let mine = try store.results().filter { result in models.names.contains { $0.rawValue == result.model } }
    try write(ComparisonReport(mine), console)
  }

  /// What decides the results, besides model and seed.
  private struct Settings: Encodable {
    var job: JobConfiguration
    var test: [String]
  }

  private func trainAndTest(
    _ wanted: JobConfiguration, _ model: ModelName, seed: UInt64, _ console: Console
  ) throws -> RunRecord {
    var job = wanted
    job.model = model
    job.seed = seed
    let directory = "\(out)/\(model.rawValue)-\(seed)"
    // What an interrupted run left is no result.
    try? FileManager.default.removeItem(atPath: directory)
    job.runDirectory = directory
    let trained = try Training(job: job, listen: nil).run(console)
    let tested = try Scoring(
      runDirectory: directory, data: test, format: nil, servers: job.servers, workers: job.workers
    ).run(console).result
    guard let auc = tested.evaluation?.auc, let logloss = tested.evaluation?.logloss else {
      throw RunFailure(sentence: "\(test[0]) has rows of one class only: there is no AUC to compare.")
    }
    try? FileManager.default.removeItem(atPath: directory)
    return RunRecord(
      model: model.rawValue, seed: seed, auc: auc, logloss: logloss, trainingSeconds: trained.result.trainingSeconds,
      parameterDigest: trained.result.parameterDigest ?? "")
  }

  private func write(_ report: ComparisonReport, _ console: Console) throws {
    func chart(_ title: String, _ metric: (ComparisonReport.Row) -> Sample) -> String {
      BarChart(
        title: title, axis: title,
        bars: report.rows.map {
          .init(label: $0.model.title, value: metric($0).mean, error: metric($0).deviation)
        }
      ).svg()
    }
    let files = [
      "results.md": report.markdown(), "results.csv": report.csv(), "auc.svg": chart("AUC") { $0.auc },
      "logloss.svg": chart("Logloss") { $0.logloss },
    ]
    for (name, text) in files {
      do {
        try text.write(toFile: "\(out)/\(name)", atomically: true, encoding: .utf8)
      } catch {
        throw RunFailure(sentence: "\(out)/\(name) cannot be written: \(error.localizedDescription). Is the disk full?")
      }
    }
    print(report.markdown())
    console.say("tables and charts in \(out)")
  }
}

/// `lr,fm,deepfm-d`, or `all`.
struct ModelList: ExpressibleByArgument {
  var names: [ModelName]

  init?(argument: String) {
    if argument == "all" {
      names = ModelName.allCases
      return
    }
    let parts = argument.split(separator: ",").map { ModelName(rawValue: String($0)) }
    guard !parts.isEmpty, !parts.contains(nil) else { return nil }
    names = parts.compactMap { $0 }
  }
}
