import ArgumentParser
import Job

/// The flags that say who computes.
struct ClusterOptions: ParsableArguments {
  @Option(help: .init("Parameter servers.", default: \.cluster.servers))
  var servers: Int?

  @Option(
    help: .init(
      "Workers; least:most, such as 2:8, to begin with 2 and take others that come later.", default: \.cluster.workers,
      valueName: "n|n:n"))
  var workers: WorkerCount?

  @Option(help: ArgumentHelp("Workers that a run takes at most, with those that come later. Default: as many as come."))
  var maxWorkers: Int?

  @Option(
    help: .init(
      "Further servers that hold each slot, 0 or 1: with one, a server's death costs no step.",
      default: \.cluster.replicas))
  var replicas: Int?

  @Option(
    help: .init(
      "Compute threads of a worker.", default: \.cluster.threads,
      "the machine's cores, shared by the workers of a local cluster"))
  var threads: Int?

  @Flag(
    help:
      "Have the slices of a worker that is late computed by others too, until it keeps up: the first to come count. The same bits."
  )
  var speculate = false

  @Option(
    help: .init(
      "sync: gradients are averaged over the global minibatch. lag:N: pulls may be N steps behind, to hide the network. Both are bit for bit reproducible. async: nobody waits for anybody, what a slice comes to is applied as it arrives.",
      default: \.cluster.consistency), transform: consistencyNamed)
  var consistency: Consistency?

  @Option(
    help: ArgumentHelp(
      "How the dense parameters keep together. Default: as all do.", valueName: "consistency"),
    transform: consistencyNamed)
  var denseConsistency: Consistency?

  @Option(help: .init("Seconds of silence after which a process counts as dead.", default: \.cluster.timeout))
  var timeout: Double?

  @Option(
    help: .init(
      "Seconds that members wait for a coordinator that has fallen silent: it may be started anew.",
      default: \.cluster.coordinatorTimeout))
  var coordinatorTimeout: Double?

  @Option(
    help: .init(
      "Seconds that a run waits for somebody who has the data, when the only worker that had them is gone.",
      default: \.cluster.waitForData))
  var waitForData: Double?

  @Option(
    help: .init(
      "Checkpoints beside those at the ends of epochs: epoch (none), 1000steps, 90s, 5m, or 5m,1000steps.",
      default: \.cluster.checkpointEvery), transform: scheduleNamed)
  var checkpointEvery: CheckpointSchedule?

  @Option(help: .init("The latest checkpoints that can still be read.", default: \.cluster.keepCheckpoints))
  var keepCheckpoints: Int?

  @Option(
    help: .init(
      "Whether the checkpoint with the lowest validation logloss is kept as well: true or false.",
      default: \.cluster.keepBest))
  var keepBest: Bool?

  @Option(
    help: ArgumentHelp(
      "Where servers write checkpoints, each on its own host. Default: the run directory, which all hosts then share. What a lost host costs is in the README.",
      valueName: "dir"))
  var shardDir: String?

  @Option(
    help: ArgumentHelp(
      "Memory that a server's tables may take, such as 4g: warned of at 80 %; at 95 % the run writes a checkpoint and ends. Default: all there is.",
      valueName: "bytes"), transform: bytesNamed)
  var serverMemory: ByteCount?

  @Option(help: .hidden, transform: named)
  var wire: Precision?

  func override(_ settings: inout ClusterSettings) {
    if let servers { settings.servers = servers }
    if let workers {
      settings.workers = workers.least
      if let most = workers.most { settings.mostWorkers = most }
    }
    if let maxWorkers { settings.mostWorkers = maxWorkers }
    if let replicas { settings.replicas = replicas }
    if let threads { settings.threads = threads }
    if let consistency { settings.consistency = consistency }
    if let denseConsistency { settings.denseConsistency = denseConsistency }
    if let timeout { settings.timeout = timeout }
    if let coordinatorTimeout { settings.coordinatorTimeout = coordinatorTimeout }
    if speculate { settings.speculate = true }
    if let waitForData { settings.waitForData = waitForData }
    if let checkpointEvery { settings.checkpointEvery = checkpointEvery }
    if let keepCheckpoints { settings.keepCheckpoints = keepCheckpoints }
    if let keepBest { settings.keepBest = keepBest }
    if let shardDir { settings.shardDirectory = shardDir }
    if let serverMemory { settings.serverMemory = serverMemory }
    if let wire { settings.wire = wire }
  }
}

/// `2`, or `2:8` for a cluster that grows.
struct WorkerCount: ExpressibleByArgument {
  var least: Int
  var most: Int?

  init?(argument: String) {
    let numbers = argument.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
    guard 1...2 ~= numbers.count, !numbers.contains(nil), let least = numbers[0] else { return nil }
    self.least = least
    most = numbers.count == 2 ? numbers[1] : nil
  }
}

private func consistencyNamed(_ name: String) throws -> Consistency { try explaining { try Consistency(named: name) } }

private func bytesNamed(_ name: String) throws -> ByteCount { try explaining { try ByteCount(named: name) } }

private func scheduleNamed(_ name: String) throws -> CheckpointSchedule {
  try explaining { try CheckpointSchedule(named: name) }
}
