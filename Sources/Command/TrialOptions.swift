import ArgumentParser
import DeepFM
import Run

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
    guard 1...1_000_000 ~= seeds else {
      throw ValidationError("--seeds: \(seeds) cannot be used: run each model once to 1000000 times.")
    }
    guard job.model.model == nil, job.optimization.seed == nil, job.runDir == nil else {
      throw ValidationError("--model, --seed and --run-dir do not go with this: use --models, --seeds and --out.")
    }
  }

  func trials() throws -> Trials {
    try Trials(
      job.settings(), models: models.names, seeds: seeds, test: test, out: out, cluster: .ownChildren,
      caller: .person(Console()))
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
