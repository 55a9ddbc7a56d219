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
    /// - Parameter databases: by server, where it writes its slots.
    case train(ModelPlan, databases: [String])
    /// Score the evaluation data with a checkpoint's parameters.
    case score(ModelPlan)
  }

  public var purpose: Purpose
  public var settings: Settings
  /// Seconds to wait for all processes to appear.
  public var gatherSeconds: Double

  /// - Throws: `ConfigurationError` where the settings cannot be used.
  public init(_ purpose: Purpose, settings: Settings, gatherSeconds: Double) throws {
    try settings.validate()
    self.purpose = purpose
    self.settings = settings
    self.gatherSeconds = gatherSeconds
  }
}

/// A model, its tables, and who reads which data for it.
public struct ModelPlan: Sendable {
  public let model: ModelConfiguration
  public let tables: [TableDescription]
  /// By worker, its slices: consecutive ones, so that it can add up whole subtrees before it pushes.
  public let workerSlices: [[Int]]
  public let data: DataPlan
  public let restore: ServerAssignment.Restore?

  /// - Parameter holders: by file of the data, the workers that have it; nil: all can read all.
  /// - Throws: `ConfigurationError`, or the model's own error where its configuration cannot be built.
  public init(
    settings: Settings, model: ModelConfiguration, train: DatasetIndex?, evaluation: DatasetIndex?,
    trainHolders: [[Int]]? = nil, evaluationHolders: [[Int]]? = nil, vocabulary: Vocabulary? = nil,
    restore: ServerAssignment.Restore? = nil
  ) throws {
    try settings.validate()
    try model.validate()
    self.model = model
    self.restore = restore
    let (slices, workers) = (settings.optimization.slices, settings.cluster.workers)
    workerSlices = try Self.deal(
      slices: slices, weights: try Self.weights(train ?? evaluation, holders: trainHolders, workers: workers))
    let bySlice = workerSlices
    func readable(_ index: DatasetIndex?, _ holders: [[Int]]?) -> DatasetIndex? {
      guard var index else { return nil }
      index.readers = holders.map { $0.map { $0.flatMap { bySlice[$0] }.sorted() } }
      return index
    }
    data = DataPlan(
      train: readable(train, trainHolders), evaluation: readable(evaluation, evaluationHolders), slices: slices,
      sliceRows: settings.optimization.sliceRows, seed: settings.optimization.seed, vocabulary: vocabulary,
      usesAdmission: settings.data.admitAfter > 1)
    let (totalSteps, overflows) = Int(data.epochSteps).multipliedReportingOverflow(by: settings.optimization.epochs)
    guard !overflows else {
      throw ConfigurationError.invalid(
        key: "epochs", value: "\(settings.optimization.epochs)",
        reason: "over \(data.rows) rows that is more steps than can be counted; choose fewer")
    }
    tables = ParameterTables.describe(
      try makeModel(model), settings, totalSteps: totalSteps,
      otherKeys: (train ?? evaluation)?.encoding.otherKeys ?? [])
  }

  /// The rows that each worker can read; equal weights where all can read all.
  private static func weights(_ train: DatasetIndex?, holders: [[Int]]?, workers: Int) throws -> [Double] {
    guard let train, let holders else { return Array(repeating: 1, count: workers) }
    var rows = [Double](repeating: 0, count: workers)
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

  /// Deals consecutive slices by weight, at least one to each.
  private static func deal(slices: Int, weights: [Double]) throws -> [[Int]] {
    let total = weights.reduce(0, +)
    let spare = Double(slices - weights.count)
    var dealt = 0
    var sum = 0.0
    return weights.indices.map { worker in
      sum += weights[worker]
      // One for each so far, and its share of the rest.
      let end = worker + 1 + Int((spare * sum / total + 1e-9).rounded(.down))
      defer { dealt = end }
      return Array(dealt..<min(end, slices))
    }
  }
}
