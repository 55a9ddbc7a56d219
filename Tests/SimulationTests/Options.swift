/// What kind of life a seed stands for: lives differ in kind, not only in luck.
struct Options: CustomStringConvertible {
  var seed: UInt64
  var servers: Int
  var workers: Int
  var scenario: Int
  /// Further homes of each slot.
  var replicas: Int
  /// Processes that may come later.
  var extraServers: Int
  var extraWorkers: Int
  /// Steps between checkpoints; 0: at the ends of epochs alone.
  var checkpointSteps: UInt64
  /// Shares of messages that are lost, arrive twice, or arrive late enough to be overtaken.
  var loss: Double
  var duplication: Double
  var lateness: Double
  /// Seconds from end to end, and how much they vary.
  var delay: Double
  /// How often, in a hundred seconds, a link is cut for a while, in one direction or both.
  var cuts: Double
  /// How often, in a hundred seconds, a process stands still for a while, or all do.
  var pauses: Double
  /// How often, in a hundred seconds, a process dies; of those, how many are the coordinator; and how many servers lose
  /// their files.
  var crashes: Double
  var coordinatorShare: Double
  var diskLoss: Double
  /// Share of writes for which there is no room.
  var diskFull: Double
  /// How often somebody dies right after a view or a checkpoint was recorded.
  var ambushes: Double
  /// How often, in a hundred seconds, another coordinator takes over while the old one sleeps.
  var usurpations: Double
  /// How often, in a hundred seconds, a process joins, or is drained.
  var joins: Double
  var drains: Double
  /// How often, in a hundred seconds, a person wants load to be even; and whether servers have weights.
  var rebalances: Double
  var isWeighed: Bool
  /// Whether others stand in for workers that are late: one may be very slow then.
  var isSpeculating: Bool
  /// How often, in a hundred seconds, the clock of one process, or of all, jumps ahead.
  var jumps: Double
  /// Whether whoever launched processes sees them die at once.
  var isWatched: Bool
  /// Seconds for which faults happen; after them the life must end soon.
  var faultSeconds: Double
  /// How much slower than the others one worker computes, and one server's disk writes.
  var slowWorker: Double
  var slowDisk: Double
  /// Shares of messages whose connection has no room, whose connection breaks and is made anew, and that come again long
  /// after.
  var congestion: Double
  var reconnection: Double
  var replay: Double
  /// How often, in a hundred seconds, somebody speaks who should not.
  var strangers: Double
  /// A step whose rows kill whoever computes them.
  var poison: UInt64?
  /// A step that kills whichever server applies it.
  var serverPoison: UInt64?
  /// Whether nothing is amiss but a network that now and then loses, repeats and delays messages: what asking again must
  /// bear, so that no view begins for want of an answer.
  var isMild: Bool

  init(seed: UInt64, scenarios: Int) {
    var random = Seeded(seed &* 0x2545_f491_4f6c_dd1d)
    self.seed = seed
    servers = 1 + random.below(random.happens(0.3) ? 5 : 3)
    workers = 1 + random.below(random.happens(0.3) ? 6 : 3)
    scenario = random.below(scenarios)
    loss = random.pick([0, 0.01, 0.05, 0.05, 0.1])
    duplication = random.pick([0, 0.05, 0.05, 0.2])
    lateness = random.pick([0, 0.05, 0.2])
    delay = random.pick([0.0005, 0.005, 0.05])
    cuts = random.pick([0, 20, 100])
    pauses = random.pick([0, 10, 50])
    faultSeconds = random.pick([1, 3, 10])
    slowWorker = random.pick([1, 1, 20])
    slowDisk = random.pick([1, 1, 50])
    congestion = random.pick([0, 0, 0.02])
    reconnection = random.pick([0, 0, 0.01])
    replay = random.pick([0, 0.005, 0.02])
    strangers = random.pick([0, 100, 400])
    replicas = servers > 1 ? random.below(2) : 0
    extraServers = random.pick([0, 0, 1, 2])
    extraWorkers = random.pick([0, 0, 1, 2])
    checkpointSteps = random.pick([0, 3, 7])
    crashes = random.pick([0, 20, 50, 150])
    coordinatorShare = random.pick([0, 0.2, 0.5])
    diskLoss = random.pick([0, 0, 0, 0.1])
    ambushes = random.pick([0, 0.05, 0.2])
    usurpations = random.pick([0, 0, 20])
    joins = random.pick([0, 30, 100])
    drains = random.pick([0, 0, 30])
    jumps = random.pick([0, 0, 20])
    isWatched = random.happens(0.6)
    poison = random.happens(0.01) ? 3 + UInt64(random.below(8)) : nil
    serverPoison = poison == nil && random.happens(0.01) ? 3 + UInt64(random.below(8)) : nil
    isMild = random.happens(0.15)
    rebalances = random.pick([0, 0, 50])
    isWeighed = random.happens(0.3)
    isSpeculating = random.happens(0.2) && !isMild
    diskFull = random.pick([0, 0, 0.02, 0.2])
    if isSpeculating { slowWorker = random.pick([1, 3000, 6000]) }
    if isMild { makeMild() }
  }

  private mutating func makeMild() {
    loss = min(loss, 0.01)
    (cuts, pauses, crashes, usurpations, jumps) = (0, 0, 0, 0, 0)
    (ambushes, diskLoss, diskFull) = (0, 0, 0)
    (poison, serverPoison) = (nil, nil)
  }

  /// The life in which nothing happens.
  static func undisturbed(servers: Int, workers: Int, scenario: Int, replicas: Int = 0) -> Options {
    var options = Options(seed: 0, scenarios: 1)
    options.servers = servers
    options.workers = workers
    options.scenario = scenario
    options.replicas = replicas
    options.delay = 0.001
    options.isWatched = true
    (options.extraServers, options.extraWorkers, options.checkpointSteps) = (0, 0, 0)
    (options.loss, options.duplication, options.lateness) = (0, 0, 0)
    (options.cuts, options.pauses, options.faultSeconds) = (0, 0, 0)
    (options.slowWorker, options.slowDisk) = (1, 1)
    (options.congestion, options.reconnection, options.replay, options.strangers) = (0, 0, 0, 0)
    options.diskFull = 0
    (options.crashes, options.diskLoss, options.usurpations, options.ambushes) = (0, 0, 0, 0)
    (options.joins, options.drains, options.jumps) = (0, 0, 0)
    (options.rebalances, options.isWeighed, options.isSpeculating) = (0, false, false)
    (options.poison, options.serverPoison, options.isMild) = (nil, nil, true)
    return options
  }

  var description: String {
    "seed \(seed): \(servers)+\(extraServers) servers, \(workers)+\(extraWorkers) workers, replicas \(replicas), "
      + "scenario \(scenario), checkpoints every \(checkpointSteps) steps, loss \(loss), duplication \(duplication), "
      + "lateness \(lateness), delay \(delay) s, congestion \(congestion), reconnection \(reconnection), replay \(replay), "
      + "cuts \(cuts), pauses \(pauses), crashes \(crashes) (coordinator \(coordinatorShare), disks \(diskLoss)), ambushes \(ambushes), "
      + "usurpations \(usurpations), joins \(joins), drains \(drains), rebalances \(rebalances)\(isWeighed ? " with weights" : ""), jumps \(jumps), strangers \(strangers) in 100 s, "
      + "\(isWatched ? "watched" : "unwatched"), "
      + "faults for \(faultSeconds) s, slow worker x\(slowWorker)\(isSpeculating ? ", stood in for" : ""), slow disk x\(slowDisk), full \(diskFull)"
      + (poison.map { ", poison at step \($0)" } ?? "")
      + (serverPoison.map { ", poison for servers at step \($0)" } ?? "")
  }
}
