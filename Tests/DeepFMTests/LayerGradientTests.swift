import Testing

@testable import DeepFM

/// Layers with parameters against central differences of `Σ c · output`, in Double.
struct LayerGradientTests {
  private static let counter = DropoutCounter(seed: 1, step: 2, slice: 3)

  private static func numbers(_ count: Int, _ random: inout SplitMix) -> [Double] {
    (0..<count).map { _ in Double.random(in: -1...1, using: &random) }
  }

  /// The derivative of `loss` with respect to each element, by differences of fourth order.
  private static func differences(_ values: [Double], _ loss: ([Double]) -> Double) -> [Double] {
    let step = 5e-4
    return values.indices.map { i in
      func at(_ change: Double) -> Double {
        var changed = values
        changed[i] += change
        return loss(changed)
      }
      return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
    }
  }

  @Test("A hidden layer's gradients are those of its output, whatever is dropped", arguments: 0..<20)
  func fullyConnected(seed: Int) {
    var random = SplitMix(seed)
    let (rows, inputs, neurons) = (
      Int.random(in: 1...7, using: &random), Int.random(in: 1...9, using: &random),
      Int.random(in: 1...9, using: &random)
    )
    let configuration = ModelConfiguration(
      fields: 1, activation: seed % 2 == 0 ? .tanh : .sigmoid, keep: seed % 3 == 0 ? 1 : 0.6)
    var layout = DenseLayout()
    let layer = FullyConnected<OpenBLASDouble>(
      inputs: inputs, neurons: neurons, number: 1, configuration: configuration, layout: &layout)
    let input = Self.numbers(rows * inputs, &random)
    let dense = Self.numbers(layout.count, &random)
    let c = Self.numbers(rows * neurons, &random)
    var scratch = [UInt16](repeating: 0, count: neurons + 4)

    func output(_ input: [Double], _ dense: [Double]) -> [Double] {
      var output = [Double](repeating: 99, count: rows * neurons)
      layer.forward(input, rows: rows, dense: dense, counter: Self.counter, output: &output, random: &scratch)
      return output
    }
    func loss(_ input: [Double], _ dense: [Double]) -> Double {
      zip(output(input, dense), c).reduce(0) { $0 + $1.0 * $1.1 }
    }

    var outputGradient = c
    var inputGradient = [Double](repeating: 99, count: rows * inputs)
    var gradient = [Double](repeating: 0, count: layout.count)
    layer.backward(
      input, rows: rows, dense: dense, counter: Self.counter, output: output(input, dense),
      outputGradient: &outputGradient, inputGradient: &inputGradient, gradient: &gradient, random: &scratch)
    #expect(relativeError(inputGradient, Self.differences(input) { loss($0, dense) }) < 1e-6)
    for tensor in layout.tensors {
      let range = tensor.offset..<tensor.offset + tensor.count
      let expected = Self.differences(Array(dense[range])) { part in
        var changed = dense
        changed.replaceSubrange(range, with: part)
        return loss(input, changed)
      }
      #expect(relativeError(Array(gradient[range]), expected) < 1e-6, "\(tensor.name)")
    }
  }

  @Test("The output layer adds <w, a> + b; its gradients are those", arguments: 0..<10)
  func output(seed: Int) {
    var random = SplitMix(seed)
    let (rows, inputs) = (Int.random(in: 1...7, using: &random), Int.random(in: 1...20, using: &random))
    var layout = DenseLayout()
    let layer = OutputLayer<Double>(inputs: inputs, layout: &layout)
    let input = Self.numbers(rows * inputs, &random)
    let dense = Self.numbers(layout.count, &random)
    let delta = Self.numbers(rows, &random)
    var logits = [Double](repeating: 0.5, count: rows)
    layer.forward(input, rows: rows, dense: dense, logits: &logits)
    var inputGradient = [Double](repeating: 99, count: rows * inputs)
    var gradient = [Double](repeating: 0, count: layout.count)
    layer.backward(
      input, rows: rows, dense: dense, logitGradient: delta, inputGradient: &inputGradient, gradient: &gradient)
    let (w, b) = (layer.weights.offset, layer.bias.offset)
    for row in 0..<rows {
      let sum = (0..<inputs).reduce(0.5 + dense[b]) { $0 + input[row * inputs + $1] * dense[w + $1] }
      #expect(abs(logits[row] - sum) < 1e-12)
      for i in 0..<inputs { #expect(inputGradient[row * inputs + i] == delta[row] * dense[w + i]) }
    }
    for i in 0..<inputs {
      let sum = (0..<rows).reduce(0) { $0 + delta[$1] * input[$1 * inputs + i] }
      #expect(abs(gradient[w + i] - sum) < 1e-12)
    }
    #expect(abs(gradient[b] - delta.reduce(0, +)) < 1e-12)
  }

  @Test(
    "Embeddings are sums of values times vectors, <w, x> of values times weights; gradients go back the same way",
    arguments: 0..<20)
  func embedding(seed: Int) {
    var random = SplitMix(seed)
    let model = WideAndDeepModel<OpenBLASDouble>(
      ModelConfiguration(
        model: .fm, fields: Int.random(in: 1...9, using: &random), embedding: Int.random(in: 1...17, using: &random)))
    let problem = Problem<Double>.random(
      for: model, rows: Int.random(in: 1...7, using: &random), entriesPerCell: 0...3, using: &random)
    let (fields, width) = (problem.fields, problem.width)
    var plan = BufferPlan()
    let vectors = FieldVectors(fields: fields, k: width - 1, products: 2, plan: &plan)
    let layer = EmbeddingLayer<Double>(column: 1, rowWidth: width, vectors: vectors)
    let linear = LinearTerm<Double>(column: 0, rowWidth: width)
    let workspace = Workspace<Double>(rows: problem.rows, plan: plan)
    let delta = Self.numbers(problem.rows, &random)
    for i in 0..<problem.rows * vectors.stride {
      workspace[vectors.gradients][i] = Double.random(in: -1...1, using: &random)
    }
    var logits = [Double](repeating: 0.25, count: problem.rows)
    var gradient = [Double](repeating: 0, count: problem.uniqueCount * width)
    problem.withInput { input, _ in
      layer.forward(input, in: workspace)
      linear.forward(input, logits: &logits)
      layer.backward(input, gradient: &gradient, in: workspace)
      linear.backward(input, logitGradient: delta, gradient: &gradient)
    }
    var expected = [Double](repeating: 0, count: gradient.count)
    for row in 0..<problem.rows {
      var term = 0.25
      for field in 0..<fields {
        let cell = row * fields + field
        let place = row * vectors.stride + field * vectors.k
        var sum = [Double](repeating: 0, count: vectors.k)
        for entry in Int(problem.offsets[cell])..<Int(problem.offsets[cell + 1]) {
          let (start, x) = (Int(problem.unique[entry]) * width, Double(problem.values[entry]))
          term += problem.sparse[start] * x
          expected[start] += delta[row] * x
          for d in 0..<vectors.k {
            sum[d] += problem.sparse[start + 1 + d] * x
            expected[start + 1 + d] += workspace[vectors.gradients][place + d] * x
          }
        }
        for d in 0..<vectors.k { #expect(abs(workspace[vectors.values][place + d] - sum[d]) < 1e-12) }
      }
      #expect(abs(logits[row] - term) < 1e-12)
    }
    #expect(relativeError(gradient, expected) < 1e-12)
  }
}
