import DeepFM
import Features
import Wire

/// What the coordinator asks of a worker.
public enum WorkerOrder: Codable, Sendable {
  case configure(WorkerAssignment)
  /// Train one epoch of `steps` steps, the first numbered `firstStep`, on the worker's slices.
  case train(epoch: Int, firstStep: UInt64, steps: Int)
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
  case configured
  case trained(EpochProgress)
  case epochDone(EpochProgress)
  case heartbeat
  case failed(String)
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
  public var syncReading: Bool
  /// Longest norm of a slice's mean gradient; 0: any.
  public var clip: Double
  public var train: DatasetIndex?
  public var evaluation: DatasetIndex?

  public init(
    worker: Int, view: UInt32, servers: [String], slots: SlotMap, model: ModelConfiguration, batch: Int, slices: Int,
    ownedSlices: [Int], seed: UInt64, threads: Int, syncReading: Bool, clip: Double = 0,
    train: DatasetIndex?, evaluation: DatasetIndex?
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
    self.syncReading = syncReading
    self.clip = clip
    self.train = train
    self.evaluation = evaluation
  }

  public var sliceRows: Int { batch / slices }
}
