import Foundation
import Testing

@testable import DeepFM

/// Against numbers that `Tests/Golden/deepfm_d.py` computed from the paper's equations with numpy.
struct GoldenTests {
  struct Golden: Decodable {
    var rows, fields, k, uniqueCount: Int
    var hidden: [Int]
    var weights, vectors, values, labels, outputWeights: [Double]
    var unique: [UInt32]
    var hiddenWeights, hiddenBiases: [[Double]]
    var bias, loss: Double
    var logits, weightGradient, vectorGradient, outputWeightGradient: [Double]
    var hiddenWeightGradients, hiddenBiasGradients: [[Double]]
    var biasGradient: Double
  }

  private static func read() throws -> Golden {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Golden/deepfm_d.json")
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
  }

  @Test("DeepFM-D gives numpy's logits, loss and gradients in Double")
  func double() throws { try check(OpenBLASDouble.self, tolerance: 1e-12) }

  @Test("DeepFM-D gives numpy's logits, loss and gradients in Float")
  func float() throws { try check(OpenBLAS.self, tolerance: 2e-6) }

  private func check<Backend: ComputeBackend>(_ backend: Backend.Type, tolerance: Double) throws {
    let golden = try Self.read()
    let model = DeepFMD<Backend>(
      ModelConfiguration(
        fields: golden.fields, embedding: golden.k, hidden: golden.hidden, activation: .tanh, keep: 1))
    func scalars(_ numbers: [Double]) -> [Backend.Scalar] { numbers.map { Backend.Scalar($0) } }
    var problem = Problem<Backend.Scalar>(
      rows: golden.rows, fields: golden.fields, width: 1 + golden.k, uniqueCount: golden.uniqueCount)
    problem.offsets = (0...golden.rows * golden.fields).map(Int32.init)
    problem.unique = golden.unique
    problem.values = golden.values.map(Float.init)
    problem.labels = golden.labels.map(Float.init)
    problem.sparse = (0..<golden.uniqueCount).flatMap { unique in
      scalars([golden.weights[unique]] + golden.vectors[unique * golden.k..<(unique + 1) * golden.k])
    }
    problem.dense = [Backend.Scalar](repeating: 0, count: model.dense.count)
    for (layer, weights) in golden.hiddenWeights.enumerated() {
      put(scalars(weights), "hidden\(layer).weights", model, &problem.dense)
      put(scalars(golden.hiddenBiases[layer]), "hidden\(layer).bias", model, &problem.dense)
    }
    put(scalars(golden.outputWeights), "output.weights", model, &problem.dense)
    put(scalars([golden.bias]), "bias", model, &problem.dense)

    func compare(_ found: [Backend.Scalar], _ expected: [Double], _ name: String) {
      #expect(relativeError(found.map { Double($0) }, expected) < tolerance, "\(name)")
    }
    let gradients = problem.gradients(of: model, dropout: DropoutCounter(seed: 1, step: 1, slice: 0))
    compare(problem.logits(of: model), golden.logits, "logits")
    #expect(abs(gradients.loss - golden.loss) < tolerance * golden.loss)
    let width = 1 + golden.k
    compare((0..<golden.uniqueCount).map { gradients.sparse[$0 * width] }, golden.weightGradient, "w")
    compare(
      (0..<golden.uniqueCount).flatMap { gradients.sparse[$0 * width + 1..<($0 + 1) * width] }, golden.vectorGradient,
      "V")
    for layer in golden.hidden.indices {
      compare(get("hidden\(layer).weights", model, gradients.dense), golden.hiddenWeightGradients[layer], "W\(layer)")
      compare(get("hidden\(layer).bias", model, gradients.dense), golden.hiddenBiasGradients[layer], "b\(layer)")
    }
    compare(get("output.weights", model, gradients.dense), golden.outputWeightGradient, "output")
    compare(get("bias", model, gradients.dense), [golden.biasGradient], "bias")
  }

  private func range(_ name: String, _ model: some Model) -> Range<Int> {
    let tensor = model.dense.tensors.first { $0.name == name }!
    return tensor.offset..<tensor.offset + tensor.count
  }

  private func put<Scalar>(_ numbers: [Scalar], _ name: String, _ model: some Model, _ dense: inout [Scalar]) {
    dense.replaceSubrange(range(name, model), with: numbers)
  }

  private func get<Scalar>(_ name: String, _ model: some Model, _ dense: [Scalar]) -> [Scalar] {
    Array(dense[range(name, model)])
  }
}
