import ArgumentParser
import DeepFM
import Job

/// The flags that say what is trained.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("\(ModelName.allCases.map(\.rawValue).joined(separator: ", ")). Default: deepfm-d."),
    transform: named)
  var model: ModelName?

  @Option(help: "Width k of a latent vector. Default: 10.")
  var embedding: Int?

  @Option(help: ArgumentHelp("Neurons of the hidden layers. Default: 400,400,400.", valueName: "n,n,..."))
  var hidden: LayerWidths?

  @Option(help: "relu, tanh or sigmoid. Default: relu.", transform: named)
  var activation: Activation?

  @Option(help: "Probability that a neuron is KEPT by dropout. Default: 0.5.")
  var keep: Double?

  @Option(
    help:
      "Start of the hidden layers' weights: xavier, he, normal, or auto, which is he for relu, else xavier. Default: auto.",
    transform: named)
  var initialization: WeightInitialization?

  @Option(help: "Standard deviation of latent vectors at the start. Default: 0.01.")
  var embeddingDeviation: Double?

  func override(_ job: inout JobConfiguration) {
    if let model { job.model = model }
    if let embedding { job.embedding = embedding }
    if let hidden { job.hidden = hidden.widths }
    if let activation { job.activation = activation }
    if let keep { job.keep = keep }
    if let initialization { job.initialization = initialization }
    if let embeddingDeviation { job.embeddingDeviation = embeddingDeviation }
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
