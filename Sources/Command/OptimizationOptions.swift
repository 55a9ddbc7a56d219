import ArgumentParser
import Job

/// The flags that say how parameters follow their gradients.
struct OptimizationOptions: ParsableArguments {
  @Option(help: .init("Passes over the training data.", default: \.optimization.epochs))
  var epochs: Int?

  @Option(help: .init("Rows of a global minibatch, over all workers.", default: \.optimization.batch))
  var batch: Int?

  @Option(help: .init("Pieces of a minibatch that are dealt over the workers.", default: \.optimization.slices))
  var slices: Int?

  @Option(help: .init("Learning rate.", default: \.optimization.learningRate))
  var lr: Double?

  @Option(
    help: ArgumentHelp(
      "\(names(OptimizerName.self)). Default: adam; ftrl for the sparse part of lr."
    ), transform: named)
  var optimizer: OptimizerName?

  @Option(help: "Optimizer of the dense part, where it is another.", transform: named)
  var denseOptimizer: OptimizerName?

  @Option(
    help: .init(
      "Of the learning rate after warming up: constant, exponential, or cosine to 0 at the end.",
      default: \.optimization.schedule),
    transform: named)
  var schedule: Schedule?

  @Option(help: .init("Steps in which the learning rate grows to its full value.", default: \.optimization.warmUp))
  var warmUp: Int?

  @Option(
    help: .init(
      "Exponential schedule: what the rate is multiplied by every --decay-steps steps.",
      default: \.optimization.decayFactor))
  var decayFactor: Double?

  @Option(help: .init("Exponential schedule: see --decay-factor.", default: \.optimization.decaySteps))
  var decaySteps: Int?

  @Option(
    help: .init(
      "How the learning rate grows with the number of workers: none, sqrt (the paper's) or linear.",
      default: \.optimization.rateScaling),
    transform: named)
  var lrScaling: RateScaling?

  @Option(help: .init("L2 of the dense part, added to every step's gradient.", default: \.optimization.denseL2))
  var denseL2: Double?

  @Option(help: .init("AdamW's weight decay.", default: \.optimization.weightDecay))
  var weightDecay: Double?

  @Option(help: .init("Learning rate of FTRL, its authors' alpha.", default: \.optimization.ftrlAlpha))
  var ftrlAlpha: Double?

  @Option(help: .init("FTRL's beta.", default: \.optimization.ftrlBeta))
  var ftrlBeta: Double?

  @Option(help: .init("FTRL's L1, which keeps weak weights at 0.", default: \.optimization.l1))
  var l1: Double?

  @Option(help: .init("FTRL's own L2.", default: \.optimization.ftrlL2))
  var ftrlL2: Double?

  @Option(help: .init("Longest norm of a slice's mean gradient.", default: \.optimization.clip, "any"))
  var clip: Double?

  @Option(
    help: .init(
      "Stop after so many epochs without a better one on the validation data.", default: \.optimization.patience,
      "never"))
  var patience: Int?

  @Option(
    help: .init(
      "What the best epoch is best by, for --patience and of the checkpoints that are kept: logloss or auc.",
      default: \.optimization.bestBy),
    transform: named)
  var bestBy: BestBy?

  @Option(help: .init("Seed of everything random.", default: \.optimization.seed))
  var seed: UInt64?

  func override(_ settings: inout OptimizationSettings) {
    if let epochs { settings.epochs = epochs }
    if let batch { settings.batch = batch }
    if let slices { settings.slices = slices }
    if let lr { settings.learningRate = lr }
    if let optimizer { settings.optimizer = optimizer }
    if let denseOptimizer { settings.denseOptimizer = denseOptimizer }
    if let schedule { settings.schedule = schedule }
    if let warmUp { settings.warmUp = warmUp }
    if let decayFactor { settings.decayFactor = decayFactor }
    if let decaySteps { settings.decaySteps = decaySteps }
    if let lrScaling { settings.rateScaling = lrScaling }
    if let denseL2 { settings.denseL2 = denseL2 }
    if let weightDecay { settings.weightDecay = weightDecay }
    if let ftrlAlpha { settings.ftrlAlpha = ftrlAlpha }
    if let ftrlBeta { settings.ftrlBeta = ftrlBeta }
    if let l1 { settings.l1 = l1 }
    if let ftrlL2 { settings.ftrlL2 = ftrlL2 }
    if let clip { settings.clip = clip }
    if let patience { settings.patience = patience }
    if let bestBy { settings.bestBy = bestBy }
    if let seed { settings.seed = seed }
  }
}
