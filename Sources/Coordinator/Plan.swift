import Checkpoint
import DeepFM
import Features
import Job
import Sharding
import Wire

/// What a run is to do, decided before anyone is asked to do it.
public struct Plan: Sendable {
  public enum Purpose: Sendable {
    /// Learn what data the workers have.
    case survey(SurveyOrder)
    /// Train, evaluating and keeping a checkpoint at each epoch's end.
    ///
    /// - Parameter shards: the directory in which servers write their slots.
    case train(ModelPlan, shards: String)
    /// Score the evaluation data with a checkpoint's parameters.
    case score(ModelPlan)
  }

  public var purpose: Purpose
  /// Of the run: epochs and checkpoints are recorded under it.
  public var stage: Int
  public var settings: Settings
  /// Seconds to wait for all processes to appear.
  public var gatherSeconds: Double

  /// - Throws: `ConfigurationError` where the settings cannot be used.
  public init(_ purpose: Purpose, stage: Int = 0, settings: Settings, gatherSeconds: Double) throws {
    try settings.validate()
    self.purpose = purpose
    self.stage = stage
    self.settings = settings
    self.gatherSeconds = gatherSeconds
  }

  /// nil for a survey.
  var model: ModelPlan? {
    switch purpose {
    case .survey: nil
    case .train(let model, _), .score(let model): model
    }
  }
}

/// A model, its tables, and who reads which data for it.
public struct ModelPlan: Sendable {
  /// Where a stage's state comes from at its start.
  public struct Start: Codable, Hashable, Sendable {
    /// The stage's first step.
    public var clock: UInt64
    /// nil: there are no rows yet.
    public var restore: ServerAssignment.Restore?

    public init(clock: UInt64 = 0, restore: ServerAssignment.Restore? = nil) {
      self.clock = clock
      self.restore = restore
    }
  }

  public let model: ModelConfiguration
  public let tables: [TableDescription]
  public let data: DataPlan
  public let start: Start

  /// Of data that were just read.
  ///
  /// - Parameter holders: by file of the data, the workers that have it; nil: all can read all.
  /// - Throws: `ConfigurationError`, or the model's own error where its configuration cannot be built.
  public init(
    settings: Settings, model: ModelConfiguration, train: DatasetIndex?, evaluation: DatasetIndex?,
    trainHolders: [[Int]]? = nil, evaluationHolders: [[Int]]? = nil, vocabulary: Vocabulary? = nil,
    start: Start = Start()
  ) throws {
    try settings.validate()
    let slices = settings.optimization.slices
    let bySlice = try Self.firstDeal(
      slices: slices, weights: try Self.weights(train ?? evaluation, trainHolders, settings.cluster.workers))
    func partitions(_ index: DatasetIndex?, _ holders: [[Int]]?, seed: UInt64?) -> [Partition] {
      guard var index else { return [] }
      index.readers = holders.map { $0.map { $0.flatMap { bySlice[$0] }.sorted() } }
      return Partition.deal(index, slices: slices, seed: seed)
    }
    try self.init(
      settings, model, train: partitions(train, trainHolders, seed: settings.optimization.seed),
      evaluation: partitions(evaluation, evaluationHolders, seed: nil), encoding: (train ?? evaluation)?.encoding,
      vocabulary, isLocal: trainHolders != nil, start)
  }

  /// Of a stage that was begun earlier: who reads what is as the catalogue says.
  ///
  /// - Throws: like the other, or `Partition.Malformed`.
  public init(
    settings: Settings, model: ModelConfiguration, partitions: [PartitionRecord], encoding: Encoding,
    vocabulary: Vocabulary?, isLocal: Bool, start: Start
  ) throws {
    try settings.validate()
    func decoded(_ purpose: String) throws -> [Partition] {
      try partitions.filter { $0.purpose == purpose }.sorted { $0.slice < $1.slice }
        .map { try Partition(decoding: Array($0.article)) }
    }
    try self.init(
      settings, model, train: decoded("train"), evaluation: decoded("evaluation"), encoding: encoding, vocabulary,
      isLocal: isLocal, start)
  }

  private init(
    _ settings: Settings, _ model: ModelConfiguration, train: [Partition], evaluation: [Partition],
    encoding: Encoding?, _ vocabulary: Vocabulary?, isLocal: Bool, _ start: Start
  ) throws {
    try model.validate()
    self.model = model
    self.start = start
    data = DataPlan(
      train: train, evaluation: evaluation, sliceRows: settings.optimization.sliceRows, encoding: encoding,
      vocabulary: vocabulary, usesAdmission: settings.data.admitAfter > 1, isLocal: isLocal)
    let (steps, overflows) = Int(data.epochSteps).multipliedReportingOverflow(by: settings.optimization.epochs)
    let most = TableDescription.mostSteps
    guard !overflows, steps <= most, UInt64(steps) <= most - min(most, start.clock) else {
      throw ConfigurationError.invalid(
        key: "epochs", value: "\(settings.optimization.epochs)",
        reason: "over \(data.rows) rows that is more steps than can be counted; choose fewer")
    }
    tables = ParameterTables.describe(
      try makeModel(model), settings, totalSteps: Int(start.clock) + steps,
      epochSteps: Int(data.epochSteps), otherKeys: encoding?.otherKeys ?? [])
  }

  /// The rows that each worker can read; equal weights where all can read all.
  private static func weights(_ train: DatasetIndex?, _ holders: [[Int]]?, _ workers: Int) throws -> [Double] {
    guard let train, let holders else { return Array(repeating: 1, count: workers) }
    var rows = [Double](repeating: 0, count: max(workers, 1 + (holders.flatMap { $0 }.max() ?? 0)))
    for chunk in train.chunks {
      for holder in holders[chunk.file] { rows[holder] += Double(chunk.rows) / Double(holders[chunk.file].count) }
    }
    if let idle = rows.firstIndex(of: 0) {
      throw ConfigurationError.invalid(
        key: "data", value: "local",
        reason: "worker-\(idle) has none of the training files; start it with --files, or start fewer workers")
    }
    return rows
  }

  /// Deals consecutive slices by weight, at least one to each: whose data a slice's partition is made of.
  private static func firstDeal(slices: Int, weights: [Double]) throws -> [[Int]] {
    let total = weights.reduce(0, +)
    let spare = Double(max(0, slices - weights.count))
    var dealt = 0
    var sum = 0.0
    return weights.indices.map { worker in
      sum += weights[worker]
      // One for each so far, and its share of the rest.
      let end = worker + 1 + Int((spare * sum / total + 1e-9).rounded(.down))
      defer { dealt = end }
      return Array(min(dealt, slices)..<min(end, slices))
    }
  }
}
