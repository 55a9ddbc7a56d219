import DeepFM
import Features
import Job
import Wire

/// What a run is to do, decided before anyone is asked to do it.
public struct Plan: Sendable {
  public enum Purpose: Sendable, Hashable {
    case train
    /// Score the evaluation data with a checkpoint's parameters.
    case score
    /// Learn what data the workers have.
    case survey
  }

  public var purpose: Purpose
  public var configuration: JobConfiguration
  public var model: ModelConfiguration
  public var tables: [TableDescription]
  public private(set) var train: DatasetIndex?
  public private(set) var evaluation: DatasetIndex?
  /// By slice.
  public private(set) var trainPartitions: [Partition] = []
  /// By worker.
  public private(set) var evaluationPartitions: [Partition] = []
  /// By file of the evaluation data, the workers that can read it; nil: all can read all.
  public var evaluationReaders: [[Int]]? { didSet { dealEvaluation() } }
  /// By worker, its slices: consecutive ones, so that it can add up whole subtrees before it pushes.
  public private(set) var workerSlices: [[Int]]
  public var survey: SurveyOrder?
  public var vocabulary: Vocabulary?
  /// Where each server writes its slots; empty where nothing is written.
  public var databases: [String]
  public var restore: ServerAssignment.Restore?
  /// Seconds to wait for all processes to appear.
  public var gatherSeconds: Double
  /// Whether the processes are wanted for another plan after this one.
  public var isFollowed = false

  /// - Throws: `ConfigurationError`, or the model's own error where its configuration cannot be built.
  public init(
    purpose: Purpose, configuration: JobConfiguration, model: ModelConfiguration, train: DatasetIndex?,
    evaluation: DatasetIndex?, databases: [String], restore: ServerAssignment.Restore? = nil, gatherSeconds: Double
  ) throws {
    try configuration.validate()
    try model.validate()
    self.purpose = purpose
    self.configuration = configuration
    self.model = model
    self.train = train
    self.evaluation = evaluation
    self.databases = databases
    self.restore = restore
    self.gatherSeconds = gatherSeconds
    workerSlices = Self.deal(
      slices: configuration.slices, weights: Array(repeating: 1, count: configuration.workers))
    let stepsPerEpoch = train.map { ($0.rows + configuration.batch - 1) / configuration.batch } ?? 0
    tables = ParameterTables.describe(
      try makeModel(model), configuration, totalSteps: stepsPerEpoch * configuration.epochs,
      otherKeys: (train ?? evaluation)?.encoding.otherKeys ?? [])
    dealTrain()
    dealEvaluation()
  }

  /// Steps of an epoch, the same of each.
  var stepsPerEpoch: Int { trainPartitions.stepsPerEpoch(sliceRows: configuration.sliceRows) }

  /// What a worker trains on in each epoch.
  func partitions(ofWorker worker: Int) -> [Partition] {
    trainPartitions.isEmpty ? [] : workerSlices[worker].map { trainPartitions[$0] }
  }

  private mutating func dealTrain() {
    guard let train else { return }
    trainPartitions = Partition.deal(train, slices: configuration.slices, seed: configuration.seed)
  }

  private mutating func dealEvaluation() {
    guard var evaluation else { return }
    evaluation.readers = evaluationReaders
    evaluationPartitions = Partition.deal(evaluation, slices: configuration.workers, seed: nil)
  }

  /// A plan to learn what data the workers have; the same processes are wanted for the plan after it.
  public init(survey: SurveyOrder, configuration: JobConfiguration, gatherSeconds: Double) throws {
    // Of the model, a survey needs nothing but that there is one.
    try self.init(
      purpose: .survey, configuration: configuration, model: ModelConfiguration(fields: 1), train: nil,
      evaluation: nil, databases: [], gatherSeconds: gatherSeconds)
    self.survey = survey
    isFollowed = true
  }

  /// Has each worker read the files it holds: slices go to workers by the rows they can read.
  ///
  /// - Parameter holders: by file of the training data, the workers that have it.
  /// - Throws: `ConfigurationError` where a worker has none.
  public mutating func lease(by holders: [[Int]]) throws {
    guard var train else { return }
    var rows = [Double](repeating: 0, count: configuration.workers)
    for chunk in train.chunks {
      for holder in holders[chunk.file] { rows[holder] += Double(chunk.rows) / Double(holders[chunk.file].count) }
    }
    if let idle = rows.firstIndex(of: 0) {
      throw ConfigurationError.invalid(
        key: "data", value: "local",
        reason: "worker-\(idle) has none of the training files; start it with --files, or start fewer workers")
    }
    workerSlices = Self.deal(slices: configuration.slices, weights: rows)
    train.readers = holders.map { $0.flatMap { workerSlices[$0] }.sorted() }
    self.train = train
    dealTrain()
  }

  /// Deals consecutive slices by weight, at least one to each.
  private static func deal(slices: Int, weights: [Double]) -> [[Int]] {
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
