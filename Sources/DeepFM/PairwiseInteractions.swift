/// Order-2 interactions of a factorization machine: `Σ_{i<j} ⟨eᵢ, eⱼ⟩`, in O(m·k) by Rendle's identity
/// `½ (‖Σ eᵢ‖² − Σ ‖eᵢ‖²)`.
///
/// - Source: DeepFM, eq. 4; S. Rendle, "Factorization Machines", lemma 3.1.
struct PairwiseInteractions<Scalar: ModelScalar> {
  let fields: Int
  let k: Int

  /// - Parameters:
  ///   - embeddings: `[rows x fields·k]`.
  ///   - sums: `[rows x k]`, overwritten by `Σ eᵢ`; `backward` wants it.
  ///   - logits: `[rows]`; the term is added to it.
  func forward(
    _ embeddings: UnsafePointer<Scalar>, rows: Int, sums: UnsafeMutablePointer<Scalar>,
    logits: UnsafeMutablePointer<Scalar>
  ) {
    for row in 0..<rows {
      let a = embeddings + row * fields * k
      let sum = sums + row * k
      for d in 0..<k { sum[d] = 0 }
      for field in 0..<fields {
        let e = a + field * k
        for d in 0..<k { sum[d] += e[d] }
      }
      logits[row] += (squaredNorm(sum, count: k) - squaredNorm(a, count: fields * k)) / 2
    }
  }

  /// Adds the term's gradient: `∂/∂eᵢ = Σ e − eᵢ`.
  func backward(
    _ embeddings: UnsafePointer<Scalar>, rows: Int, sums: UnsafePointer<Scalar>, logitGradient: UnsafePointer<Scalar>,
    embeddingGradient: UnsafeMutablePointer<Scalar>
  ) {
    for row in 0..<rows {
      let sum = sums + row * k
      let delta = logitGradient[row]
      for field in 0..<fields {
        let e = embeddings + (row * fields + field) * k
        let g = embeddingGradient + (row * fields + field) * k
        for d in 0..<k { g[d] += delta * (sum[d] - e[d]) }
      }
    }
  }
}

/// `Σ x²`, in eight lanes.
@inline(__always)
func squaredNorm<Scalar: ModelScalar>(_ x: UnsafePointer<Scalar>, count: Int) -> Scalar {
  innerProduct(x, x, count: count)
}

/// `Σ a·b`, in eight lanes whose order does not depend on alignment.
@inline(__always)
func innerProduct<Scalar: ModelScalar>(_ a: UnsafePointer<Scalar>, _ b: UnsafePointer<Scalar>, count: Int) -> Scalar {
  var lanes = SIMD8<Scalar>.zero
  let rawA = UnsafeRawPointer(a)
  let rawB = UnsafeRawPointer(b)
  let whole = count & ~7
  var i = 0
  while i < whole {
    let offset = i &* MemoryLayout<Scalar>.stride
    lanes +=
      rawA.loadUnaligned(fromByteOffset: offset, as: SIMD8<Scalar>.self)
      * rawB.loadUnaligned(fromByteOffset: offset, as: SIMD8<Scalar>.self)
    i &+= 8
  }
  var sum = lanes.sum()
  while i < count {
    sum += a[i] * b[i]
    i &+= 1
  }
  return sum
}
