import DeepFM
import Features

/// Everything that decides what a run computes, and where: the configuration file's keys with their defaults.
public struct JobConfiguration: Codable, Sendable, Hashable {
  public var train: [String] = []
  public var valid: [String] = []
  /// What the data's columns mean: a preset's name or a file; nil: the preset of the format's name.
  public var schema: String?
  /// How rows are written; nil: as the schema says.
  public var format: DataFormat?
  /// Between columns; nil: as the schema says.
  public var separator: String?
  /// The vocabulary beyond which values share a key; nil: all values have keys of their own.
  public var vocabulary: String?
  /// Sightings after which a key gets a row of its own; until then it shares its field's out-of-vocabulary row.
  public var admitAfter = 1
  public var badRows = BadRows.fail
  /// With `badRows: skip`, the most that are skipped.
  public var maxBadRows = 1000
  /// Pack the training data in the run directory first, so that they are parsed once.
  public var cache = false
  public var data = DataPlacement.shared
  public var model = ModelName.deepFMD
  public var epochs = 3
  /// Rows of a global minibatch, over all workers.
  public var batch = 4096
  /// Pieces of a minibatch, the unit of averaging; part of what the result depends on.
  public var slices = 8
  /// k, the width of a latent vector.
  public var embedding = 10
  public var hidden = [400, 400, 400]
  public var activation = Activation.relu
  /// The probability that a neuron is kept.
  public var keep = 0.5
  /// Of the FM part's weights and latent vectors, per row touched by a step.
  public var l2 = 1e-5
  /// Of the hidden layers' weights.
  public var initialization = WeightInitialization.auto
  /// Standard deviation of latent vectors at the start.
  public var embeddingDeviation = 0.01
  /// Longest norm of a slice's mean gradient, over all its parameters; longer ones are scaled down. 0: none.
  public var clip = 0.0
  public var learningRate = 0.001
  /// Of both parts, where `denseOptimizer` names no other; nil: the model's own choice.
  public var optimizer: OptimizerName?
  public var denseOptimizer: OptimizerName?
  public var schedule = Schedule.constant
  /// Steps in which the learning rate grows to its full value.
  public var warmUp = 0
  public var decayFactor = 0.9
  public var decaySteps = 1000
  public var rateScaling = RateScaling.none
  /// AdamW's, of the dense part.
  public var weightDecay = 0.01
  /// L2 of the dense part, added to every step's gradient.
  public var denseL2 = 0.0
  /// FTRL's own constants (McMahan et al. 2013). Its authors' beta of 1 is for gradients of single samples; ours are
  /// averages over a minibatch, and smaller.
  public var ftrlAlpha = 0.1
  public var ftrlBeta = 0.01
  public var l1 = 0.0
  public var ftrlL2 = 0.0
  /// Epochs without a better validation logloss after which training stops; 0: never.
  public var patience = 0
  public var seed: UInt64 = 1
  public var servers = 2
  public var workers = 2
  /// Compute threads of a worker; 0 shares this machine's cores among its workers.
  public var threads = 0
  public var consistency = Consistency.sync
  /// Threads of a worker that read and encode.
  public var readers = 1
  /// Read and compute in turn, for comparison with asynchronous reading.
  public var syncReading = false
  /// Seconds of silence after which a process counts as dead.
  public var timeout = 20.0
  public var runDirectory: String?

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case train, valid, schema, format, separator
    case vocabulary = "vocab"
    case admitAfter = "admit-after"
    case badRows = "bad-rows"
    case maxBadRows = "max-bad-rows"
    case cache, data
    case model, epochs, batch, slices, embedding, hidden, activation, keep, l2
    case initialization
    case embeddingDeviation = "embedding-deviation"
    case clip
    case learningRate = "lr"
    case optimizer
    case denseOptimizer = "dense-optimizer"
    case schedule
    case warmUp = "warm-up"
    case decayFactor = "decay-factor"
    case decaySteps = "decay-steps"
    case rateScaling = "lr-scaling"
    case weightDecay = "weight-decay"
    case denseL2 = "dense-l2"
    case ftrlAlpha = "ftrl-alpha"
    case ftrlBeta = "ftrl-beta"
    case l1
    case ftrlL2 = "ftrl-l2"
    case patience
    case seed, servers, workers, threads, readers, consistency
    case syncReading = "sync-reading"
    case timeout
    case runDirectory = "run-dir"
  }

  public init(from decoder: any Decoder) throws {
    self.init()
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, into property: WritableKeyPath<Self, Value>) throws {
      if let value = try values.decodeIfPresent(Value.self, forKey: key) { self[keyPath: property] = value }
    }
    try read(.train, into: \.train)
    try read(.valid, into: \.valid)
    schema = try values.decodeIfPresent(String.self, forKey: .schema)
    format = try values.decodeIfPresent(DataFormat.self, forKey: .format)
    separator = try values.decodeIfPresent(String.self, forKey: .separator)
    vocabulary = try values.decodeIfPresent(String.self, forKey: .vocabulary)
    try read(.admitAfter, into: \.admitAfter)
    try read(.badRows, into: \.badRows)
    try read(.maxBadRows, into: \.maxBadRows)
    try read(.cache, into: \.cache)
    try read(.data, into: \.data)
    try read(.model, into: \.model)
    try read(.epochs, into: \.epochs)
    try read(.batch, into: \.batch)
    try read(.slices, into: \.slices)
    try read(.embedding, into: \.embedding)
    try read(.hidden, into: \.hidden)
    try read(.activation, into: \.activation)
    try read(.keep, into: \.keep)
    try read(.l2, into: \.l2)
    try read(.initialization, into: \.initialization)
    try read(.embeddingDeviation, into: \.embeddingDeviation)
    try read(.clip, into: \.clip)
    try read(.learningRate, into: \.learningRate)
    optimizer = try values.decodeIfPresent(OptimizerName.self, forKey: .optimizer)
    denseOptimizer = try values.decodeIfPresent(OptimizerName.self, forKey: .denseOptimizer)
    try read(.schedule, into: \.schedule)
    try read(.warmUp, into: \.warmUp)
    try read(.decayFactor, into: \.decayFactor)
    try read(.decaySteps, into: \.decaySteps)
    try read(.rateScaling, into: \.rateScaling)
    try read(.weightDecay, into: \.weightDecay)
    try read(.denseL2, into: \.denseL2)
    try read(.ftrlAlpha, into: \.ftrlAlpha)
    try read(.ftrlBeta, into: \.ftrlBeta)
    try read(.l1, into: \.l1)
    try read(.ftrlL2, into: \.ftrlL2)
    try read(.patience, into: \.patience)
    try read(.seed, into: \.seed)
    try read(.servers, into: \.servers)
    try read(.workers, into: \.workers)
    try read(.threads, into: \.threads)
    try read(.readers, into: \.readers)
    try read(.consistency, into: \.consistency)
    try read(.syncReading, into: \.syncReading)
    try read(.timeout, into: \.timeout)
    runDirectory = try values.decodeIfPresent(String.self, forKey: .runDirectory)
  }

  /// Rows of one slice of a full minibatch.
  public var sliceRows: Int { batch / slices }

  /// The model for data of `fields` fields.
  public func modelConfiguration(fields: Int) -> ModelConfiguration {
    ModelConfiguration(
      model: model, fields: fields, embedding: embedding, hidden: hidden, activation: activation, keep: keep, l2: l2,
      initialization: initialization, embeddingDeviation: embeddingDeviation)
  }

  /// Refuses what cannot run, naming the key and the way out.
  public func validate() throws {
    func require(_ condition: Bool, _ key: CodingKeys, _ value: Any, _ reason: String) throws {
      if !condition { throw ConfigurationError.invalid(key: key.rawValue, value: "\(value)", reason: reason) }
    }
    try require(epochs >= 1, .epochs, epochs, "a run has at least 1 epoch")
    try require(1...4096 ~= slices, .slices, slices, "choose 1 to 4096 slices")
    try require(batch >= slices, .batch, batch, "a minibatch has at least one row for each of its \(slices) slices")
    try require(batch % slices == 0, .batch, batch, "choose a multiple of slices (\(slices)), so that slices are equal")
    try require(1...1024 ~= embedding, .embedding, embedding, "choose 1 to 1024")
    try require(hidden.allSatisfy { $0 >= 1 }, .hidden, hidden, "every layer has at least 1 neuron")
    try require(keep > 0 && keep <= 1, .keep, keep, "the probability that a neuron is kept is above 0 and at most 1")
    try require(l2 >= 0 && l2.isFinite, .l2, l2, "choose 0 or more")
    try require(clip >= 0 && clip.isFinite, .clip, clip, "choose a norm above 0, or 0 for none")
    try require(embeddingDeviation >= 0, .embeddingDeviation, embeddingDeviation, "choose 0 or more")
    try require(warmUp >= 0, .warmUp, warmUp, "choose 0 steps or more")
    try require(decayFactor > 0 && decayFactor <= 1, .decayFactor, decayFactor, "choose a number above 0, at most 1")
    try require(decaySteps >= 1, .decaySteps, decaySteps, "choose 1 step or more")
    try require(weightDecay >= 0, .weightDecay, weightDecay, "choose 0 or more")
    try require(denseL2 >= 0, .denseL2, denseL2, "choose 0 or more")
    try require(ftrlAlpha > 0, .ftrlAlpha, ftrlAlpha, "choose a number above 0")
    try require(ftrlBeta >= 0, .ftrlBeta, ftrlBeta, "choose 0 or more")
    try require(l1 >= 0, .l1, l1, "choose 0 or more")
    try require(ftrlL2 >= 0, .ftrlL2, ftrlL2, "choose 0 or more")
    try require(patience >= 0, .patience, patience, "choose 1 epoch or more, or 0 to train all epochs")
    try require(
      patience == 0 || !valid.isEmpty, .patience, patience,
      "early stopping needs data to evaluate on: name it with valid")
    try require(learningRate > 0 && learningRate.isFinite, .learningRate, learningRate, "choose a number above 0")
    try require(1...1024 ~= servers, .servers, servers, "choose 1 to 1024")
    try require(
      1...slices ~= workers, .workers, workers, "every worker needs a slice: at most \(slices), or raise slices")
    try require(
      1...1 << 20 ~= admitAfter, .admitAfter, admitAfter, "choose 1 sighting, to admit every key, to \(1 << 20)")
    try require(maxBadRows >= 0, .maxBadRows, maxBadRows, "choose 0 or more")
    try require(
      !cache || data == .shared, .cache, cache, "workers with data of their own pack them with `deepfm pack`")
    try require(1...64 ~= readers, .readers, readers, "choose 1 to 64")
    try require(threads >= 0, .threads, threads, "choose 1 or more, or 0 to share the machine's cores")
    try require(timeout >= 1, .timeout, timeout, "choose at least 1 second")
  }
}

/// How far workers' clocks may drift (DESIGN.md, promise 2).
public enum Consistency: String, Codable, Sendable, CaseIterable {
  /// Staleness 0, gradients averaged over the global minibatch: the paper's scheme (section III-B.2).
  case sync
}

/// A configuration that cannot be used: a usage error.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
  case invalid(key: String, value: String, reason: String)
  case unknownKey(file: String, key: String, nearest: String)
  case unreadable(file: String, reason: String)

  public var description: String {
    switch self {
    case .invalid(let key, let value, let reason): "\(key): \(value) cannot be used: \(reason)."
    case .unknownKey(let file, let key, let nearest):
      "\(file): unknown key \"\(key)\". Did you mean \"\(nearest)\"?"
    case .unreadable(let file, let reason): "\(file): \(reason)."
    }
  }
}
