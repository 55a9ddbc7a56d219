import Foundation
import Testing

@testable import DeepFM

/// Against numbers that `Tests/Golden/models.py` computed from the paper's equations with numpy.
struct GoldenTests {
  struct Golden: Decodable {
    var rows, fields, k, uniqueCount: Int
    var hidden: [Int]
    var cases: [Case]
  }

  struct Case: Decodable {
    var model: String
    var unique: [UInt32]
    var values, labels, sparse, logits, sparseGradient: [Double]
    var dense, denseGradients: [String: [Double]]
    var loss: Double
  }

  private static func read() throws -> Golden {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Golden/models.json")
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
  }

  @Test("Every model gives numpy's logits, loss and gradients in Double", arguments: ModelName.allCases)
  func double(name: ModelName) throws { try check(name, OpenBLASDouble.self, tolerance: 1e-12) }

  @Test("Every model gives numpy's logits, loss and gradients in Float", arguments: ModelName.allCases)
  func float(name: ModelName) throws { try check(name, OpenBLAS.self, tolerance: 3e-6) }

  private func check<Backend: ComputeBackend>(_ name: ModelName, _ backend: Backend.Type, tolerance: Double) throws {
    let golden = try Self.read()
    let expected = try #require(golden.cases.first { $0.model == name.rawValue })
    let model = WideAndDeepModel<Backend>(
      ModelConfiguration(
        model: name, fields: golden.fields, embedding: golden.k, hidden: golden.hidden, activation: .tanh, keep: 1))
    func scalars(_ numbers: [Double]) -> [Backend.Scalar] { numbers.map { Backend.Scalar($0) } }
    var problem = Problem<Backend.Scalar>(
      rows: golden.rows, fields: golden.fields, width: model.sparse.width, uniqueCount: golden.uniqueCount)
    problem.offsets = (0...golden.rows * golden.fields).map(Int32.init)
    problem.unique = expected.unique
    problem.values = expected.values.map(Float.init)
    problem.labels = expected.labels.map(Float.init)
    problem.sparse = scalars(expected.sparse)
    problem.dense = [Backend.Scalar](repeating: 0, count: model.dense.count)
    #expect(Set(model.dense.tensors.map(\.name)) == Set(expected.dense.keys))
    #expect(problem.sparse.count == golden.uniqueCount * model.sparse.width)
    for tensor in model.dense.tensors {
      let numbers = try #require(expected.dense[tensor.name])
      #expect(numbers.count == tensor.count)
      problem.dense.replaceSubrange(tensor.offset..<tensor.offset + tensor.count, with: scalars(numbers))
    }

    func compare(_ found: some Sequence<Backend.Scalar>, _ expected: [Double], _ what: String) {
      #expect(relativeError(found.map { Double($0) }, expected) < tolerance, "\(what)")
    }
    let gradients = problem.gradients(of: model, dropout: DropoutCounter(seed: 1, step: 1, slice: 0))
    compare(problem.logits(of: model), expected.logits, "logits")
    #expect(abs(gradients.loss - expected.loss) < tolerance * expected.loss)
    compare(gradients.sparse, expected.sparseGradient, "sparse")
    for tensor in model.dense.tensors {
      compare(
        gradients.dense[tensor.offset..<tensor.offset + tensor.count], expected.denseGradients[tensor.name]!,
        tensor.name)
    }
  }
}
