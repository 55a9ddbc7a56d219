import ArgumentParser
import DeepFM
import Job

/// The flags that say what is trained.
struct ModelOptions: ParsableArguments {
  @Option(
    help: .init("\(names(ModelName.self)).", default: \.model.model), transform: named)
  var model: ModelName?

  @Option(help: .init("Width k of a latent vector.", default: \.model.embedding))
  var embedding: Int?

  @Option(help: .init("Neurons of the hidden layers.", default: \.model.hidden, valueName: "n,n,..."))
  var hidden: LayerWidths?

  @Option(help: .init("\(names(Activation.self)).", default: \.model.activation), transform: named)
  var activation: Activation?

  @Option(help: .init("Probability that a neuron is KEPT by dropout.", default: \.model.keep))
  var keep: Double?

  @Option(
    help: .init(
      "Start of the hidden layers' weights: xavier, he, normal, or auto, which is he for relu, else xavier.",
      default: \.model.initialization),
    transform: named)
  var initialization: WeightInitialization?

  @Option(help: .init("Standard deviation of latent vectors at the start.", default: \.model.embeddingDeviation))
  var embeddingDeviation: Double?

  @Option(help: .init("L2 of the FM part, per row that a step touches.", default: \.model.l2))
  var l2: Double?

  @Option(
    help: ArgumentHelp(
      "Start from the parameters of another run's last checkpoint, or of a file of `deepfm export`, with data encoded as its were.",
      valueName: "run|file"))
  var startFrom: String?

  @Option(
    help: .init("Which of them: \(names(StartTables.self)).", default: \.model.startTables), transform: named)
  var startTables: StartTables?

  @Option(help: .hidden, transform: named)
  var arithmetic: Precision?

  func override(_ settings: inout ModelSettings) {
    if let model { settings.model = model }
    if let embedding { settings.embedding = embedding }
    if let hidden { settings.hidden = hidden.widths }
    if let activation { settings.activation = activation }
    if let keep { settings.keep = keep }
    if let initialization { settings.initialization = initialization }
    if let embeddingDeviation { settings.embeddingDeviation = embeddingDeviation }
    if let l2 { settings.l2 = l2 }
    if let startFrom { settings.startFrom = startFrom }
    if let startTables { settings.startTables = startTables }
    if let arithmetic { settings.arithmetic = arithmetic }
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
