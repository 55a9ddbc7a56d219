import Checkpoint
import Coordinator
import DeepFM
import Features
import Foundation
import Job

/// Scores data with a checkpoint of a run, on servers and workers launched for it.
public struct Scoring {
  private let runDirectory: String
  private let data: [String]
  private let checkpoint: CheckpointChoice
  private let badRows: BadRowPolicy
  private let servers: Int
  private let workers: Int
  private let cluster: LocalCluster
  private let caller: Caller

  /// - Parameters:
  ///   - runDirectory: of a training run.
  ///   - data: files, directories or patterns, read as the run's training data were.
  ///   - checkpoint: whose parameters.
  ///   - badRows: what becomes of rows that cannot be read.
  ///   - cluster: launches as many servers and workers as are wanted.
  ///   - caller: who is told how far the work is, and can end it.
  public init(
    runDirectory: String, data: [String], checkpoint: CheckpointChoice = .last, badRows: BadRowPolicy = .fail,
    servers: Int = 1, workers: Int = 1,
    cluster: LocalCluster = LocalCluster(), caller: Caller = Caller()
  ) {
    self.runDirectory = runDirectory
    self.data = data
    self.checkpoint = checkpoint
    self.badRows = badRows
    self.servers = servers
    self.workers = workers
    self.cluster = cluster
    self.caller = caller
  }

  /// Scores every row in this thread.
  ///
  /// - Throws: `RunFailure` where the run has no such checkpoint or scoring ends early; otherwise like `Training.run`.
  public func run() throws -> Scored {
    let directory = RunDirectory.open(runDirectory)
    let catalogue = try Catalogue.open(at: directory.catalogue)
    let history = try catalogue.history()
    let checkpoint = try checkpoint.find(in: history, of: runDirectory)
    let stage = checkpoint.stage
    var settings = try catalogue.fact(RunFact.configuration, as: SavedSettings.self).settings
    let model = try catalogue.fact(RunFact.model(stage), as: ModelConfiguration.self)
    settings.cluster.servers = servers
    settings.cluster.workers = workers
    settings.cluster.mostWorkers = nil
    settings.cluster.replicas = 0
    settings.cluster.threads = 0
    settings.data.placement = .shared
    let scratch = try ScratchDirectory("score")
    defer { scratch.remove() }
    let encoding = try catalogue.fact(RunFact.encoding(stage), as: Encoding.self)
    let index = try DatasetIndex.build(
      data, encoding: encoding, caller.reading("reading data", spool: scratch.path, badRows: badRows))
    caller.sayWhatWasSkipped(index)
    let start = ModelPlan.Start(
      clock: checkpoint.step,
      restore: .init(
        run: try catalogue.fact("run"),
        chain: history.checkpoints.chain(of: checkpoint).map { directory.find($0.files) }, totals: checkpoint.totals))
    let members = Members.launched(cluster)
    let plan = try Plan(
      .score(
        ModelPlan(
          settings: settings, model: model, train: nil, evaluation: index,
          vocabulary: directory.vocabulary(of: encoding), start: start)),
      settings: settings, gatherSeconds: members.gatherSeconds)
    let cluster = try Cluster(settings, members, catalogue: nil, logs: scratch.path, caller: caller)
    defer { cluster.end() }
    let result = try cluster.run(plan)
    return Scored(result: result, model: model.model, checkpoint: checkpoint.number, data: index)
  }
}

/// Data with their scores.
public struct Scored: Sendable {
  /// With a logit for each row that was not skipped, in the order of the data.
  public let result: RunResult
  public let model: ModelName
  /// The checkpoint's number.
  public let checkpoint: Int
  public let data: DatasetIndex
}
