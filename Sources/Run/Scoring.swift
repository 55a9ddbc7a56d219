import Checkpoint
import Coordinator
import DeepFM
import Features
import Foundation
import Job

/// Scores data with the last checkpoint of a run, on servers and workers launched for it.
public struct Scoring {
  private let runDirectory: String
  private let data: [String]
  private let badRows: BadRowPolicy
  private let servers: Int
  private let workers: Int
  private let cluster: LocalCluster
  private let caller: Caller

  /// - Parameters:
  ///   - runDirectory: of a training run.
  ///   - data: files, directories or patterns, read as the run's training data were.
  ///   - badRows: what becomes of rows that cannot be read.
  ///   - cluster: launches as many servers and workers as are wanted.
  ///   - caller: who is told how far the work is, and can end it.
  public init(
    runDirectory: String, data: [String], badRows: BadRowPolicy = .fail, servers: Int = 1, workers: Int = 1,
    cluster: LocalCluster = LocalCluster(), caller: Caller = Caller()
  ) {
    self.runDirectory = runDirectory
    self.data = data
    self.badRows = badRows
    self.servers = servers
    self.workers = workers
    self.cluster = cluster
    self.caller = caller
  }

  /// Scores every row in this thread.
  ///
  /// - Throws: `RunFailure` where the run has no checkpoint or scoring ends early; otherwise like `Training.run`.
  public func run() throws -> Scored {
    let directory = RunDirectory.open(runDirectory)
    let catalogue = try Catalogue.open(at: directory.catalogue)
    var settings = try catalogue.fact("configuration", as: Settings.self)
    let model = try catalogue.fact("model", as: ModelConfiguration.self)
    guard let checkpoint = try catalogue.lastCheckpoint() else {
      throw RunFailure.failed("\(runDirectory) has no checkpoint: its run ended before the first epoch did.")
    }
    settings.cluster.servers = servers
    settings.cluster.workers = workers
    settings.cluster.threads = 0
    settings.data.placement = .shared
    let scratch = try ScratchDirectory("score")
    defer { scratch.remove() }
    let encoding = try catalogue.fact("encoding", as: Encoding.self)
    let index = try DatasetIndex.build(
      data, encoding: encoding, caller.reading("reading data", spool: scratch.path, badRows: badRows))
    caller.sayWhatWasSkipped(index)
    // The files may have moved together with the run directory.
    let shards = checkpoint.shards.map { shard in
      FileManager.default.fileExists(atPath: shard)
        ? shard : "\(directory.path)/shards/\((shard as NSString).lastPathComponent)"
    }
    let members = Members.launched(cluster)
    let plan = try Plan(
      .score(
        ModelPlan(
          settings: settings, model: model, train: nil, evaluation: index, vocabulary: vocabulary(encoding, directory),
          restore: .init(checkpoint: checkpoint.number, databases: shards, clock: checkpoint.step))),
      settings: settings, gatherSeconds: members.gatherSeconds)
    let cluster = try Cluster(settings, members, logs: scratch.path, caller: caller)
    defer { cluster.end() }
    let result = try cluster.run(plan, catalogue: nil)
    return Scored(result: result, model: model.model, checkpoint: checkpoint.number, data: index)
  }

  /// The vocabulary that the run was trained with.
  private func vocabulary(_ encoding: Encoding, _ directory: RunDirectory) throws -> Vocabulary? {
    guard let wanted = encoding.vocabulary else { return nil }
    let (vocabulary, found) = try VocabularyFile.load(directory.vocabulary)
    guard found == wanted else { throw VocabularyError.other(path: directory.vocabulary, wanted: wanted, found: found) }
    return vocabulary
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
