/// How parameters follow their gradients.
public struct OptimizationSettings: Codable, Sendable, Hashable {
  public var epochs = 3
  /// Rows of a global minibatch, over all workers.
  public var batch = 4096
  /// Pieces of a minibatch, the unit of averaging; part of what the result depends on.
  public var slices = 8
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
  public var ftrlL2 = 0.0
  /// FTRL's, which keeps weak weights at 0.
  public var l1 = 0.0
  /// Longest norm of a slice's mean gradient, over all its parameters; longer ones are scaled down. 0: none.
  public var clip = 0.0
  /// Epochs without a better validation logloss after which training stops; 0: never.
  public var patience = 0
  /// What the best epoch is best by: for `patience`, and of checkpoints that are kept.
  public var bestBy = BestBy.logloss
  /// Of everything random.
  public var seed: UInt64 = 1

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case epochs, batch, slices
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
    case ftrlL2 = "ftrl-l2"
    case l1, clip, patience, seed
    case bestBy = "best-by"
  }

  /// Rows of one slice of a full minibatch.
  public var sliceRows: Int { batch / slices }

  func validate() throws {
    try require(
      1...1_000_000 ~= epochs, CodingKeys.epochs, epochs,
      epochs < 1 ? "a run has at least 1 epoch" : "choose at most 1000000")
    try require(1...4096 ~= slices, CodingKeys.slices, slices, "choose 1 to 4096 slices")
    try require(
      batch >= slices, CodingKeys.batch, batch, "a minibatch has at least one row for each of its \(slices) slices")
    try require(batch <= 1 << 24, CodingKeys.batch, batch, "choose at most \(1 << 24) rows")
    try require(
      batch % slices == 0, CodingKeys.batch, batch, "choose a multiple of slices (\(slices)), so that slices are equal")
    for (key, value) in [
      (CodingKeys.learningRate, learningRate), (.ftrlAlpha, ftrlAlpha),
    ] {
      try require(value > 0 && value <= 1e6, key, value, "choose a number above 0, at most 1000000")
    }
    for (key, value) in [(CodingKeys.warmUp, warmUp), (.patience, patience)] {
      try require(0...1_000_000_000 ~= value, key, value, "choose 0 to 1000000000")
    }
    try require(1...1_000_000_000 ~= decaySteps, CodingKeys.decaySteps, decaySteps, "choose 1 to 1000000000")
    try require(
      decayFactor > 0 && decayFactor <= 1, CodingKeys.decayFactor, decayFactor, "choose a number above 0, at most 1")
    for (key, value) in [
      (CodingKeys.weightDecay, weightDecay), (.denseL2, denseL2), (.ftrlBeta, ftrlBeta), (.ftrlL2, ftrlL2), (.l1, l1),
    ] {
      try require(value >= 0 && value.isFinite, key, value, "choose 0 or more")
    }
    try require(clip >= 0 && clip.isFinite, CodingKeys.clip, clip, "choose a norm above 0, or 0 for none")
  }
}
