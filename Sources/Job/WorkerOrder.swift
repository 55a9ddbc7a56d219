import DeepFM
import Features
import Foundation
import Sharding

/// What the coordinator asks of a worker. Each order is carried out once and then answered, however often it comes.
public enum WorkerOrder: Codable, Sendable {
  /// The view that the order's envelope names is proposed: stop what you are doing in earlier ones, which is cancelled and
  /// not answered.
  case propose
  /// Read through the files of yours that these patterns match.
  case survey(SurveyOrder)
  /// Be this from now on; answered when what the assignment names is there.
  case adopt(WorkerAssignment)
  /// Train steps of an epoch on the parts of the data leased to the worker; answered when all that it pushed has
  /// arrived.
  case train([Lease])
  /// Score the evaluation data of the worker's slices with the parameters as they are once all steps before `clock` are
  /// applied; answered when all scores have arrived.
  case evaluate(round: Int, clock: UInt64)
  case stop
}

/// A worker's answer.
public enum WorkerReport: Codable, Sendable {
  /// - Parameter view: that it adopted last.
  case standing(view: UInt32)
  case surveyed(SurveyResult)
  case adopted
  /// - Parameter stallSeconds: what computing waited for data to be read.
  case trained(stallSeconds: Double)
  case done
}

/// A range of the data handed to one worker: steps of one slice in one epoch. Which rows these are is a function of the
/// slice's partition, the epoch and the step.
public struct Lease: Codable, Hashable, Sendable {
  public var slice: Int
  public var epoch: Int
  /// The epoch's first step, by the run's count, and the steps leased.
  public var epochStart: UInt64
  public var steps: Range<UInt64>

  public init(slice: Int, epoch: Int, epochStart: UInt64, steps: Range<UInt64>) {
    self.slice = slice
    self.epoch = epoch
    self.epochStart = epochStart
    self.steps = steps
  }
}

/// What a worker is to look for among its files, before anyone knows what data there are.
public struct SurveyOrder: Codable, Sendable {
  /// Names or patterns of names, without directories.
  public var train: [String]
  public var valid: [String]
  public var schema: Schema
  public var badRows: BadRowPolicy
  /// Of the training data.
  public var sampling: NegativeSampling?

  public init(
    train: [String], valid: [String], schema: Schema, badRows: BadRowPolicy, sampling: NegativeSampling? = nil
  ) {
    self.sampling = sampling
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

/// Everything a worker needs before it trains. What is large is named by its digest and fetched by those who lack it.
public struct WorkerAssignment: Codable, Sendable {
  public var worker: Int
  /// Of the view, with where to reach them; ascending numbers.
  public var servers: [Seat]
  public var slots: SlotMap
  public var model: ModelConfiguration
  public var batch: Int
  public var slices: Int
  /// Ascending; none for a spare.
  public var ownedSlices: [Int]
  public var seed: UInt64
  /// 0: the worker's machine decides.
  public var threads: Int
  /// Threads that read; 0 to read and compute in turn.
  public var readers: Int
  /// Longest norm of a slice's mean gradient; 0: any.
  public var clip: Double
  /// By table: steps that a pull may be behind; 0: sync; nil: any number, async.
  public var staleness: [Int?]
  /// Whether shows and clicks of a row go with its gradient.
  public var countsClicks: Bool
  public var data: DataArticles

  public init(
    worker: Int, servers: [Seat], slots: SlotMap, model: ModelConfiguration, batch: Int, slices: Int,
    ownedSlices: [Int], seed: UInt64, threads: Int, readers: Int, clip: Double, staleness: [Int?] = [0, 0],
    countsClicks: Bool = false, data: DataArticles
  ) {
    self.worker = worker
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
    self.staleness = staleness
    self.countsClicks = countsClicks
    self.data = data
  }

  public var sliceRows: Int { batch / slices }
}

/// The digests of what describes the data to one worker.
public struct DataArticles: Codable, Hashable, Sendable {
  /// The `Encoding`, as JSON.
  public var encoding: Digest
  /// In the order of the worker's slices: their `Partition`s of the training data; empty where nothing is trained.
  public var train: [Digest]
  /// The same for the evaluation data.
  public var evaluation: [Digest]
  /// Keys of the values that have their own, 8 bytes each, little-endian; nil where all have.
  public var vocabulary: Digest?
  /// The encoding's keys that stand for those not admitted yet are used; otherwise all keys are admitted at once.
  public var usesAdmission: Bool

  public init(encoding: Digest, train: [Digest], evaluation: [Digest], vocabulary: Digest?, usesAdmission: Bool) {
    self.encoding = encoding
    self.train = train
    self.evaluation = evaluation
    self.vocabulary = vocabulary
    self.usesAdmission = usesAdmission
  }

  public var all: [Digest] { [encoding] + train + evaluation + [vocabulary].compactMap { $0 } }
}
