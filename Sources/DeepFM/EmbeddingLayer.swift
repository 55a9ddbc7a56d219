/// Gathers a row's latent vectors and FM terms, and scatters their gradients.
///
/// `e_f = Σ V_i x_i` over the entries i of field f (eqs. 5, 6); for a field with one category it is that one's vector.
/// A row of parameters is `[w | V]`: the weight of the linear term, then the latent vector of width k.
struct EmbeddingLayer<Scalar: ModelScalar> {
  let fields: Int
  let k: Int

  /// - Parameters:
  ///   - embeddings: `[rows x fields·k]`, overwritten.
  ///   - linear: `[rows]`, overwritten by `<w, x>`.
  func forward(
    _ input: SliceInput<Scalar>, embeddings: UnsafeMutablePointer<Scalar>, linear: UnsafeMutablePointer<Scalar>
  ) {
    var cell = 0
    for row in 0..<input.rows {
      var term: Scalar = 0
      for _ in 0..<fields {
        let e = embeddings + cell * k
        let first = Int(input.offsets[cell])
        let last = Int(input.offsets[cell + 1])
        if last == first { e.update(repeating: 0, count: k) }
        for entry in first..<last {
          let x = Scalar(input.values[entry])
          let parameters = input.parameters[Int(input.unique[entry])]
          let v = parameters + 1
          term += parameters[0] * x
          if entry == first {
            for d in 0..<k { e[d] = v[d] * x }
          } else {
            for d in 0..<k { e[d] += v[d] * x }
          }
        }
        cell += 1
      }
      linear[row] = term
    }
  }

  /// Adds up the gradients of `[w | V]` over the entries, in the order of the rows.
  ///
  /// - Parameters:
  ///   - embeddingGradient: `[rows x fields·k]`.
  ///   - logitGradient: `[rows]`; the linear term's.
  ///   - gradient: `[uniqueCount x (1 + k)]`, overwritten.
  func backward(
    _ input: SliceInput<Scalar>, embeddingGradient: UnsafePointer<Scalar>, logitGradient: UnsafePointer<Scalar>,
    gradient: UnsafeMutablePointer<Scalar>
  ) {
    let width = 1 + k
    gradient.update(repeating: 0, count: input.uniqueCount * width)
    var cell = 0
    for row in 0..<input.rows {
      let delta = logitGradient[row]
      for _ in 0..<fields {
        let e = embeddingGradient + cell * k
        for entry in Int(input.offsets[cell])..<Int(input.offsets[cell + 1]) {
          let x = Scalar(input.values[entry])
          let g = gradient + Int(input.unique[entry]) * width
          let v = g + 1
          g[0] += delta * x
          for d in 0..<k { v[d] += e[d] * x }
        }
        cell += 1
      }
    }
  }
}
