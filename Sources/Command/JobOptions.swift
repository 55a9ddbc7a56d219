import ArgumentParser
import DeepFM
import Features
import Job

/// The flags that say what to train. Each overrides its key in the configuration file.
struct JobOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A YAML file with the keys named like these flags.", valueName: "file"))
  var config: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Training data: text (plain, gzip or zstd) or packed; files, directories, patterns, or - for standard input.",
      valueName: "file"))
  var train: [String] = []

  @Option(parsing: .upToNextOption, help: ArgumentHelp("Data to evaluate on after each epoch.", valueName: "file"))
  var valid: [String] = []

  @OptionGroup(title: "Data") var data: DataOptions

  @Option(
    help: ArgumentHelp(
      "A vocabulary of `deepfm vocab build`; values that it lacks share their field's out-of-vocabulary feature.",
      valueName: "file"))
  var vocab: String?

  @Option(
    help:
      "Sightings after which a feature gets a row of its own; until then it shares its field's out-of-vocabulary row. Default: 1."
  )
  var admitAfter: Int?

  @Flag(help: "Pack the training data in the run directory first, so that they are parsed once.")
  var cache = false

  @Option(
    name: .customLong("data"),
    help:
      "shared: all processes read the data under the same paths. local: each worker reads the files that it was started with. Default: shared.",
    transform: named)
  var placement: DataPlacement?

  @Option(
    help: ArgumentHelp("\(ModelName.allCases.map(\.rawValue).joined(separator: ", ")). Default: deepfm-d."),
    transform: named)
  var model: ModelName?

  @Option(help: "Passes over the training data. Default: 3.")
  var epochs: Int?

  @Option(help: "Rows of a global minibatch, over all workers. Default: 4096.")
  var batch: Int?

  @Option(help: "Pieces of a minibatch that are dealt over the workers. Default: 8.")
  var slices: Int?

  @Option(help: "Width k of a latent vector. Default: 10.")
  var embedding: Int?

  @Option(help: ArgumentHelp("Neurons of the hidden layers. Default: 400,400,400.", valueName: "n,n,..."))
  var hidden: LayerWidths?

  @Option(help: "relu, tanh or sigmoid. Default: relu.", transform: named)
  var activation: Activation?

  @Option(help: "Probability that a neuron is KEPT by dropout. Default: 0.5.")
  var keep: Double?

  @Option(help: "L2 of the FM part, per row that a step touches. Default: 1e-5.")
  var l2: Double?

  @Option(
    help:
      "Start of the hidden layers' weights: xavier, he, normal, or auto, which is he for relu, else xavier. Default: auto.",
    transform: named)
  var initialization: WeightInitialization?

  @Option(help: "Longest norm of a slice's mean gradient. Default: 0, any.")
  var clip: Double?

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

  @Option(help: "AdamW's weight decay. Default: 0.01.")
  var weightDecay: Double?

  @Option(help: "L2 of the dense part, added to every step's gradient. Default: 0.")
  var denseL2: Double?

  @Option(help: "Learning rate of FTRL, its authors' alpha. Default: 0.1.")
  var ftrlAlpha: Double?

  @Option(help: "FTRL's beta. Default: 0.01.")
  var ftrlBeta: Double?

  @Option(help: "FTRL's L1, which keeps weak weights at 0. Default: 0.")
  var l1: Double?

  @Option(help: "FTRL's own L2. Default: 0.")
  var ftrlL2: Double?

  @Option(help: "Standard deviation of latent vectors at the start. Default: 0.01.")
  var embeddingDeviation: Double?

  @Option(
    help: "How the learning rate grows with the number of workers: none, sqrt (the paper's) or linear. Default: none.",
    transform: named)
  var lrScaling: RateScaling?

  @Option(help: "Stop after so many epochs without a better validation logloss. Default: 0, never.")
  var patience: Int?

  @Option(help: "Seed of everything random. Default: 1.")
  var seed: UInt64?

  @Option(help: "Parameter servers. Default: 2.")
  var servers: Int?

  @Option(help: "Workers. Default: 2.")
  var workers: Int?

  @Option(help: "Compute threads of a worker. Default: the machine's cores, shared by the workers of a local cluster.")
  var threads: Int?

  @Option(help: "Threads of a worker that read and encode. Default: 1.")
  var readers: Int?

  @Option(
    help: "sync: gradients are averaged over the global minibatch, bit for bit reproducibly. Default: sync.",
    transform: named)
  var consistency: Consistency?

  @Flag(help: "Read and compute in turn, to see what asynchronous reading is worth.")
  var syncReading = false

  @Option(help: "Seconds of silence after which a process counts as dead. Default: 20.")
  var timeout: Double?

  @Option(help: ArgumentHelp("Where the run leaves its files. Default: a new directory in runs/.", valueName: "dir"))
  var runDir: String?

  /// The file's values, overridden by the flags given.
  func configuration() throws -> JobConfiguration {
    var job = try config.map { try ConfigurationFile.read($0) } ?? JobConfiguration()
    if !train.isEmpty { job.train = train }
    if !valid.isEmpty { job.valid = valid }
    data.override(&job)
    if let vocab { job.vocabulary = vocab }
    if let admitAfter { job.admitAfter = admitAfter }
    if cache { job.cache = true }
    if let placement { job.data = placement }
    if let model { job.model = model }
    if let epochs { job.epochs = epochs }
    if let batch { job.batch = batch }
    if let slices { job.slices = slices }
    if let embedding { job.embedding = embedding }
    if let hidden { job.hidden = hidden.widths }
    if let activation { job.activation = activation }
    if let keep { job.keep = keep }
    if let l2 { job.l2 = l2 }
    if let initialization { job.initialization = initialization }
    if let clip { job.clip = clip }
    if let lr { job.learningRate = lr }
    if let optimizer { job.optimizer = optimizer }
    if let denseOptimizer { job.denseOptimizer = denseOptimizer }
    if let schedule { job.schedule = schedule }
    if let warmUp { job.warmUp = warmUp }
    if let decayFactor { job.decayFactor = decayFactor }
    if let decaySteps { job.decaySteps = decaySteps }
    if let weightDecay { job.weightDecay = weightDecay }
    if let denseL2 { job.denseL2 = denseL2 }
    if let ftrlAlpha { job.ftrlAlpha = ftrlAlpha }
    if let ftrlBeta { job.ftrlBeta = ftrlBeta }
    if let l1 { job.l1 = l1 }
    if let ftrlL2 { job.ftrlL2 = ftrlL2 }
    if let embeddingDeviation { job.embeddingDeviation = embeddingDeviation }
    if let lrScaling { job.rateScaling = lrScaling }
    if let patience { job.patience = patience }
    if let seed { job.seed = seed }
    if let servers { job.servers = servers }
    if let workers { job.workers = workers }
    if let threads { job.threads = threads }
    if let readers { job.readers = readers }
    if let consistency { job.consistency = consistency }
    if syncReading { job.syncReading = true }
    if let timeout { job.timeout = timeout }
    if let runDir { job.runDirectory = runDir }
    guard !job.train.isEmpty else {
      throw ConfigurationError.invalid(
        key: "train", value: "nothing", reason: "name the training data with --train FILE")
    }
    try job.validate()
    return job
  }
}

/// `400,400,400`; `none` for no hidden layer.
struct LayerWidths: ExpressibleByArgument {
  var widths: [Int]

  init?(argument: String) {
    if argument == "none" {
      widths = []
      return
    }
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard !parts.contains(nil) else { return nil }
    widths = parts.compactMap { $0 }
  }
}
