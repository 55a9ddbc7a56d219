/// The deep part: hidden layers, then one output neuron (eqs. 7, 8).
struct DeepNetwork<Backend: ComputeBackend>: Sendable {
  typealias Scalar = Backend.Scalar

  let layers: [FullyConnected<Backend>]
  let output: OutputLayer<Scalar>
  /// The input, then each hidden layer's output.
  private let outputs: [Buffer]
  private let gradients: [Buffer]

  /// - Parameters:
  ///   - input: `[rows x inputs]`, and where its gradient goes.
  init(
    inputs: Int, input: Buffer, inputGradient: Buffer, _ configuration: ModelConfiguration, layout: inout DenseLayout,
    plan: inout BufferPlan
  ) {
    var width = inputs
    var layers: [FullyConnected<Backend>] = []
    var outputs = [input]
    var gradients = [inputGradient]
    for (number, neurons) in configuration.hidden.enumerated() {
      layers.append(
        FullyConnected(inputs: width, neurons: neurons, number: number, configuration: configuration, layout: &layout))
      outputs.append(plan.reserve(perRow: neurons))
      gradients.append(plan.reserve(perRow: neurons))
      plan.widestDropout = max(plan.widestDropout, neurons)
      width = neurons
    }
    self.layers = layers
    self.outputs = outputs
    self.gradients = gradients
    output = OutputLayer(inputs: width, layout: &layout)
  }

  /// - Parameters:
  ///   - counter: nil to keep all neurons.
  ///   - logits: `[rows]`; the network's output is added to it.
  func forward(
    rows: Int, dense: UnsafePointer<Scalar>, counter: DropoutCounter?, logits: UnsafeMutablePointer<Scalar>,
    in workspace: Workspace<Scalar>
  ) {
    for (number, layer) in layers.enumerated() {
      layer.forward(
        workspace[outputs[number]], rows: rows, dense: dense, counter: counter, output: workspace[outputs[number + 1]],
        random: workspace.random)
    }
    output.forward(workspace[outputs[layers.count]], rows: rows, dense: dense, logits: logits)
  }

  /// What the layers put out for the rows of the latest `forward`.
  func hiddenOutputs(in workspace: Workspace<Scalar>) -> [(neurons: Int, values: UnsafeMutablePointer<Scalar>)] {
    zip(layers, outputs.dropFirst()).map { ($0.neurons, workspace[$1]) }
  }

  /// Overwrites the input's gradient and the network's tensors in `gradient`.
  func backward(
    rows: Int, dense: UnsafePointer<Scalar>, counter: DropoutCounter, logitGradient: UnsafePointer<Scalar>,
    gradient: UnsafeMutablePointer<Scalar>, in workspace: Workspace<Scalar>
  ) {
    output.backward(
      workspace[outputs[layers.count]], rows: rows, dense: dense, logitGradient: logitGradient,
      inputGradient: workspace[gradients[layers.count]], gradient: gradient)
    for (number, layer) in layers.enumerated().reversed() {
      layer.backward(
        workspace[outputs[number]], rows: rows, dense: dense, counter: counter, output: workspace[outputs[number + 1]],
        outputGradient: workspace[gradients[number + 1]], inputGradient: workspace[gradients[number]],
        gradient: gradient, random: workspace.random)
    }
  }
}
