import Checkpoint
import Coordinator
import Foundation
import Job
import Sharding
import Wire

/// A training run, from settings to result.
///
///     var settings = Settings()
///     settings.data.train = ["clicks.txt"]
///     let trained = try Training(settings).run()
public struct Training {
  public let settings: Settings
  private let members: Members
  private let caller: Caller

  /// - Parameters:
  ///   - members: who computes; servers and workers are launched on this machine unless it says otherwise.
  ///   - caller: who is told how far the run is, and can end it.
  /// - Throws: `ConfigurationError` where the settings cannot be run.
  public init(
    _ settings: Settings, members: Members = .launched(LocalCluster()), caller: Caller = Caller()
  ) throws {
    guard !settings.data.train.isEmpty else {
      throw ConfigurationError.invalid(
        key: "train", value: "nothing", reason: "name the training data with --train FILE")
    }
    try settings.validate()
    self.settings = settings
    self.members = members
    self.caller = caller
  }

  /// Reads through the data, trains in this thread until all epochs are done, and leaves a run directory.
  ///
  /// - Returns: what came of it, the last checkpoint being in the run directory.
  /// - Throws: `RunFailure` where the run ends early; `DatasetError`, `SchemaError` or `VocabularyError` for data that
  ///   cannot be read; `RunDirectoryError`, `CatalogueError`, `ToolError` or `WireError` for what is in its way.
  public func run() throws -> Trained {
    let schema = try settings.data.readSchema()
    let directory = try RunDirectory.create(settings.runDirectory)
    defer { directory.removeSpool() }
    // After a mistake before anything ran, the name is free for the next try.
    defer { directory.removeIfUnused() }
    let source = DataSource(settings: settings, schema: schema, directory: directory, caller: caller)
    // Shared data are read before anyone is launched, who would wait for it.
    let shared = settings.data.placement == .shared ? try source.read() : nil
    let cluster = try Cluster(settings, members, logs: directory.logs, caller: caller)
    defer { cluster.end() }
    let data = try shared ?? source.survey(with: cluster)
    try settings.model.configuration(fields: data.train.fields).validate()

    var start: ServerAssignment.Restore?
    var trainingSeconds = 0.0
    if let earlier = settings.model.model.definition.pretraining {
      var pretraining = settings
      pretraining.model.model = earlier
      let place = try directory.makeStage()
      let first = try train(pretraining, data, in: place, start: nil, cluster)
      trainingSeconds += first.trainingSeconds
      guard let checkpoint = try Catalogue.open(at: place.catalogue).lastCheckpoint() else {
        throw RunFailure.failed("\(place.path) has no checkpoint to start from.")
      }
      start = .init(
        checkpoint: checkpoint.number, databases: checkpoint.shards, clock: 0,
        onlyParametersOf: ParameterTables.sparse)
    }
    let result = try train(settings, data, in: directory, start: start, cluster)
    trainingSeconds += result.trainingSeconds
    return Trained(
      result: result, directory: directory, trainingSeconds: trainingSeconds,
      skipped: data.train.skipped + (data.valid?.skipped ?? 0))
  }

  /// Trains one model, leaving its catalogue and shards in the directory.
  private func train(
    _ wanted: Settings, _ data: TrainingData, in directory: RunDirectory, start: ServerAssignment.Restore?,
    _ cluster: Cluster
  ) throws -> RunResult {
    var settings = wanted
    settings.runDirectory = directory.path
    let model = try ModelPlan(
      settings: settings, model: settings.model.configuration(fields: data.train.fields), train: data.train,
      evaluation: data.valid, trainHolders: data.trainHolders, evaluationHolders: data.validHolders,
      vocabulary: data.vocabulary, restore: start)
    let plan = try Plan(
      .train(model, databases: directory.shards(servers: settings.cluster.servers)), settings: settings,
      gatherSeconds: cluster.gatherSeconds)
    try ConfigurationFile.write(settings, to: directory.configuration)
    let catalogue = try Catalogue.create(at: directory.catalogue)
    try catalogue.record("configuration", settings)
    try catalogue.record("model", model.model)
    try catalogue.record(partitions: model.data.catalogued)
    try catalogue.record("encoding", data.train.encoding)
    for index in [data.train, data.valid].compactMap({ $0 }) where index.skipped > 0 {
      try catalogue.record(event: "skipped \(index.skipped) bad rows, the first: \(index.firstBadRow ?? "")")
    }
    caller.observer.say(
      "\(settings.model.model.rawValue): \(data.train.rows.grouped) rows of \(data.train.fields) fields, "
        + "\(settings.cluster.servers) servers, \(settings.cluster.workers) workers, run directory \(directory.path)")
    return try cluster.run(plan, catalogue: catalogue)
  }
}

/// What came of a training run.
public struct Trained: Sendable {
  public let result: RunResult
  public let directory: RunDirectory
  /// Of training alone, a model's that it started from included.
  public let trainingSeconds: Double
  /// Bad rows that were left out.
  public let skipped: Int

  /// SHA-256 over all parameters in hexadecimal digits: the same for the same data and settings, whatever the cluster.
  public var parameterDigest: String { result.parameterDigest ?? "" }
}
