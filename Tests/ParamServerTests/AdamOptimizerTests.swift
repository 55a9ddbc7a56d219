import Testing

@testable import ParamServer
@testable import Wire

@Suite("Adam")
struct AdamOptimizerTests {
  /// Algorithm 1 of Kingma & Ba, in Double.
  private struct Reference {
    var theta: Double
    var m = 0.0
    var v = 0.0
    var power1 = 1.0
    var power2 = 1.0

    mutating func step(_ g: Double, _ o: TableDescription.Optimizer) {
      m += (1 - o.beta1) * (g - m)
      v += (1 - o.beta2) * (g * g - v)
      power1 *= o.beta1
      power2 *= o.beta2
      let corrected = v / (1 - power2)
      theta -= o.learningRate * m / (1 - power1) / (corrected.squareRoot() + o.epsilon)
    }
  }

  @Test("Three steps by hand")
  func byHand() {
    let optimizer = AdamOptimizer(.init(learningRate: 0.1, beta1: 0.5, beta2: 0.5, epsilon: 0), width: 1)
    var row: [Float] = [1, 0, 0, 0]
    // g = 1: m = 1/2, v = 1/2, both corrected to 1.
    optimizer.apply(to: &row, sum: [2], scale: 0.5, l2: [0])
    #expect(abs(row[0] - 0.9) < 1e-6)
    // g = -1: m = -1/4, corrected to -1/3; v = 3/4, corrected to 1.
    optimizer.apply(to: &row, sum: [-2], scale: 0.5, l2: [0])
    #expect(abs(Double(row[0]) - (0.9 + 0.1 / 3)) < 1e-6)
    // g = 0: m = -1/8, corrected to -1/7; v = 3/8, corrected to 3/7.
    optimizer.apply(to: &row, sum: [0], scale: 0.5, l2: [0])
    let last: Double = 0.1 / 7 / (3.0 / 7).squareRoot()
    #expect(abs(Double(row[0]) - (0.9 + 0.1 / 3 + last)) < 1e-6)
    #expect(row[3].bitPattern == 3)
  }

  @Test("A row follows the paper in Double, with weight decay", arguments: [1, 3, 4, 11, 64])
  func doubleReference(width: Int) {
    var generator = SeededGenerator(width)
    let description = TableDescription.Optimizer(learningRate: 0.01)
    let optimizer = AdamOptimizer(description, width: width)
    var row: [Float] = (0..<width).map { _ in Float.random(in: -1...1, using: &generator) }
    var reference = row.map { Reference(theta: Double($0)) }
    row += [Float](repeating: 0, count: optimizer.stateWidth)
    let l2: [Float] = (0..<width).map { $0 % 2 == 0 ? 0 : 0.1 }
    for _ in 0..<500 {
      let sum: [Float] = (0..<width).map { _ in Float.random(in: -4...4, using: &generator) }
      for i in 0..<width {
        let decay: Double = Double(l2[i]) * reference[i].theta
        reference[i].step(Double(sum[i]) * 0.25 + decay, description)
      }
      optimizer.apply(to: &row, sum: sum, scale: 0.25, l2: l2)
    }
    for i in 0..<width { #expect(abs(Double(row[i]) - reference[i].theta) < 1e-4) }
  }

  @Test("Beyond the table of bias corrections there is nothing to correct")
  func manySteps() {
    let optimizer = AdamOptimizer(.init(learningRate: 0.01), width: 1)
    var row: [Float] = [0, 0, 0, Float(bitPattern: 3_000_000_000)]
    optimizer.apply(to: &row, sum: [1], scale: 1, l2: [0])
    let expected: Float = -0.01 * 0.1 / Float(0.001).squareRoot()
    #expect(abs(row[0] - expected) < 1e-5)
  }
}
