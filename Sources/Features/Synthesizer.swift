import Foundation
import Randomness

/// Click data in Criteo's layout, drawn from a planted truth with effects of order 1, 2 and 3.
///
/// The true logit of a row is a constant, plus a weight for each category and a curve for each integer (order 1), plus
/// inner products of latent vectors over pairs of fields (order 2), plus products of three categories' signs (order 3).
/// Effects of order 2 and 3 lie on fields of few categories, where some hundred thousand rows suffice to learn them.
/// Categories follow Zipf's law with exponent 1.1. Files with different `seed` share the truth of one `truthSeed`.
public struct Synthesizer: Sendable {
  /// The rows' labels and true logits, to measure what no model can be expected to beat.
  public struct Drawn: Sendable {
    public var labels: [Float] = []
    public var logits: [Float] = []
  }

  /// Categories of C1 ... C26, after the real data.
  static let cardinalities = [
    1460, 583, 1_000_000, 800_000, 305, 24, 12517, 633, 3, 93145, 5683, 900_000, 3194, 27, 14992, 700_000, 10, 5652,
    2173, 4, 850_000, 18, 15, 286_181, 105, 142_572,
  ]
  private static let pairs = [
    (5, 16), (8, 13), (13, 21), (16, 22), (5, 19), (8, 21), (22, 24), (5, 24), (4, 13), (16, 21), (7, 22), (4, 16),
  ]
  private static let triples = [(5, 8, 16), (19, 21, 22), (8, 13, 22), (16, 19, 21), (5, 13, 22), (8, 19, 24)]
  private static let rank = 4

  private let seed: UInt64
  private let orders: Set<Int>
  private let cardinalities: [Int]
  private let truth: CounterRandom
  private let salts: [UInt64]
  private let missing: [Double]
  private let slopes: [Double]
  private let phases: [Double]
  /// Per field with interactions: `[cardinality x rank]`.
  private let vectors: [[Double]]
  /// Per field with interactions: ±1 a category.
  private let signs: [[Double]]

  public init(truthSeed: UInt64, seed: UInt64, maximumCardinality: Int = 200_000, orders: Set<Int> = [1, 2, 3]) {
    self.seed = seed
    self.orders = orders
    let cardinalities = Self.cardinalities.map { min($0, maximumCardinality) }
    self.cardinalities = cardinalities
    var draws = CounterRandom(DrawPurpose.plantedTruth, truthSeed)
    salts = (0..<26).map { _ in draws.next() }
    missing = (0..<39).map { _ in draws.uniform() * 0.2 }
    slopes = (0..<13).map { _ in draws.normal() * 0.16 }
    phases = (0..<13).map { _ in draws.uniform() * 6.28 }
    truth = draws.forked(0)
    let interacting = Set(Self.pairs.flatMap { [$0.0, $0.1] } + Self.triples.flatMap { [$0.0, $0.1, $0.2] })
    vectors = (0..<26).map { field in
      guard interacting.contains(field) else { return [] }
      var draws = draws.forked(UInt64(field) + 100)
      return (0..<cardinalities[field] * Self.rank).map { _ in draws.normal() * 0.75 }
    }
    signs = (0..<26).map { field in
      guard interacting.contains(field) else { return [] }
      var draws = draws.forked(UInt64(field) + 200)
      return (0..<cardinalities[field]).map { _ in draws.next() & 1 == 0 ? 1 : -1 }
    }
  }

  private struct Row {
    /// nil: missing.
    var integers = [Int?](repeating: nil, count: 13)
    /// -1: missing.
    var categories = [Int](repeating: -1, count: 26)
  }

  private func draw(_ row: inout Row, _ random: inout CounterRandom) {
    for field in 0..<13 {
      let isMissing = random.uniform() < missing[field]
      let value = Int(exp(1.6 + 1.5 * random.normal()))
      row.integers[field] = isMissing ? nil : value
    }
    for field in 0..<26 {
      let isMissing = random.uniform() < missing[13 + field] && Self.cardinalities[field] > 30
      let cardinality = cardinalities[field]
      // Zipf with exponent 1.1 by inverse transform: (1 - (1 - c^-0.1) u)^-10, its power written out.
      let t = 1 / (1 - (1 - pow(Double(cardinality), -0.1)) * random.uniform())
      let t2 = t * t
      let t8 = t2 * t2 * t2 * t2
      row.categories[field] = isMissing ? -1 : min(Int(t8 * t2) - 1, cardinality - 1)
    }
  }

  private func logit(_ row: Row) -> Double {
    var z = -1.25
    if orders.contains(1) {
      for field in 0..<13 {
        guard let value = row.integers[field] else { continue }
        let x = log1p(Double(value))
        z += slopes[field] * (x - 1.8) + 0.15 * sin(1.7 * x + phases[field])
      }
      for field in 0..<26 where row.categories[field] >= 0 {
        var draw = truth.forked(UInt64(field) << 40 | UInt64(row.categories[field]))
        z += (cardinalities[field] > 5000 ? 0.1 : 0.25) * draw.normal()
      }
    }
    if orders.contains(2) {
      for (a, b) in Self.pairs where row.categories[a] >= 0 && row.categories[b] >= 0 {
        var product = 0.0
        for d in 0..<Self.rank {
          product += vectors[a][row.categories[a] * Self.rank + d] * vectors[b][row.categories[b] * Self.rank + d]
        }
        z += 0.34 * product
      }
    }
    if orders.contains(3) {
      for (a, b, c) in Self.triples where row.categories[a] >= 0 && row.categories[b] >= 0 && row.categories[c] >= 0 {
        z += 0.42 * signs[a][row.categories[a]] * signs[b][row.categories[b]] * signs[c][row.categories[c]]
      }
    }
    return z
  }

  /// Writes `rows` rows to `path`, which appears when it is complete.
  public func write(rows: Int, to path: String, progress: ((Int) -> Void)? = nil) throws -> Drawn {
    let output = try OutputFile(path: path)
    var drawn = Drawn()
    drawn.labels.reserveCapacity(rows)
    drawn.logits.reserveCapacity(rows)
    let base = CounterRandom(DrawPurpose.synthesizedRow, seed)
    var row = Row()
    var text: [UInt8] = []
    for number in 0..<rows {
      var random = base.forked(UInt64(number))
      draw(&row, &random)
      let z = logit(row)
      let label = random.uniform() < 1 / (1 + exp(-z))
      drawn.labels.append(label ? 1 : 0)
      drawn.logits.append(Float(z))
      append(row, label: label, to: &text)
      if text.count > 1 << 20 || number == rows - 1 {
        try output.write(text)
        text.removeAll(keepingCapacity: true)
        progress?(number + 1)
      }
    }
    try output.close()
    return drawn
  }

  private func append(_ row: Row, label: Bool, to text: inout [UInt8]) {
    text.append(label ? 49 : 48)
    for value in row.integers {
      text.append(9)
      if let value { text.append(contentsOf: String(value).utf8) }
    }
    for (field, category) in row.categories.enumerated() {
      text.append(9)
      guard category >= 0 else { continue }
      // A bijection of 32 bits, so that different categories look different.
      let code = UInt32(truncatingIfNeeded: UInt64(category) &* 2_654_435_761 &+ salts[field])
      for shift in stride(from: UInt32(28), through: 0, by: -4) {
        let digit = UInt8(code >> shift & 15)
        text.append(digit < 10 ? 48 + digit : 87 + digit)
      }
    }
    text.append(10)
  }
}
