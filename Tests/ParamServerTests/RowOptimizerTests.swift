import Foundation
import Sharding
import Testing
import Wire

@testable import ParamServer

struct RowOptimizerTests {
  private struct Golden: Decodable {
    var gradients: [[Float]]
    var scale, rate: Float
    var l2, start: [Float]
    var rows: [String: [[Double]]]
  }

  private static let rules: [(String, OptimizerDescription.Rule)] = [
    ("sgd", .sgd), ("momentum", .momentum(beta: 0.9)), ("adagrad", .adagrad(epsilon: 1e-6)),
    ("rmsprop", .rmsProp(decay: 0.9, epsilon: 1e-6)),
    ("adam", .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)),
    ("adamw", .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.05)),
    ("ftrl", .ftrl(beta: 1, l1: 0.2, l2: 0.3)),
  ]

  @Test("Every optimizer takes the steps that numpy took from its authors' algorithm", arguments: rules.indices)
  func golden(number: Int) throws {
    let (name, rule) = Self.rules[number]
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Golden/optimizers.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
    let optimizer = RowOptimizer(rule, width: 3)
    var row = name == "ftrl" ? [0, 0, 0] : golden.start
    row += [Float](repeating: 0, count: optimizer.stateWidth)
    for (gradient, expected) in zip(golden.gradients, try #require(golden.rows[name])) {
      optimizer.apply(to: &row, sum: gradient, scale: golden.scale, l2: golden.l2, rate: golden.rate)
      for column in 0..<3 { #expect(abs(Double(row[column]) - expected[column]) < 2e-6, "\(name)") }
    }
  }

  @Test("Beyond the table of bias corrections there is nothing to correct")
  func manySteps() {
    let optimizer = RowOptimizer(Self.rules[4].1, width: 1)
    var row: [Float] = [0, 0, 0, Float(bitPattern: 3_000_000_000)]
    optimizer.apply(to: &row, sum: [1], scale: 1, l2: [0], rate: 0.01)
    let expected: Float = -0.01 * 0.1 / Float(0.001).squareRoot()
    #expect(abs(row[0] - expected) < 1e-5)
  }

  @Test("FTRL keeps weights at zero that L1 outweighs")
  func sparsity() {
    let optimizer = RowOptimizer(.ftrl(beta: 1, l1: 5, l2: 0), width: 1)
    var row = [Float](repeating: 0, count: 1 + optimizer.stateWidth)
    for _ in 0..<4 {
      optimizer.apply(to: &row, sum: [1], scale: 1, l2: [0], rate: 0.1)
      #expect(row[0] == 0)
    }
    for _ in 0..<4 { optimizer.apply(to: &row, sum: [1], scale: 1, l2: [0], rate: 0.1) }
    #expect(row[0] < 0)
  }

  @Test("The learning rate warms up in a line and then decays as named")
  func schedule() {
    func rates(_ warmUp: Int, _ decay: OptimizerDescription.Decay, _ steps: [UInt64]) -> [Double] {
      let description = OptimizerDescription(.sgd, learningRate: 2, warmUp: warmUp, decay: decay)
      return steps.map { (description.learningRate(atStep: $0) * 1e6).rounded() / 1e6 }
    }
    #expect(rates(0, .none, [0, 1, 1000]) == [2, 2, 2])
    #expect(rates(4, .none, [0, 1, 3, 4, 9]) == [0.5, 1, 2, 2, 2])
    #expect(rates(0, .exponential(factor: 0.5, steps: 10), [0, 10, 20]) == [2, 1, 0.5])
    #expect(rates(0, .cosine(steps: 10), [0, 5, 10, 99]) == [2, 1, 0, 0])
  }
}
