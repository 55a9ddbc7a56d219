/// The last layer of a network, one neuron without activation: `y = <w, a> + b` (eq. 8).
///
/// Its bias is the model's only one: the constant offset of the FM part and b(H+1) add up to one number.
struct OutputLayer<Scalar: ModelScalar>: Sendable {
  let inputs: Int
  let weights: DenseLayout.Tensor
  let bias: DenseLayout.Tensor

  init(inputs: Int, layout: inout DenseLayout) {
    self.inputs = inputs
    weights = layout.append("output.weights", rows: inputs, columns: 1, .glorot(inputs: inputs, outputs: 1))
    bias = layout.append("bias", rows: 1, columns: 1, .zero)
  }

  /// - Parameter logits: `[rows]`; the layer's output is added to it.
  func forward(
    _ input: UnsafePointer<Scalar>, rows: Int, dense: UnsafePointer<Scalar>, logits: UnsafeMutablePointer<Scalar>
  ) {
    let w = dense + weights.offset
    let b = dense[bias.offset]
    for row in 0..<rows { logits[row] += innerProduct(input + row * inputs, w, count: inputs) + b }
  }

  /// - Parameter inputGradient: `[rows x inputs]`, overwritten.
  func backward(
    _ input: UnsafePointer<Scalar>, rows: Int, dense: UnsafePointer<Scalar>, logitGradient: UnsafePointer<Scalar>,
    inputGradient: UnsafeMutablePointer<Scalar>, gradient: UnsafeMutablePointer<Scalar>
  ) {
    let w = dense + weights.offset
    let weightGradient = gradient + weights.offset
    weightGradient.update(repeating: 0, count: inputs)
    var biasGradient: Scalar = 0
    for row in 0..<rows {
      let delta = logitGradient[row]
      let a = input + row * inputs
      let g = inputGradient + row * inputs
      biasGradient += delta
      for j in 0..<inputs {
        weightGradient[j] += delta * a[j]
        g[j] = delta * w[j]
      }
    }
    gradient[bias.offset] = biasGradient
  }
}
