import Testing

@testable import DeepFM

/// Layers against their equations, written down as plainly as possible.
struct LayerTests {
  /// Random vectors for `fields` fields of width k, with room for products behind them.
  private struct Fixture {
    let vectors: FieldVectors
    var plan: BufferPlan
    var workspace: Workspace<Double>
    let rows = 3

    init(seed: Int, products: (Int, Int) -> Int) {
      var random = SplitMix(seed)
      let (fields, k) = (Int.random(in: 1...9, using: &random), Int.random(in: 1...17, using: &random))
      plan = BufferPlan()
      vectors = FieldVectors(fields: fields, k: k, products: products(fields, k), plan: &plan)
      workspace = Workspace(rows: rows, plan: plan)
    }

    /// Makes the workspace, once all buffers are reserved, and fills vectors and gradients.
    mutating func fill(seed: Int) {
      var random = SplitMix(seed)
      workspace = Workspace(rows: rows, plan: plan)
      for i in 0..<rows * vectors.stride {
        workspace[vectors.values][i] = Double.random(in: -1...1, using: &random)
        workspace[vectors.gradients][i] = Double.random(in: -1...1, using: &random)
      }
    }

    func e(_ row: Int, _ field: Int, _ d: Int) -> Double {
      workspace[vectors.values][row * vectors.stride + field * vectors.k + d]
    }

    func inner(_ row: Int, _ i: Int, _ j: Int) -> Double {
      (0..<vectors.k).reduce(0) { $0 + e(row, i, $1) * e(row, j, $1) }
    }

    var gradients: [Double] { (0..<rows * vectors.stride).map { workspace[vectors.gradients][$0] } }
    var values: [Double] { (0..<rows * vectors.stride).map { workspace[vectors.values][$0] } }
  }

  @Test("Pairwise interactions equal the sum over all pairs, and so do their gradients", arguments: 0..<20)
  func interactions(seed: Int) {
    var fixture = Fixture(seed: seed) { _, _ in seed % 2 }
    let layer = PairwiseInteractions<Double>(fixture.vectors, plan: &fixture.plan)
    fixture.fill(seed: seed)
    let before = fixture.gradients
    var logits = [Double](repeating: 0.5, count: fixture.rows)
    let delta = [0.3, -1, 2]
    layer.forward(rows: fixture.rows, logits: &logits, in: fixture.workspace)
    layer.backward(rows: fixture.rows, logitGradient: delta, in: fixture.workspace)
    let (fields, k) = (fixture.vectors.fields, fixture.vectors.k)
    for row in 0..<fixture.rows {
      var sum = 0.5
      for i in 0..<fields {
        for j in 0..<fields where i < j { sum += fixture.inner(row, i, j) }
      }
      #expect(abs(logits[row] - sum) < 1e-12)
      for i in 0..<fields {
        for d in 0..<k {
          let place = row * fixture.vectors.stride + i * k + d
          let others = (0..<fields).filter { $0 != i }.reduce(0) { $0 + fixture.e(row, $1, d) }
          #expect(abs(fixture.gradients[place] - before[place] - delta[row] * others) < 1e-12)
        }
      }
    }
  }

  @Test("Inner products stand behind the vectors, pair by pair; theirs are the gradients", arguments: 0..<20)
  func innerProducts(seed: Int) {
    var fixture = Fixture(seed: seed) { fields, _ in InnerProducts<Double>.count(fields: fields) }
    let (fields, k, stride) = (fixture.vectors.fields, fixture.vectors.k, fixture.vectors.stride)
    let layer = InnerProducts<Double>(vectors: fixture.vectors, offset: fields * k)
    fixture.fill(seed: seed)
    let before = fixture.gradients
    layer.forward(rows: fixture.rows, in: fixture.workspace)
    layer.backward(rows: fixture.rows, in: fixture.workspace)
    for row in 0..<fixture.rows {
      var expected = before
      var place = row * stride + fields * k
      for i in 0..<fields {
        for j in 0..<fields where i < j {
          #expect(abs(fixture.values[place] - fixture.inner(row, i, j)) < 1e-12)
          for d in 0..<k {
            expected[row * stride + i * k + d] += before[place] * fixture.e(row, j, d)
            expected[row * stride + j * k + d] += before[place] * fixture.e(row, i, d)
          }
          place += 1
        }
      }
      for i in row * stride..<(row + 1) * stride { #expect(abs(fixture.gradients[i] - expected[i]) < 1e-12) }
    }
  }

  @Test(
    "The outer product is that of the vectors' sum with itself; its gradient reaches every field", arguments: 0..<20)
  func outerProduct(seed: Int) {
    var fixture = Fixture(seed: seed) { _, k in OuterProduct<Double>.count(k: k) }
    let (fields, k, stride) = (fixture.vectors.fields, fixture.vectors.k, fixture.vectors.stride)
    let layer = OuterProduct<Double>(fixture.vectors, offset: fields * k, plan: &fixture.plan)
    fixture.fill(seed: seed)
    let before = fixture.gradients
    layer.forward(rows: fixture.rows, in: fixture.workspace)
    layer.backward(rows: fixture.rows, in: fixture.workspace)
    for row in 0..<fixture.rows {
      let s = (0..<k).map { d in (0..<fields).reduce(0) { $0 + fixture.e(row, $1, d) } }
      let products = row * stride + fields * k
      for a in 0..<k {
        var delta = 0.0
        for b in 0..<k {
          #expect(abs(fixture.values[products + a * k + b] - s[a] * s[b]) < 1e-12)
          delta += (before[products + a * k + b] + before[products + b * k + a]) * s[b]
        }
        for field in 0..<fields {
          let place = row * stride + field * k + a
          #expect(abs(fixture.gradients[place] - before[place] - delta) < 1e-11)
        }
      }
    }
  }
}
