/// Order-2 interactions of a factorization machine: `Σ_{i<j} ⟨eᵢ, eⱼ⟩`, in O(m·k) by Rendle's identity
/// `½ (‖Σ eᵢ‖² − Σ ‖eᵢ‖²)`.
///
/// - Source: DeepFM, eq. 4; S. Rendle, "Factorization Machines", lemma 3.1.
struct PairwiseInteractions<Scalar: ModelScalar>: Sendable {
  let vectors: FieldVectors
  /// `[rows x k]`: `Σ eᵢ`.
  private let sums: Buffer

  init(_ vectors: FieldVectors, plan: inout BufferPlan) {
    self.vectors = vectors
    sums = plan.reserve(perRow: vectors.k)
  }

  /// - Parameter logits: `[rows]`; the term is added to it.
  func forward(rows: Int, logits: UnsafeMutablePointer<Scalar>, in workspace: Workspace<Scalar>) {
    let (fields, k) = (vectors.fields, vectors.k)
    for row in 0..<rows {
      let a = workspace[vectors.values] + row * vectors.stride
      let sum = workspace[sums] + row * k
      sumVectors(a, fields: fields, k: k, into: sum)
      logits[row] += (innerProduct(sum, sum, count: k) - innerProduct(a, a, count: fields * k)) / 2
    }
  }

  /// Adds the term's gradient to that of the vectors: `∂/∂eᵢ = Σ e − eᵢ`.
  func backward(rows: Int, logitGradient: UnsafePointer<Scalar>, in workspace: Workspace<Scalar>) {
    let k = vectors.k
    for row in 0..<rows {
      let sum = workspace[sums] + row * k
      let delta = logitGradient[row]
      var e = workspace[vectors.values] + row * vectors.stride
      var g = workspace[vectors.gradients] + row * vectors.stride
      for _ in 0..<vectors.fields {
        for d in 0..<k { g[d] += delta * (sum[d] - e[d]) }
        e += k
        g += k
      }
    }
  }
}

/// `Σ eᵢ` over the fields of a row.
@inline(__always)
func sumVectors<Scalar: ModelScalar>(
  _ vectors: UnsafePointer<Scalar>, fields: Int, k: Int, into sum: UnsafeMutablePointer<Scalar>
) {
  for d in 0..<k { sum[d] = 0 }
  for field in 0..<fields {
    let e = vectors + field * k
    for d in 0..<k { sum[d] += e[d] }
  }
}
