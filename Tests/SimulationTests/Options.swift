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
  /// How often a connection has no room, of a hundred messages.
  var congestion: Double

  init(seed: UInt64, scenarios: Int) {
    var random = Seeded(seed &* 0x2545_f491_4f6c_dd1d)
    self.seed = seed
    servers = 1 + random.below(random.happens(0.3) ? 5 : 3)
    workers = 1 + random.below(random.happens(0.3) ? 4 : 3)
    scenario = random.below(scenarios)
    loss = random.pick([0, 0.01, 0.05, 0.05, 0.1])
    duplication = random.pick([0, 0.05, 0.05, 0.2])
    lateness = random.pick([0, 0.05, 0.2])
    delay = random.pick([0.0005, 0.005, 0.05])
    cuts = random.pick([0, 20, 100])
    pauses = random.pick([0, 10, 50])
    faultSeconds = random.pick([2, 10, 60])
    slowWorker = random.pick([1, 1, 20])
    slowDisk = random.pick([1, 1, 50])
    congestion = random.pick([0, 0, 2])
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
    return options
  }

  var description: String {
    "seed \(seed): \(servers) servers, \(workers) workers, scenario \(scenario), loss \(loss), duplication \(duplication), "
      + "lateness \(lateness), delay \(delay) s, cuts \(cuts), pauses \(pauses) in 100 s, congestion \(congestion) %, "
      + "faults for \(faultSeconds) s, slow worker x\(slowWorker), slow disk x\(slowDisk)"
  }
}
