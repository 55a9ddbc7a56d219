import ArgumentParser
import Comparison
import Coordinator
import DeepFM
import Foundation
import Job

/// What `compare`, `study` and `cost` share: models, seeds, data, and where results go.
struct TrialOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Models, or \"all\".", valueName: "name,name,..."), transform: ModelList.init)
  var models = ModelList.all

  @Option(help: "Runs of each model, with seeds 1, 2, ...")
  var seeds = 5

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Data that no model has seen.", valueName: "file"))
  var test: [String]

  @Option(help: ArgumentHelp("Where results go.", valueName: "dir"))
  var out: String

  @OptionGroup var job: JobOptions

  func validate() throws {
    guard seeds > 0 else { throw ValidationError("--seeds: \(seeds) cannot be used: run each model at least once.") }
    guard job.model.model == nil, job.optimization.seed == nil, job.runDir == nil else {
      throw ValidationError("--model, --seed and --run-dir do not go with this: use --models, --seeds and --out.")
    }
  }
}

/// Trains and tests every model, variant and seed that has no result yet.
struct Trials {
  let options: TrialOptions
  let console: Console
  private let configuration: JobConfiguration
  private let store: ResultStore

  init(_ options: TrialOptions, console: Console) throws {
    self.options = options
    self.console = console
    configuration = try options.job.configuration()
    do {
      try FileManager.default.createDirectory(atPath: options.out, withIntermediateDirectories: true)
    } catch {
      throw RunFailure(sentence: "\(options.out) cannot be made: \(error.localizedDescription). Choose another --out.")
    }
    let settings = try JSONLine.encode(Settings(job: configuration, test: options.test))
    store = try ResultStore(path: options.out + "/results.sqlite", settings: settings)
  }

  /// What decides the results, besides model, variant and seed.
  private struct Settings: Encodable {
    var job: JobConfiguration
    var test: [String]
  }

  /// Results of all models, by variant; those that are known are not trained again.
  ///
  /// - Parameter variants: jobs by label, from the job that the flags describe.
  func run(
    _ variants: (JobConfiguration) -> [(label: String, job: JobConfiguration)] = { [("", $0)] }
  ) throws -> [RunRecord] {
    let all = variants(configuration)
    let wanted = (1...UInt64(options.seeds)).flatMap { seed in
      all.flatMap { variant in options.models.names.map { (seed: seed, variant: variant, model: $0) } }
    }
    for (number, trial) in wanted.enumerated() {
      let isKnown = try store.results().contains {
        $0.model == trial.model.rawValue && $0.variant == trial.variant.label && $0.seed == trial.seed
      }
      if isKnown { continue }
      let label = trial.variant.label.isEmpty ? "" : ", \(trial.variant.label)"
      console.say("run \(number + 1) of \(wanted.count): \(trial.model.title)\(label), seed \(trial.seed)")
      var job = trial.variant.job
      job.model = trial.model
      job.seed = trial.seed
      try store.record(trainAndTest(job, variant: trial.variant.label))
    }
    return try store.results().filter { result in
      options.models.names.contains { $0.rawValue == result.model } && all.contains { $0.label == result.variant }
        && result.seed <= UInt64(options.seeds)
    }
  }

  private func trainAndTest(_ wanted: JobConfiguration, variant: String) throws -> RunRecord {
    var job = wanted
    let directory = "\(options.out)/\(job.model.rawValue)-\(job.seed)"
    // What an interrupted run left is no result.
    try? FileManager.default.removeItem(atPath: directory)
    job.runDirectory = directory
    let trained = try Training(job: job, listen: nil).run(console)
    let tested = try Scoring(
      runDirectory: directory, data: options.test, badRows: job.badRowPolicy, servers: job.servers, workers: job.workers
    ).run(console).result
    guard let auc = tested.evaluation?.auc, let logloss = tested.evaluation?.logloss else {
      throw RunFailure(sentence: "\(options.test[0]) has rows of one class only: there is no AUC to compare.")
    }
    try? FileManager.default.removeItem(atPath: directory)
    return RunRecord(
      model: job.model.rawValue, variant: variant, seed: job.seed, auc: auc, logloss: logloss,
      trainingSeconds: trained.trainingSeconds, parameterDigest: trained.result.parameterDigest ?? "")
  }

  /// Writes files into the results' directory.
  func write(_ files: [String: String]) throws {
    for (name, text) in files {
      let path = "\(options.out)/\(name)"
      do {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      } catch {
        throw RunFailure(sentence: "\(path) cannot be written: \(error.localizedDescription). Is the disk full?")
      }
    }
    console.say("\(files.keys.sorted().joined(separator: ", ")) in \(options.out)")
  }
}

/// `lr,fm,deepfm-d`, or `all`.
struct ModelList {
  var names: [ModelName]

  static let all = ModelList(names: ModelName.allCases)

  init(names: [ModelName]) { self.names = names }

  init(_ text: String) throws {
    names = text == "all" ? ModelName.allCases : try text.split(separator: ",").map { try named(String($0)) }
    if names.isEmpty { throw ValidationError("name at least one model.") }
  }
}
