import Coordinator
import DeepFM
import Features
import Foundation
import Job
import Serving

/// Scores data with a checkpoint of a run: in this process; or on servers and workers launched for it, where the model does not
/// fit into its memory. The bits are the same.
public struct Scoring {
  private let runDirectory: String
  private let data: [String]
  private let checkpoint: CheckpointChoice
  private let badRows: BadRowPolicy
  private let labels: Bool
  private let threads: Int
  private let launched: Launched?
  private let caller: Caller

  /// A cluster to score on.
  public struct Launched: Sendable {
    public var servers: Int
    public var workers: Int
    public var cluster: LocalCluster

    public init(servers: Int, workers: Int, cluster: LocalCluster = LocalCluster()) {
      self.servers = servers
      self.workers = workers
      self.cluster = cluster
    }
  }

  /// - Parameters:
  ///   - runDirectory: of a training run; or a file that was exported, where nothing is launched.
  ///   - data: files, directories or patterns, read as the run's training data were.
  ///   - checkpoint: whose parameters.
  ///   - badRows: what becomes of rows that cannot be read.
  ///   - labels: whether rows have some; without, nothing is measured.
  ///   - threads: that compute in this process; 0: one a core.
  ///   - launched: servers and workers that do it instead.
  ///   - caller: who is told how far the work is, and can end it.
  public init(
    runDirectory: String, data: [String], checkpoint: CheckpointChoice = .last, badRows: BadRowPolicy = .fail,
    labels: Bool = true, threads: Int = 0, on launched: Launched? = nil, caller: Caller = Caller()
  ) {
    self.runDirectory = runDirectory
    self.data = data
    self.checkpoint = checkpoint
    self.badRows = badRows
    self.labels = labels
    self.threads = threads
    self.launched = launched
    self.caller = caller
  }

  /// Scores every row.
  ///
  /// - Throws: `RunFailure` where the run has no such checkpoint or scoring ends early; `CheckpointError` for files that are not
  ///   what was written; otherwise like `Training.run`.
  public func run() throws -> Scored {
    guard let launched else { return try run(ModelSource(runDirectory, checkpoint).read(caller)) }
    let trained = try TrainedModel(runDirectory, checkpoint)
    let scratch = try ScratchDirectory("score")
    let index = try read(trained.encoding, scratch)
    let plan = try ModelPlan(
      settings: launched.settings(trained.settings), model: trained.model.configuration, train: nil,
      evaluation: index, vocabulary: trained.directory.vocabulary(of: trained.encoding), start: trained.start)
    return Scored(
      result: try run(plan, on: launched, trained.settings, scratch), model: trained.model.configuration.model,
      checkpoint: trained.checkpoint.number, data: index, copies: scratch)
  }

  private func read(_ encoding: Encoding, _ scratch: ScratchDirectory) throws -> DatasetIndex {
    let index = try DatasetIndex.build(
      data, encoding: encoding, caller.reading("reading data", spool: scratch.path, badRows: badRows, labels: labels))
    caller.sayWhatWasFound(index)
    return index
  }

  /// Takes the logits of the first rows apart.
  ///
  /// - Throws: as `run`.
  public func explain(_ count: Int) throws -> (fields: [String], rows: [Explanation]) {
    let model = try ModelSource(runDirectory, checkpoint).read(caller)
    return try withData(of: model) { index in
      let reader = ChunkReader(index, vocabulary: model.vocabulary)
      var (all, first) = (Batch(fields: index.fields), Batch(fields: index.fields))
      for chunk in index.chunks where all.rows < count { try reader.read(chunk, into: &all) }
      for row in 0..<min(count, all.rows) { first.append(rowsOf: all, row) }
      return (model.encoding.fieldNames, BlockScorer(model).explain(first))
    }
  }

  /// In this process.
  private func run(_ model: ScoringModel) throws -> Scored {
    let scratch = try ScratchDirectory("score")
    let index = try read(model.encoding, scratch)
    return Scored(
      result: try score(index, by: model), model: model.configuration.model, checkpoint: model.checkpoint, data: index,
      copies: scratch)
  }

  /// AUC and logloss of models that encode data alike: the data are read once.
  func evaluate(_ models: [ScoringModel]) throws -> [Evaluation?] {
    guard let first = models.first else { return [] }
    return try withData(of: first) { index in try models.map { try score(index, by: $0).evaluation } }
  }

  private func withData<Value>(of model: ScoringModel, _ body: (DatasetIndex) throws -> Value) throws -> Value {
    let scratch = try ScratchDirectory("score")
    defer { scratch.remove() }
    return try body(read(model.encoding, scratch))
  }

  private func score(_ index: DatasetIndex, by model: ScoringModel) throws -> RunResult {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let scores = try LocalScorer(model).score(index, threads: threads > 0 ? threads : cores) {
      try caller.show("scoring", $0, of: index.rows)
    }
    var result = RunResult()
    result.rows = scores.labels.count
    (result.labels, result.logits) = (scores.labels, scores.logits)
    if labels { result.evaluation = Evaluation(labels: scores.labels, logits: scores.logits) }
    return result
  }

  private func run(
    _ model: ModelPlan, on launched: Launched, _ settings: Settings, _ scratch: ScratchDirectory
  ) throws -> RunResult {
    let settings = launched.settings(settings)
    let members = Members.launched(launched.cluster)
    let plan = try Plan(.score(model), settings: settings, gatherSeconds: members.gatherSeconds)
    let cluster = try Cluster(settings, members, catalogue: nil, logs: scratch.path, caller: caller)
    defer { cluster.end() }
    return try cluster.run(plan)
  }
}

extension Scoring.Launched {
  /// A run's settings, for this cluster.
  fileprivate func settings(_ settings: Settings) -> Settings {
    var settings = settings
    settings.cluster.servers = servers
    settings.cluster.workers = workers
    settings.cluster.mostWorkers = nil
    settings.cluster.replicas = 0
    settings.cluster.threads = 0
    settings.data.placement = .shared
    return settings
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
  /// Where copies of the data may be, which are there as long as this is.
  private let copies: ScratchDirectory

  fileprivate init(
    result: RunResult, model: ModelName, checkpoint: Int, data: DatasetIndex, copies: ScratchDirectory
  ) {
    (self.result, self.model, self.checkpoint, self.data, self.copies) = (result, model, checkpoint, data, copies)
  }

  /// The texts of a column, row by row.
  ///
  /// - Throws: `ColumnError`, `DatasetError`.
  public func texts(of column: String) throws -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(result.rows)
    try ColumnTexts(data, columns: [column]).forEachRow { texts.append($0[0]) }
    return texts
  }
}
