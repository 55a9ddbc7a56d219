import Testing

@testable import DeepFM

struct ModelTests {
  @Test("Training computes the same bits again, and in a workspace that was used before")
  func reproducible() throws {
    var random = SplitMix(1)
    let model = try makeModel(ModelConfiguration(fields: 5, embedding: 10, hidden: [33, 17], keep: 0.5))
    let (gradients, again, reused) = reproduce(model, &random)
    #expect(gradients == again)
    #expect(gradients == reused)
  }

  private func reproduce<M: Model<Float>>(_ model: M, _ random: inout SplitMix) -> ([Float], [Float], [Float]) {
    let problem = Problem<Float>.random(for: model, rows: 20, using: &random)
    let other = Problem<Float>.random(for: model, rows: 30, using: &random)
    let counter = DropoutCounter(seed: 1, step: 2, slice: 3)
    func bits(_ g: Problem<Float>.Gradients) -> [Float] { g.sparse + g.dense + [Float(g.loss)] }
    let workspace = model.makeWorkspace(rows: 64)
    _ = other.gradients(of: model, dropout: DropoutCounter(seed: 9, step: 9, slice: 9), in: workspace)
    return (
      bits(problem.gradients(of: model, dropout: counter)), bits(problem.gradients(of: model, dropout: counter)),
      bits(problem.gradients(of: model, dropout: counter, in: workspace))
    )
  }

  @Test("Prediction is training's forward pass with every neuron kept")
  func prediction() {
    var random = SplitMix(2)
    let model = WideAndDeepModel<OpenBLASDouble>(ModelConfiguration(fields: 4, embedding: 3, hidden: [7], keep: 1))
    let problem = Problem<Double>.random(for: model, rows: 6, using: &random)
    var loss = 0.0
    for (logit, label) in zip(problem.logits(of: model), problem.labels) {
      loss += LogLoss.loss(logit: logit, label: Double(label))
    }
    let trained = problem.gradients(of: model, dropout: DropoutCounter(seed: 1, step: 1, slice: 1)).loss
    #expect(abs(loss - trained) < 1e-12)
  }

  @Test(
    "Dropout keeps the share asked for, scales it, and differs by row, layer, slice and step",
    arguments: [0.1, 0.5, 0.8])
  func dropout(keep: Double) {
    let dropout = Dropout<Float>(keep: keep)
    let count = 1001
    func mask(_ counter: DropoutCounter, layer: Int, row: Int) -> [Float] {
      var neurons = [Float](repeating: 1, count: count)
      var scratch = [UInt16](repeating: 0, count: count + 4)
      scratch.withUnsafeMutableBufferPointer { scratch in
        dropout.apply(
          to: &neurons, factor: dropout.scale, count: count, row: row, base: counter.base(layer: layer),
          scratch: scratch.baseAddress!)
      }
      return neurons
    }
    let counter = DropoutCounter(seed: 1, step: 1, slice: 1)
    let first = mask(counter, layer: 0, row: 0)
    #expect(Set(first) == [0, Float(1 / keep)])
    let kept = (0..<100).reduce(0) { $0 + mask(counter, layer: 0, row: $1).count { $0 > 0 } }
    #expect(abs(Double(kept) / Double(100 * count) - keep) < 0.006)
    #expect(first == mask(counter, layer: 0, row: 0))
    #expect(first != mask(counter, layer: 0, row: 1))
    #expect(first != mask(counter, layer: 1, row: 0))
    #expect(first != mask(DropoutCounter(seed: 1, step: 1, slice: 2), layer: 0, row: 0))
    #expect(first != mask(DropoutCounter(seed: 1, step: 2, slice: 1), layer: 0, row: 0))
    #expect(first != mask(DropoutCounter(seed: 2, step: 1, slice: 1), layer: 0, row: 0))
  }

  @Test("Every tensor starts at a block, and none overlap")
  func layout() throws {
    let model = try makeModel(ModelConfiguration(fields: 39, hidden: [400, 400, 400]))
    var end = 0
    for tensor in model.dense.tensors {
      #expect(tensor.offset % DenseLayout.blockSize == 0)
      #expect(tensor.offset >= end)
      end = tensor.offset + tensor.count
    }
    #expect(model.dense.count % DenseLayout.blockSize == 0 && model.dense.count >= end)
    let parameters = model.dense.tensors.map(\.count).reduce(0, +)
    let expected: Int = (390 + 400 + 400) * 400 + 3 * 400 + 400 + 1
    #expect(parameters == expected)
    #expect(model.sparse.width == 11)
  }

  @Test(
    "A row of parameters holds what the paper's model asks for",
    arguments: [
      (.lr, 1), (.fm, 11), (.dnn, 11), (.fnn, 11), (.ipnn, 11), (.opnn, 11), (.pnn, 11), (.lrDNN, 12), (.fmDNN, 22),
      (.deepFMD, 11), (.deepFMIP, 11), (.deepFMOP, 11), (.deepFMP, 11),
    ] as [(ModelName, Int)])
  func rowWidths(name: ModelName, width: Int) throws {
    let model = try makeModel(ModelConfiguration(model: name, fields: 39))
    #expect(model.sparse.width == width)
    let inputs = model.dense.tensors.first { $0.name == "hidden0.weights" }?.rows
    let k = name.definition.deep?.vectors == .shared ? 10 : 11
    let products = name.definition.deep.map {
      ($0.products.hasInner ? 39 * 38 / 2 : 0) + ($0.products.hasOuter ? k * k : 0)
    }
    #expect(inputs == products.map { 39 * k + $0 })
  }

  @Test("Hidden weights start as named, or as their activation wants it")
  func initialization() throws {
    func start(_ activation: Activation, _ name: WeightInitialization) throws -> Initializer? {
      let configuration = ModelConfiguration(
        fields: 2, embedding: 3, hidden: [4], activation: activation, initialization: name)
      return try makeModel(configuration).dense.tensors.first { $0.name == "hidden0.weights" }?.initializer
    }
    #expect(try start(.relu, .auto) == .uniform(bound: 1))
    #expect(try start(.tanh, .auto) == .uniform(bound: (6.0 / 10).squareRoot()))
    #expect(try start(.relu, .xavier) == start(.tanh, .auto))
    #expect(try start(.tanh, .he) == start(.relu, .auto))
    #expect(try start(.relu, .normal) == .normal(deviation: 0.01))
  }

  @Test("A model that cannot be is refused with its name and value")
  func invalid() {
    #expect(throws: ModelError.self) { try makeModel(ModelConfiguration(fields: 0)) }
    #expect(throws: ModelError.self) { try makeModel(ModelConfiguration(fields: 2, embedding: 0)) }
    #expect(throws: ModelError.self) { try makeModel(ModelConfiguration(fields: 2, hidden: [3, 0])) }
    let error = #expect(throws: ModelError.self) { try makeModel(ModelConfiguration(fields: 2, keep: 0)) }
    #expect(
      error?.description == "keep: 0.0 cannot be used: the probability that a neuron is kept is above 0 and at most 1.")
  }
}
