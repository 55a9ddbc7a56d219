/// The deep part: hidden layers, then one output neuron (eqs. 7, 8).
struct DeepNetwork<Backend: ComputeBackend> {
  typealias Scalar = Backend.Scalar

  let layers: [FullyConnected<Backend>]
  let output: OutputLayer<Scalar>

  init(inputs: Int, _ configuration: ModelConfiguration, layout: inout DenseLayout) {
    var width = inputs
    var layers: [FullyConnected<Backend>] = []
    for (number, neurons) in configuration.hidden.enumerated() {
      layers.append(
        FullyConnected(
          inputs: width, neurons: neurons, number: number, activation: configuration.activation,
          keep: configuration.keep, layout: &layout))
      width = neurons
    }
    self.layers = layers
    output = OutputLayer(inputs: width, layout: &layout)
  }

  /// Adds the network's output to `workspace.logits`. Its input is `workspace.embeddings`.
  func forward(
    rows: Int, dense: UnsafePointer<Scalar>, counter: DropoutCounter?, in workspace: Workspace<Scalar>,
    logits: UnsafeMutablePointer<Scalar>
  ) {
    let outputs = workspace.outputs
    for (number, layer) in layers.enumerated() {
      layer.forward(
        outputs[number], rows: rows, dense: dense, counter: counter, output: outputs[number + 1],
        random: workspace.random)
    }
    output.forward(outputs[layers.count], rows: rows, dense: dense, logits: logits)
  }

  /// Overwrites `workspace.embeddingGradient` and the network's tensors in `gradient`.
  func backward(
    rows: Int, dense: UnsafePointer<Scalar>, counter: DropoutCounter, in workspace: Workspace<Scalar>,
    gradient: UnsafeMutablePointer<Scalar>
  ) {
    let outputs = workspace.outputs
    let gradients = workspace.outputGradients
    output.backward(
      outputs[layers.count], rows: rows, dense: dense, logitGradient: workspace.logitGradient,
      inputGradient: gradients[layers.count], gradient: gradient)
    for (number, layer) in layers.enumerated().reversed() {
      layer.backward(
        outputs[number], rows: rows, dense: dense, counter: counter, output: outputs[number + 1],
        outputGradient: gradients[number + 1], inputGradient: gradients[number], gradient: gradient,
        random: workspace.random)
    }
  }
}
