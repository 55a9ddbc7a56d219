/// The outer product of a PNN's first layer, by superposition: `p = flatten(s sᵀ)` with `s = Σ eᵢ`, k² numbers (eq. 9,
/// OPNN).
///
/// - Source: Qu et al., "Product-based Neural Networks for User Response Prediction", 2016, section III-C.
struct OuterProduct<Scalar: ModelScalar>: Sendable {
  let vectors: FieldVectors
  /// Where the products begin in a row of the vectors' buffers.
  let offset: Int
  /// `[rows x k]`: s, then room for its gradient.
  private let sums: Buffer

  static func count(k: Int) -> Int { k * k }

  init(_ vectors: FieldVectors, offset: Int, plan: inout BufferPlan) {
    self.vectors = vectors
    self.offset = offset
    sums = plan.reserve(perRow: 2 * vectors.k)
  }

  func forward(rows: Int, in workspace: Workspace<Scalar>) {
    let k = vectors.k
    for row in 0..<rows {
      let e = workspace[vectors.values] + row * vectors.stride
      let s = workspace[sums] + row * 2 * k
      sumVectors(e, fields: vectors.fields, k: k, into: s)
      let p = e + offset
      for a in 0..<k {
        for b in 0..<k { p[a * k + b] = s[a] * s[b] }
      }
    }
  }

  /// Adds to the vectors' gradients: `∂/∂eᵢ = (P + Pᵀ) s`, the same for every field.
  func backward(rows: Int, in workspace: Workspace<Scalar>) {
    let k = vectors.k
    for row in 0..<rows {
      let g = workspace[vectors.gradients] + row * vectors.stride
      let p = g + offset
      let s = workspace[sums] + row * 2 * k
      let delta = s + k
      for a in 0..<k {
        var sum = innerProduct(p + a * k, s, count: k)
        for b in 0..<k { sum += p[b * k + a] * s[b] }
        delta[a] = sum
      }
      for field in 0..<vectors.fields {
        let gf = g + field * k
        for d in 0..<k { gf[d] += delta[d] }
      }
    }
  }
}
