/// The inner products of a PNN's first layer: `p_ij = ⟨eᵢ, eⱼ⟩` for i < j, m(m−1)/2 of them (eq. 9, IPNN).
///
/// - Source: Qu et al., "Product-based Neural Networks for User Response Prediction", 2016.
struct InnerProducts<Scalar: ModelScalar>: Sendable {
  let vectors: FieldVectors
  /// Where the products begin in a row of the vectors' buffers.
  let offset: Int

  static func count(fields: Int) -> Int { fields * (fields - 1) / 2 }

  func forward(rows: Int, in workspace: Workspace<Scalar>) {
    let k = vectors.k
    for row in 0..<rows {
      let e = workspace[vectors.values] + row * vectors.stride
      var p = e + offset
      for i in 0..<vectors.fields {
        for j in i + 1..<max(i + 1, vectors.fields) {
          p.pointee = innerProduct(e + i * k, e + j * k, count: k)
          p += 1
        }
      }
    }
  }

  /// Adds to the vectors' gradients: `∂p_ij/∂eᵢ = eⱼ`, and the other way round.
  func backward(rows: Int, in workspace: Workspace<Scalar>) {
    let k = vectors.k
    for row in 0..<rows {
      let e = workspace[vectors.values] + row * vectors.stride
      let g = workspace[vectors.gradients] + row * vectors.stride
      var p = g + offset
      for i in 0..<vectors.fields {
        for j in i + 1..<max(i + 1, vectors.fields) {
          let delta = p.pointee
          let (ei, ej, gi, gj) = (e + i * k, e + j * k, g + i * k, g + j * k)
          for d in 0..<k {
            gi[d] += delta * ej[d]
            gj[d] += delta * ei[d]
          }
          p += 1
        }
      }
    }
  }
}
