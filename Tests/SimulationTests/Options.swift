/// What kind of life a seed stands for: lives differ in kind, not only in luck.
struct Options: CustomStringConvertible {
  var seed: UInt64
  var servers: Int
  var workers: Int
  var scenario: Int
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
  }

  /// The life in which nothing happens.
  static func undisturbed(servers: Int, workers: Int, scenario: Int) -> Options {
    var options = Options(seed: 0, scenarios: 1)
    options.servers = servers
    options.workers = workers
    options.scenario = scenario
    options.loss = 0
    options.duplication = 0
    options.lateness = 0
    options.delay = 0.001
    options.cuts = 0
    options.pauses = 0
    options.faultSeconds = 0
    options.slowWorker = 1
    options.slowDisk = 1
    options.congestion = 0
    options.reconnection = 0
    options.replay = 0
    options.strangers = 0
    return options
  }

  var description: String {
    "seed \(seed): \(servers) servers, \(workers) workers, scenario \(scenario), loss \(loss), duplication \(duplication), "
      + "lateness \(lateness), delay \(delay) s, congestion \(congestion), reconnection \(reconnection), replay \(replay), "
      + "cuts \(cuts), pauses \(pauses), strangers \(strangers) in 100 s, "
      + "faults for \(faultSeconds) s, slow worker x\(slowWorker), slow disk x\(slowDisk)"
  }
}
