/// Where the vectors of a row's fields lie: field f's at `values[row · stride + f · k]`, and the loss's gradient with
/// respect to it at the same place of `gradients`.
struct FieldVectors: Sendable {
  let fields: Int
  let k: Int
  /// Elements from row to row: `fields · k`, and more where products follow the vectors.
  let stride: Int
  let values: Buffer
  let gradients: Buffer

  init(fields: Int, k: Int, products: Int, plan: inout BufferPlan) {
    self.fields = fields
    self.k = k
    stride = fields * k + products
    values = plan.reserve(perRow: stride)
    gradients = plan.reserve(perRow: stride)
  }
}

/// Gathers the vectors of a row's fields, and scatters their gradients.
///
/// `e_f = Σ V_i x_i` over the entries i of field f (eqs. 5, 6); for a field with one category it is that one's vector.
struct EmbeddingLayer<Scalar: ModelScalar>: Sendable {
  /// Where V begins in a row of parameters, and how wide such a row is.
  let column: Int
  let rowWidth: Int
  let vectors: FieldVectors

  func forward(_ input: SliceInput<Scalar>, in workspace: Workspace<Scalar>) {
    let k = vectors.k
    var cell = 0
    for row in 0..<input.rows {
      var e = workspace[vectors.values] + row * vectors.stride
      for _ in 0..<vectors.fields {
        let first = Int(input.offsets[cell])
        let last = Int(input.offsets[cell + 1])
        if last == first { e.update(repeating: 0, count: k) }
        for entry in first..<last {
          let x = Scalar(input.values[entry])
          let v = input.parameters[Int(input.unique[entry])] + column
          if entry == first {
            for d in 0..<k { e[d] = v[d] * x }
          } else {
            for d in 0..<k { e[d] += v[d] * x }
          }
        }
        cell += 1
        e += k
      }
    }
  }

  /// Adds the entries' gradients to `gradient`, `[uniqueCount x rowWidth]`, in the order of the rows.
  func backward(
    _ input: SliceInput<Scalar>, gradient: UnsafeMutablePointer<Scalar>, in workspace: Workspace<Scalar>
  ) {
    let k = vectors.k
    var cell = 0
    for row in 0..<input.rows {
      var e = workspace[vectors.gradients] + row * vectors.stride
      for _ in 0..<vectors.fields {
        for entry in Int(input.offsets[cell])..<Int(input.offsets[cell + 1]) {
          let x = Scalar(input.values[entry])
          let v = gradient + Int(input.unique[entry]) * rowWidth + column
          for d in 0..<k { v[d] += e[d] * x }
        }
        cell += 1
        e += k
      }
    }
  }
}
