import DeepFM
import Features
import Foundation
import Sharding
import Wire

/// What the coordinator asks of a worker.
public enum WorkerOrder: Codable, Sendable {
  /// Read through the files of yours that these patterns match.
  case survey(SurveyOrder)
  case configure(WorkerAssignment)
  /// Train one epoch of `steps` steps, the first numbered `firstStep`, on the data leased to the worker: a lease for
  /// each of its slices.
  case train(epoch: Int, firstStep: UInt64, steps: Int, leases: [Lease])
  /// Score these chunks of the evaluation data with the parameters as they are once all steps before `clock` are
  /// applied.
  case evaluate(round: Int, clock: UInt64, chunks: [Int])
  case heartbeat
  /// This assignment is over: register again for the next.
  case release
  case stop
}

/// What a worker tells the coordinator. Scores travel as binary messages of their own (`ScoreBlock`).
public enum WorkerReport: Codable, Sendable {
  case register(host: String, process: Int32)
  case surveyed(SurveyResult)
  case configured
  case trained(EpochProgress)
  case epochDone(EpochProgress)
  case heartbeat
  case failed(String)
}

/// What a worker is to look for among its files, before anyone knows what data there are.
public struct SurveyOrder: Codable, Sendable {
  /// Names or patterns of names, without directories.
  public var train: [String]
  public var valid: [String]
  public var schema: Schema
  public var badRows: BadRowPolicy

  public init(train: [String], valid: [String], schema: Schema, badRows: BadRowPolicy) {
    self.train = train
    self.valid = valid
    self.schema = schema
    self.badRows = badRows
  }
}

/// What a worker has; nil where it is nothing.
public struct SurveyResult: Codable, Sendable {
  public var train: DatasetSurvey?
  public var valid: DatasetSurvey?

  public init(train: DatasetSurvey?, valid: DatasetSurvey?) {
    self.train = train
    self.valid = valid
  }
}

/// How far a worker is in an epoch, summed over its slices since the epoch's start.
public struct EpochProgress: Codable, Hashable, Sendable {
  public var epoch: Int
  public var steps = 0
  public var rows = 0
  /// Sum of the rows' logloss under the parameters each was trained with.
  public var lossSum = 0.0
  /// Seconds that computing waited for data to be read.
  public var stallSeconds = 0.0

  public init(epoch: Int) { self.epoch = epoch }
}

/// Everything a worker needs before it trains.
public struct WorkerAssignment: Codable, Sendable {
  public var worker: Int
  public var view: UInt32
  public var servers: [String]
  public var slots: SlotMap
  public var model: ModelConfiguration
  public var batch: Int
  public var slices: Int
  public var ownedSlices: [Int]
  public var seed: UInt64
  /// 0: the worker's machine decides.
  public var threads: Int
  /// Threads that read; 0 to read and compute in turn.
  public var readers: Int
  /// Longest norm of a slice's mean gradient; 0: any.
  public var clip: Double
  public var train: DatasetIndex?
  public var evaluation: DatasetIndex?
  /// By field, the feature that stands for those not admitted yet; empty where all keys are admitted at once.
  public var otherKeys: [UInt64]
  /// Keys of the values that have their own, 8 bytes each, little-endian; nil where all have.
  public var vocabulary: Data?

  public init(
    worker: Int, view: UInt32, servers: [String], slots: SlotMap, model: ModelConfiguration, batch: Int, slices: Int,
    ownedSlices: [Int], seed: UInt64, threads: Int, readers: Int, clip: Double = 0,
    train: DatasetIndex?, evaluation: DatasetIndex?, otherKeys: [UInt64] = [], vocabulary: Data? = nil
  ) {
    self.worker = worker
    self.view = view
    self.servers = servers
    self.slots = slots
    self.model = model
    self.batch = batch
    self.slices = slices
    self.ownedSlices = ownedSlices
    self.seed = seed
    self.threads = threads
    self.readers = readers
    self.clip = clip
    self.train = train
    self.evaluation = evaluation
    self.otherKeys = otherKeys
    self.vocabulary = vocabulary
  }

  public var sliceRows: Int { batch / slices }
}
