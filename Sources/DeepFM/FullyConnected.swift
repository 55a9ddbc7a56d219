/// A hidden layer: `a' = dropout(act(a W + b))` (eq. 7), W being `[inputs x neurons]`.
struct FullyConnected<Backend: ComputeBackend>: Sendable {
  typealias Scalar = Backend.Scalar

  let inputs: Int
  let neurons: Int
  let activation: Activation
  let dropout: Dropout<Scalar>
  /// Its place in the network, from 0: part of what dropout counts.
  let number: Int
  let weights: DenseLayout.Tensor
  let bias: DenseLayout.Tensor

  init(inputs: Int, neurons: Int, number: Int, configuration: ModelConfiguration, layout: inout DenseLayout) {
    self.inputs = inputs
    self.neurons = neurons
    self.number = number
    activation = configuration.activation
    dropout = Dropout(keep: configuration.keep)
    weights = layout.append(
      "hidden\(number).weights", rows: inputs, columns: neurons,
      configuration.initialization.initializer(inputs: inputs, outputs: neurons, activation: activation))
    bias = layout.append("hidden\(number).bias", rows: 1, columns: neurons, .zero)
  }

  /// - Parameters:
  ///   - input: `[rows x inputs]`.
  ///   - output: `[rows x neurons]`, overwritten.
  ///   - counter: nil to keep all neurons.
  func forward(
    _ input: UnsafePointer<Scalar>, rows: Int, dense: UnsafePointer<Scalar>, counter: DropoutCounter?,
    output: UnsafeMutablePointer<Scalar>, random: UnsafeMutablePointer<UInt16>
  ) {
    Backend.multiply(
      Matrix(reading: input, rows: rows, columns: inputs), transposed: false,
      Matrix(reading: dense + weights.offset, rows: inputs, columns: neurons), transposed: false,
      into: Matrix(output, rows: rows, columns: neurons))
    let b = dense + bias.offset
    let base = counter.map { $0.base(layer: number) }
    for row in 0..<rows {
      let z = output + row * neurons
      activation.apply(to: z, bias: b, count: neurons)
      if let base, dropout.isActive {
        dropout.apply(to: z, factor: dropout.scale, count: neurons, row: row, base: base, scratch: random)
      }
    }
  }

  /// - Parameters:
  ///   - output: what `forward` made with the same counter.
  ///   - outputGradient: `[rows x neurons]`; left as the gradient of `a W + b`.
  ///   - inputGradient: `[rows x inputs]`, overwritten.
  ///   - gradient: `[dense.count]`; the layer's tensors in it are overwritten.
  func backward(
    _ input: UnsafePointer<Scalar>, rows: Int, dense: UnsafePointer<Scalar>, counter: DropoutCounter,
    output: UnsafePointer<Scalar>, outputGradient: UnsafeMutablePointer<Scalar>,
    inputGradient: UnsafeMutablePointer<Scalar>, gradient: UnsafeMutablePointer<Scalar>,
    random: UnsafeMutablePointer<UInt16>
  ) {
    let base = counter.base(layer: number)
    let biasGradient = gradient + bias.offset
    biasGradient.update(repeating: 0, count: neurons)
    for row in 0..<rows {
      let delta = outputGradient + row * neurons
      if dropout.isActive, activation != .relu {
        dropout.apply(to: delta, factor: 1, count: neurons, row: row, base: base, scratch: random)
      }
      activation.backpropagate(delta, output: output + row * neurons, scale: dropout.scale, count: neurons)
      for j in 0..<neurons { biasGradient[j] += delta[j] }
    }
    let deltas = Matrix(outputGradient, rows: rows, columns: neurons)
    Backend.multiply(
      Matrix(reading: input, rows: rows, columns: inputs), transposed: true, deltas, transposed: false,
      into: Matrix(gradient + weights.offset, rows: inputs, columns: neurons))
    Backend.multiply(
      deltas, transposed: false, Matrix(reading: dense + weights.offset, rows: inputs, columns: neurons),
      transposed: true, into: Matrix(inputGradient, rows: rows, columns: inputs))
  }
}
