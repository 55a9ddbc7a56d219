import Testing

@testable import DeepFM

/// Analytic gradients against central differences, in Double.
struct GradientTests {
  static let dropout = DropoutCounter(seed: 3, step: 5, slice: 2)

  @Test("Every model's gradients are those of its loss, for random shapes", arguments: ModelName.allCases, 0..<12)
  func models(name: ModelName, seed: Int) throws {
    var random = SplitMix(seed)
    let smooth: [Activation] = [.tanh, .sigmoid]
    let configuration = ModelConfiguration(
      model: name, fields: Int.random(in: 1...9, using: &random), embedding: Int.random(in: 1...17, using: &random),
      hidden: (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 1...9, using: &random) },
      activation: smooth.randomElement(using: &random)!, keep: Bool.random(using: &random) ? 1 : 0.5)
    let model = WideAndDeepModel<OpenBLASDouble>(configuration)
    let problem = Problem<Double>.random(
      for: model, rows: Int.random(in: 1...7, using: &random), entriesPerCell: seed % 3 == 0 ? 0...3 : 1...1,
      using: &random)
    try check(problem, model)
  }

  @Test("Relu's gradients hold away from its kink", arguments: 0..<20)
  func relu(seed: Int) throws {
    var random = SplitMix(seed + 1000)
    let model = WideAndDeepModel<OpenBLASDouble>(
      ModelConfiguration(fields: 3, embedding: 4, hidden: [6, 5], activation: .relu, keep: seed % 2 == 0 ? 1 : 0.5))
    var problem = Problem<Double>.random(for: model, rows: 4, using: &random)
    // Biases far from 0 keep every neuron on its side of the kink.
    for tensor in model.dense.tensors where tensor.name.hasSuffix("bias") && tensor.name.hasPrefix("hidden") {
      for i in 0..<tensor.count { problem.dense[tensor.offset + i] = i % 2 == 0 ? 9 : -9 }
    }
    try check(problem, model)
  }

  private func check(_ problem: Problem<Double>, _ model: WideAndDeepModel<OpenBLASDouble>) throws {
    let analytic = problem.gradients(of: model, dropout: Self.dropout)
    let step = 5e-4
    func loss(_ parameter: WritableKeyPath<Problem<Double>, Double>, _ change: Double) -> Double {
      var changed = problem
      changed[keyPath: parameter] += change
      return changed.gradients(of: model, dropout: Self.dropout).loss
    }
    // Of fourth order, so that neither the step nor rounding shows.
    func difference(_ parameter: WritableKeyPath<Problem<Double>, Double>) -> Double {
      let near = loss(parameter, step) - loss(parameter, -step)
      let far = loss(parameter, 2 * step) - loss(parameter, -2 * step)
      return (8 * near - far) / (12 * step)
    }
    let sparse = problem.sparse.indices.map { difference(\.sparse[$0]) }
    #expect(relativeError(analytic.sparse, sparse) < 1e-6)
    for tensor in model.dense.tensors {
      let range = tensor.offset..<tensor.offset + tensor.count
      let dense = range.map { difference(\.dense[$0]) }
      #expect(relativeError(Array(analytic.dense[range]), dense) < 1e-6, "\(tensor.name)")
    }
    var padding = Set(analytic.dense.indices)
    for tensor in model.dense.tensors { padding.subtract(tensor.offset..<tensor.offset + tensor.count) }
    #expect(padding.allSatisfy { analytic.dense[$0] == 0 }, "what is no parameter has gradient 0")
  }

  @Test("The loss's gradient is its derivative, and it neither overflows nor cancels")
  func logLoss() {
    let logits = [-100, -30, -2, 0, 0.5, 30, 100.0]
    for label: Float in [0, 1] {
      var gradient = [Double](repeating: 9, count: logits.count)
      let labels = [Float](repeating: label, count: logits.count)
      let sum = LogLoss.forwardBackward(logits: logits, labels: labels, rows: logits.count, gradient: &gradient)
      #expect(sum.isFinite)
      for (logit, g) in zip(logits, gradient) {
        let h = 1e-5
        let above = LogLoss.loss(logit: logit + h, label: Double(label))
        let below = LogLoss.loss(logit: logit - h, label: Double(label))
        let numeric = (above - below) / (2 * h)
        #expect(abs(numeric - g) < 1e-8)
      }
    }
    #expect(LogLoss.loss(logit: 100, label: 0) == 100)
    #expect(LogLoss.loss(logit: 0, label: 1) == 0.693_147_180_559_945_3)
    #expect(LogLoss.loss(logit: 40, label: 1) > 0)
  }
}
