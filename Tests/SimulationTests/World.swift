import Checkpoint
import Coordinator
import DeepFM
import Features
import Foundation
import Job
import Sharding
import Wire

/// What is trained in a life: a tiny model, real rows of a real file, read once and encoded once. Shared by all lives of a
/// scenario, as is the reference that they are held against.
final class World {
  let scenario: Int
  let name: String
  /// The stages' settings.
  let plans: [Settings]
  /// One after the other, on the same processes.
  let undertakings: [Undertaking]
  let index: DatasetIndex
  let evaluation: DatasetIndex
  /// By slice, epoch and step.
  private var batches: [[[Batch]]] = []
  /// By slice, its evaluation blocks.
  private(set) var blocks: [[Block]] = []
  /// Every rank of the sparse table that any row has.
  private(set) var ranks: [UInt64] = []
  /// By plan, those of the dense table.
  var denseRanks: [[UInt64]] = []
  /// What the undisturbed life of one server and one worker comes to.
  var reference: Reference!

  struct Block {
    var chunk: Int
    var firstRow: Int
    var batch: Batch
  }

  static let names = [
    "deepfm-d, evicting by score", "fm, admission, evicting the unseen", "lr, seven slices, surveyed",
    "fnn, two stages", "deepfm-d, lag 1, evicting the short", "fm, admission, lag 3, evicting the unseen",
    "lr, seven slices, async", "fm, async beside a sync dense part",
  ]

  /// - Parameter directory: where the scenario's files go.
  init(scenario: Int, directory: String) throws {
    self.scenario = scenario
    name = Self.names[scenario]
    var settings = Settings()
    settings.optimization.epochs = 2
    settings.optimization.slices = 6
    settings.optimization.batch = 12
    settings.optimization.seed = 5
    settings.model.embedding = 2
    settings.model.hidden = [4]
    settings.model.keep = 0.8
    var stages = [settings]
    switch scenario {
    case 0:
      stages[0].data.evict = .score(below: 0.6)
      stages[0].data.evictEvery = 5
    case 1, 5:
      stages[0].data.evict = .unseen(epochs: 0.3)
      stages[0].data.evictEvery = 3
      stages[0].model.model = .fm
      stages[0].data.admitAfter = 3
      stages[0].optimization.optimizer = .sgd
      if scenario == 5 { stages[0].cluster.consistency = .lag(3) }
    case 4:
      stages[0].cluster.consistency = .lag(1)
      stages[0].data.evict = .norm(below: 0.03)
    case 2, 6:
      stages[0].model.model = .lr
      stages[0].optimization.slices = 7
      stages[0].optimization.batch = 14
      if scenario == 6 { Self.makeAsync(&stages[0]) }
    case 7:
      stages[0].model.model = .fm
      Self.makeAsync(&stages[0])
      stages[0].cluster.denseConsistency = .sync
    case 3:
      stages[0].model.model = .fm
      stages[0].optimization.epochs = 1
      stages.append(settings)
      stages[1].model.model = .fnn
      stages[1].optimization.epochs = 2
    default: break
    }
    plans = stages
    undertakings = (scenario == 2 ? [.survey] : []) + stages.indices.map { .train($0) }
    let train = "\(directory)/train-\(scenario).libfm"
    let valid = "\(directory)/valid-\(scenario).libfm"
    try Self.write(rows: 140, seed: 11, to: train)
    try Self.write(rows: 48, seed: 12, to: valid)
    let schema = try Schema.named("libfm")
    let reading = ReadingOptions(spool: directory, chunkBytes: 90, threads: 1)
    index = try DatasetIndex.build([train], schema: schema, reading)
    evaluation = try DatasetIndex.build([valid], encoding: index.encoding, reading)
    try read()
  }

  /// Steps so small that the order in which slices are applied hardly shows: what is read is next to what it would have been.
  private static func makeAsync(_ settings: inout Settings) {
    settings.cluster.consistency = .async
    settings.optimization.optimizer = .sgd
    settings.optimization.learningRate = 3e-5
  }

  private static func write(rows: Int, seed: UInt64, to path: String) throws {
    var random = Seeded(seed)
    var text = ""
    for _ in 0..<rows {
      let (a, b, c) = (random.below(9), 10 + random.below(5), 20 + random.below(30))
      text += "\(random.happens(a % 2 == 0 ? 0.7 : 0.2) ? 1 : 0) \(a):1 \(b):1 \(c):1\n"
    }
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private var slices: Int { plans[0].optimization.slices }
  private var sliceRows: Int { plans[0].optimization.sliceRows }

  private func read() throws {
    let threads = ReaderThreads(index.encoding, count: 0)
    let partitions = Partition.deal(index, slices: slices, seed: plans[0].optimization.seed)
    let steps = partitions.stepsPerEpoch(sliceRows: sliceRows)
    var keys = Set(index.encoding.otherKeys)
    batches = try partitions.map { partition in
      try (1...2).map { epoch in
        var reader = PartitionReader(
          partition, sliceRows: sliceRows, seed: plans[0].optimization.seed, epoch: epoch, threads: threads)
        return try (0..<steps).map { step in
          var batch = Batch(fields: index.fields)
          try reader.read(step: step, into: &batch)
          keys.formUnion(batch.keys)
          return batch
        }
      }
    }
    let reader = ChunkReader(index.encoding)
    blocks = try Partition.deal(evaluation, slices: slices, seed: nil).map { partition in
      try zip(partition.numbers, partition.chunks).map { number, chunk in
        var batch = Batch(fields: index.fields)
        try reader.read(chunk, of: partition.files[chunk.file], into: &batch)
        keys.formUnion(batch.keys)
        return Block(chunk: number, firstRow: 0, batch: batch)
      }
    }
    ranks = keys.map { Rank.of($0) }.sorted()
  }

  var epochSteps: UInt64 { UInt64(batches[0][0].count) }

  func batch(slice: Int, epoch: Int, step: Int) -> Batch { batches[slice][epoch - 1][step] }

  var lag: Int { plans[0].cluster.lag }

  /// Steps that servers may be apart: what an undo log reaches; where there is none, what a worker has under way.
  var apart: UInt64 { lag == 0 && plans[0].cluster.consistency == .async ? 8 : UInt64(2 * lag + 2) }

  /// How far a parameter may be from the reference's: not at all; in an async world a tenth of what one row of data adds to
  /// it, so that a slice which is missing, or counts twice, shows.
  var tolerance: Float {
    let optimization = plans[0].optimization
    return plans[0].cluster.isExact ? 0 : Float(optimization.learningRate * 0.5 / Double(optimization.batch)) / 10
  }

  func isAsync(_ table: Int) -> Bool { plans[0].cluster.staleness[table] == nil }

  func isSame(_ value: Float, as wanted: Float) -> Bool {
    value.bitPattern == wanted.bitPattern || abs(value - wanted) < tolerance
  }

  /// What a coordinator that takes over goes on with.
  func nextUndertaking(_ catalogue: SimulatedCatalogue) -> Int {
    undertakings.indices.first { number in
      switch undertakings[number] {
      case .survey: catalogue.begun.isEmpty
      case .train(let stage):
        stage == plans.count - 1
          || catalogue.history.lastCheckpoint(ofStage: stage)?.step ?? 0
            < UInt64(plans[stage].optimization.epochs) * epochSteps
      }
    } ?? 0
  }

  /// The plan of an undertaking.
  func plan(_ number: Int, _ options: Options, _ history: RunHistory) throws -> Plan {
    guard case .train(let stage) = undertakings[number] else {
      let order = SurveyOrder(train: [], valid: [], schema: try Schema.named("libfm"), badRows: .fail)
      return try Plan(.survey(order), settings: plans[0], gatherSeconds: 1e6)
    }
    var settings = plans[stage]
    settings.cluster.servers = max(2, options.servers)
    settings.cluster.workers = options.workers
    settings.cluster.replicas = options.replicas
    if options.checkpointSteps > 0 { settings.cluster.checkpointEvery = .steps(options.checkpointSteps) }
    var start = ModelPlan.Start()
    if stage > 0, let last = history.lastCheckpoint(ofStage: stage - 1) {
      start.restore = .init(
        run: Life.run, chain: history.checkpoints.chain(of: last).map(\.files), onlyParametersOf: [0])
    }
    let model = try ModelPlan(
      settings: settings, model: settings.modelConfiguration(fields: index.fields), train: index,
      evaluation: evaluation, start: start)
    return try Plan(.train(model, shards: "shards"), stage: stage, settings: settings, gatherSeconds: 1e6)
  }
}

/// What a run's coordinator has to do.
enum Undertaking {
  case survey
  /// A stage of the world's plans.
  case train(Int)
}

/// What every life of a scenario must come to, to the bit.
struct Reference {
  /// By undertaking.
  var results: [RunResult?] = []
  private var states: [Key: [Float]] = [:]

  struct Key: Hashable {
    var stage: Int
    var table: Int
    var clock: UInt64
    var isScoring: Bool
  }

  mutating func keep(_ values: [Float], _ key: Key) { states[key] = values }

  /// `[ranks x width]`, by the world's ranks of a table; nil for a state that there never is.
  func state(_ key: Key) -> [Float]? { states[key] }
}
