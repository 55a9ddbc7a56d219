import ArgumentParser
import Job

/// The flags that say how parameters follow their gradients.
struct OptimizationOptions: ParsableArguments {
  @Option(help: "Passes over the training data. Default: 3.")
  var epochs: Int?

  @Option(help: "Rows of a global minibatch, over all workers. Default: 4096.")
  var batch: Int?

  @Option(help: "Pieces of a minibatch that are dealt over the workers. Default: 8.")
  var slices: Int?

  @Option(help: "Learning rate. Default: 0.001.")
  var lr: Double?

  @Option(
    help: ArgumentHelp(
      "\(OptimizerName.allCases.map(\.rawValue).joined(separator: ", ")). Default: adam; ftrl for the sparse part of lr."
    ), transform: named)
  var optimizer: OptimizerName?

  @Option(help: "Optimizer of the dense part, where it is another.", transform: named)
  var denseOptimizer: OptimizerName?

  @Option(
    help: "Of the learning rate after warming up: constant, exponential, or cosine to 0 at the end. Default: constant.",
    transform: named)
  var schedule: Schedule?

  @Option(help: "Steps in which the learning rate grows to its full value. Default: 0.")
  var warmUp: Int?

  @Option(help: "Exponential schedule: what the rate is multiplied by every --decay-steps steps. Default: 0.9.")
  var decayFactor: Double?

  @Option(help: "Exponential schedule: see --decay-factor. Default: 1000.")
  var decaySteps: Int?

  @Option(
    help: "How the learning rate grows with the number of workers: none, sqrt (the paper's) or linear. Default: none.",
    transform: named)
  var lrScaling: RateScaling?

  @Option(help: "L2 of the FM part, per row that a step touches. Default: 1e-5.")
  var l2: Double?

  @Option(help: "L2 of the dense part, added to every step's gradient. Default: 0.")
  var denseL2: Double?

  @Option(help: "AdamW's weight decay. Default: 0.01.")
  var weightDecay: Double?

  @Option(help: "Learning rate of FTRL, its authors' alpha. Default: 0.1.")
  var ftrlAlpha: Double?

  @Option(help: "FTRL's beta. Default: 0.01.")
  var ftrlBeta: Double?

  @Option(help: "FTRL's L1, which keeps weak weights at 0. Default: 0.")
  var l1: Double?

  @Option(help: "FTRL's own L2. Default: 0.")
  var ftrlL2: Double?

  @Option(help: "Longest norm of a slice's mean gradient. Default: 0, any.")
  var clip: Double?

  @Option(help: "Stop after so many epochs without a better validation logloss. Default: 0, never.")
  var patience: Int?

  @Option(help: "Seed of everything random. Default: 1.")
  var seed: UInt64?

  func override(_ job: inout JobConfiguration) {
    if let epochs { job.epochs = epochs }
    if let batch { job.batch = batch }
    if let slices { job.slices = slices }
    if let lr { job.learningRate = lr }
    if let optimizer { job.optimizer = optimizer }
    if let denseOptimizer { job.denseOptimizer = denseOptimizer }
    if let schedule { job.schedule = schedule }
    if let warmUp { job.warmUp = warmUp }
    if let decayFactor { job.decayFactor = decayFactor }
    if let decaySteps { job.decaySteps = decaySteps }
    if let lrScaling { job.rateScaling = lrScaling }
    if let l2 { job.l2 = l2 }
    if let denseL2 { job.denseL2 = denseL2 }
    if let weightDecay { job.weightDecay = weightDecay }
    if let ftrlAlpha { job.ftrlAlpha = ftrlAlpha }
    if let ftrlBeta { job.ftrlBeta = ftrlBeta }
    if let l1 { job.l1 = l1 }
    if let ftrlL2 { job.ftrlL2 = ftrlL2 }
    if let clip { job.clip = clip }
    if let patience { job.patience = patience }
    if let seed { job.seed = seed }
  }
}
