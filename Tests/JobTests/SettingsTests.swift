import DeepFM
import Foundation
import Testing

@testable import Job

struct SettingsTests {
  private static func refusal(_ change: (inout Settings) -> Void) -> String? {
    var settings = Settings()
    change(&settings)
    return #expect(throws: ConfigurationError.self) { try settings.validate() }?.description
  }

  @Test("What cannot run is refused with the key, the value and the way out")
  func validation() throws {
    try Settings().validate()
    #expect(Self.refusal { $0.optimization.epochs = 0 } == "epochs: 0 cannot be used: a run has at least 1 epoch.")
    #expect(Self.refusal { $0.optimization.batch = 4095 }?.hasPrefix("batch: 4095") == true)
    #expect(Self.refusal { $0.optimization.batch = 4 }?.hasPrefix("batch: 4") == true)
    #expect(Self.refusal { $0.cluster.workers = 9 }?.contains("every worker needs a slice") == true)
    #expect(Self.refusal { $0.model.keep = 0 }?.hasPrefix("keep: 0.0") == true)
    #expect(Self.refusal { $0.model.keep = 1.1 } != nil)
    #expect(Self.refusal { $0.optimization.learningRate = .nan } != nil)
    #expect(Self.refusal { $0.model.l2 = -1 } != nil)
    #expect(Self.refusal { $0.model.hidden = [4, 0] } != nil)
    #expect(Self.refusal { $0.cluster.servers = 0 } != nil)
    #expect(Self.refusal { ($0.cluster.servers, $0.cluster.replicas) = (1, 1) }?.contains("raise servers to 2") == true)
    #expect(Self.refusal { $0.optimization.patience = 1 }?.contains("name it with valid") == true)
    #expect(Self.refusal { ($0.data.cache, $0.data.placement) = (true, .local) }?.hasPrefix("cache") == true)
  }

  /// Numbers that no run could count, wait for or hold.
  private static let absurd: [(key: String, change: @Sendable (inout Settings) -> Void)] = [
    ("epochs", { $0.optimization.epochs = 1_000_001 }), ("epochs", { $0.optimization.epochs = .max }),
    ("batch", { $0.optimization.batch = 1 << 25 }), ("batch", { $0.optimization.batch = .max - 7 }),
    ("slices", { $0.optimization.slices = .max }), ("embedding", { $0.model.embedding = .max }),
    ("hidden", { $0.model.hidden = [65_537] }), ("hidden", { $0.model.hidden = Array(repeating: 1, count: 65) }),
    ("embedding-deviation", { $0.model.embeddingDeviation = .infinity }), ("l2", { $0.model.l2 = .infinity }),
    ("lr", { $0.optimization.learningRate = 1e7 }), ("lr", { $0.optimization.learningRate = .infinity }),
    ("ftrl-alpha", { $0.optimization.ftrlAlpha = .infinity }), ("ftrl-beta", { $0.optimization.ftrlBeta = .nan }),
    ("weight-decay", { $0.optimization.weightDecay = .infinity }), ("clip", { $0.optimization.clip = .nan }),
    ("decay-factor", { $0.optimization.decayFactor = .nan }), ("decay-steps", { $0.optimization.decaySteps = .max }),
    ("warm-up", { $0.optimization.warmUp = .max }), ("patience", { $0.optimization.patience = .max }),
    ("timeout", { $0.cluster.timeout = .nan }), ("timeout", { $0.cluster.timeout = .infinity }),
    ("timeout", { $0.cluster.timeout = 1e30 }), ("timeout", { $0.cluster.timeout = 0 }),
    ("coordinator-timeout", { $0.cluster.coordinatorTimeout = .nan }),
    ("keep-checkpoints", { $0.cluster.keepCheckpoints = 0 }),
    (
      "speculate",
      {
        $0.cluster.speculate = true
        $0.cluster.consistency = .async
      }
    ), ("wait-for-data", { $0.cluster.waitForData = -1 }), ("wait-for-data", { $0.cluster.waitForData = .infinity }),
    ("max-workers", { $0.cluster.mostWorkers = 1 }), ("max-workers", { $0.cluster.mostWorkers = .max }),
    ("replicas", { $0.cluster.replicas = 2 }), ("replicas", { $0.cluster.replicas = -1 }),
    ("threads", { $0.cluster.threads = 1025 }), ("workers", { $0.cluster.workers = .max }),
    ("max-bad-rows", { $0.data.maxBadRows = .max }), ("readers", { $0.data.readers = .max }),
    ("admit-after", { $0.data.admitAfter = .max }), ("evict-every", { $0.data.evictEvery = 0 }),
    ("negative-rate", { $0.data.negativeRate = 0 }), ("negative-rate", { $0.data.negativeRate = 1.5 }),
    (
      "evict",
      {
        $0.data.evict = .score(below: 1)
        $0.cluster.consistency = .async
      }
    ),
  ]

  @Test("Absurd numbers are refused in one line", arguments: absurd.indices)
  func absurdNumbers(number: Int) {
    let (key, change) = Self.absurd[number]
    let sentence = Self.refusal(change)
    #expect(sentence?.hasPrefix("\(key): ") == true && sentence?.contains("choose") == true, "\(sentence ?? "")")
  }

  @Test("The largest numbers that are allowed, and any seed")
  func largest() throws {
    var settings = Settings()
    settings.optimization.epochs = 1_000_000
    settings.optimization.batch = 1
    settings.optimization.slices = 1
    settings.cluster.workers = 1
    settings.optimization.seed = .max
    try settings.validate()
  }

  @Test("Sections have no key in common, and a model's defaults are the library's")
  func sections() {
    #expect(Set(Settings.keys).count == Settings.keys.count)
    #expect(Settings().modelConfiguration(fields: 3) == ModelConfiguration(fields: 3))
  }

  @Test(
    "A schedule of checkpoints is written as it is read",
    arguments: ["epoch", "1000steps", "90s", "5m", "2h", "1.5s", "5m,1000steps", "1000steps,epoch,2h"])
  func schedules(text: String) throws {
    let schedule = try CheckpointSchedule(named: text)
    #expect(try CheckpointSchedule(named: schedule.description) == schedule)
  }

  @Test(
    "What is no schedule is refused",
    arguments: [
      "", "steps", "0steps", "-1steps", "1.5steps", "s", "0s", "-1m", "nans", "infh", "1e300h", "5", "5d", "5 m",
      "5m,6m", "1steps,2steps", "5m,", ",",
    ])
  func noSchedules(text: String) {
    #expect(throws: (any Error).self) { try CheckpointSchedule(named: text) }
  }

  @Test(
    "Amounts of memory are written as they are read",
    arguments: [("4g", 4 << 30), ("1.5T", 3 << 39), ("1000", 1000), ("512M", 512 << 20)])
  func memory(text: String, bytes: Int) throws {
    let amount = try ByteCount(named: text)
    #expect(amount.bytes == bytes)
    #expect(try JSONDecoder().decode([ByteCount].self, from: JSONEncoder().encode([amount])) == [amount])
    for wrong in ["", "g", "-1g", "0", "nan", "4gb", "1e30"] {
      #expect(throws: (any Error).self) { try ByteCount(named: wrong) }
    }
  }

  @Test("Consistency is written as it is read, and lags are bounded", arguments: ["sync", "lag:1", "lag:64", "async"])
  func consistency(text: String) throws {
    #expect(try Consistency(named: text).description == text)
    for wrong in ["lag:0", "lag:65", "lag:-1", "lag:", "lag:1.5", "Sync", "async:1", ""] {
      #expect(throws: (any Error).self) { try Consistency(named: wrong) }
    }
  }

  @Test("The dense part keeps together as the sparse one does, unless it is told otherwise")
  func denseConsistency() throws {
    var settings = ClusterSettings()
    settings.consistency = .lag(3)
    #expect(settings.staleness == [3, 3] && settings.lag == 3 && settings.isExact)
    settings.denseConsistency = .sync
    #expect(settings.staleness == [3, 0] && settings.lag == 3 && settings.isExact)
    settings.consistency = .async
    #expect(settings.staleness == [nil, 0] && settings.lag == 0 && !settings.isExact)
    settings.denseConsistency = nil
    #expect(settings.staleness == [nil, nil] && settings.lag == 0)
  }
}
