/// What follows a layer's linear map (eq. 7).
public enum Activation: String, Codable, Sendable, CaseIterable {
  case relu, tanh, sigmoid

  /// Replaces each `z` by `act(z + bias)`.
  @inline(__always)
  func apply<Scalar: ModelScalar>(
    to z: UnsafeMutablePointer<Scalar>, bias: UnsafePointer<Scalar>, count: Int
  ) {
    switch self {
    case .relu:
      // A product instead of a choice: the compiler makes vectors of it, not branches.
      for i in 0..<count {
        let sum = z[i] + bias[i]
        let isPositive: Scalar = sum > 0 ? 1 : 0
        z[i] = sum * isPositive
      }
    case .tanh: for i in 0..<count { z[i] = Scalar.hyperbolicTangent(z[i] + bias[i]) }
    case .sigmoid: for i in 0..<count { z[i] = 1 / (1 + Scalar.exponential(-(z[i] + bias[i]))) }
    }
  }

  /// Multiplies each gradient by `act'(z) · scale`, told from the output `a = act(z) · scale`, scale being what dropout
  /// gave the neurons it kept. With relu, a neuron that was dropped gets 0; with the others the caller has seen to it.
  @inline(__always)
  func backpropagate<Scalar: ModelScalar>(
    _ gradient: UnsafeMutablePointer<Scalar>, output a: UnsafePointer<Scalar>, scale: Scalar, count: Int
  ) {
    switch self {
    case .relu:
      for i in 0..<count {
        let isPositive: Scalar = a[i] > 0 ? scale : 0
        gradient[i] *= isPositive
      }
    case .tanh:
      let unscale = 1 / scale
      for i in 0..<count {
        let output = a[i] * unscale
        gradient[i] *= (1 - output * output) * scale
      }
    case .sigmoid:
      let unscale = 1 / scale
      for i in 0..<count {
        let output = a[i] * unscale
        gradient[i] *= output * (1 - output) * scale
      }
    }
  }
}
