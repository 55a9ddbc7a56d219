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
  }

  public var purpose: Purpose
  public var configuration: JobConfiguration
  public var model: ModelConfiguration
  public var tables: [TableDescription]
  public var train: DatasetIndex?
  public var evaluation: DatasetIndex?
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
    let stepsPerEpoch = train.map { ($0.rows + configuration.batch - 1) / configuration.batch } ?? 0
    tables = ParameterTables.describe(
      try makeModel(model), configuration, totalSteps: stepsPerEpoch * configuration.epochs)
  }

  /// Steps of an epoch: as many as its longest partition needs. Shorter ones end with empty slices.
  func steps(inEpoch epoch: Int) -> Int {
    guard let train else { return 0 }
    let order = EpochOrder.deal(train, slices: configuration.slices, seed: configuration.seed, epoch: epoch)
    let longest = order.map { EpochOrder.rows(of: $0, in: train) }.max() ?? 0
    return (longest + configuration.sliceRows - 1) / configuration.sliceRows
  }

  /// The slices of one worker: consecutive ones, so that it can add up whole subtrees before it pushes.
  func slices(ofWorker worker: Int) -> [Int] {
    let slices = configuration.slices
    let workers = configuration.workers
    return Array(worker * slices / workers..<(worker + 1) * slices / workers)
  }
}
