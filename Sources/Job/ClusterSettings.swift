/// Who computes, and how they keep together.
public struct ClusterSettings: Codable, Sendable, Hashable {
  public var servers = 2
  /// That a run begins with; it goes on with fewer when some die.
  public var workers = 2
  /// That it takes, with those who come later; nil: as many as come.
  public var mostWorkers: Int?
  /// Further servers that hold each slot, and go on with it when its first dies.
  public var replicas = 0
  /// Compute threads of a worker; 0 shares this machine's cores among its workers.
  public var threads = 0
  /// Whether the slices of a worker that is late are computed by others too.
  public var speculate = false
  public var consistency = Consistency.sync
  /// Of the dense parameters; nil: the same.
  public var denseConsistency: Consistency?
  /// Seconds of silence after which a process counts as dead.
  public var timeout = 20.0
  /// Seconds that members wait for a coordinator that has fallen silent: it may be started anew.
  public var coordinatorTimeout = 300.0
  /// Seconds that a run waits for somebody who has the data, when the only worker that had them is gone.
  public var waitForData = 600.0
  /// Checkpoints beside those at the ends of epochs.
  public var checkpointEvery = CheckpointSchedule.epoch
  /// The latest checkpoints that can still be read.
  public var keepCheckpoints = 3
  /// Whether the one with the lowest validation logloss is kept as well.
  public var keepBest = true
  /// Where servers write their parts of checkpoints, each on its own host; nil: into the run directory.
  public var shardDirectory: String?
  /// That a server's tables may take; nil: as much as there is.
  public var serverMemory: ByteCount?
  /// What rows and gradients travel in.
  public var wire = Precision.fp32

  public init() {}

  /// By table of the model: steps that a read may be behind; nil: any number.
  public var staleness: [Int?] { [consistency.steps, (denseConsistency ?? consistency).steps] }

  /// Steps that a read may be behind, of the tables that have a bound.
  public var lag: Int { staleness.compactMap { $0 }.max() ?? 0 }

  /// Whether a run's bits do not depend on who computed what, and when.
  public var isExact: Bool { !staleness.contains(nil) }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case servers, workers
    case mostWorkers = "max-workers"
    case replicas, threads, speculate, consistency
    case denseConsistency = "dense-consistency"
    case timeout
    case coordinatorTimeout = "coordinator-timeout"
    case waitForData = "wait-for-data"
    case checkpointEvery = "checkpoint-every"
    case keepCheckpoints = "keep-checkpoints"
    case keepBest = "keep-best"
    case shardDirectory = "shard-dir"
    case serverMemory = "server-memory"
    case wire
  }

  /// Refuses what no cluster can be made of, naming the key and the way out.
  public func validate() throws {
    try require(1...1024 ~= servers, CodingKeys.servers, servers, "choose 1 to 1024")
    try require(1...4096 ~= workers, CodingKeys.workers, workers, "choose 1 to 4096")
    try require(
      (workers...4096).contains(mostWorkers ?? workers), CodingKeys.mostWorkers, mostWorkers ?? workers,
      "choose \(workers) (workers) to 4096")
    try require(0...1 ~= replicas, CodingKeys.replicas, replicas, "choose 0 or 1")
    try require(
      replicas < servers, CodingKeys.replicas, replicas, "a slot's replica is at another server: raise servers to 2")
    try require(1...1000 ~= keepCheckpoints, CodingKeys.keepCheckpoints, keepCheckpoints, "choose 1 to 1000")
    try require(
      0...1024 ~= threads, CodingKeys.threads, threads, "choose 1 to 1024, or 0 to share the machine's cores")
    try require(
      !speculate || isExact, CodingKeys.speculate, speculate,
      "with async nobody waits for anybody: choose sync or lag:N, or leave it out")
    // What is no number is within no bounds.
    try require(1...86_400 ~= timeout, CodingKeys.timeout, timeout, "choose 1 to 86400 seconds")
    for (key, value) in [(CodingKeys.coordinatorTimeout, coordinatorTimeout), (.waitForData, waitForData)] {
      try require(0...864_000 ~= value, key, value, "choose 0 to 864000 seconds")
    }
  }
}
