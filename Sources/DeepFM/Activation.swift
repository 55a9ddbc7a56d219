/// What follows a layer's linear map (eq. 7).
public enum Activation: String, Codable, Sendable, CaseIterable {
  case relu, tanh, sigmoid

  /// Replaces each `z` by `act(z)`.
  @inline(__always)
  func apply<Scalar: ModelScalar>(to z: UnsafeMutablePointer<Scalar>, count: Int) {
    switch self {
    case .relu: for i in 0..<count { z[i] = z[i] > 0 ? z[i] : 0 }
    case .tanh: for i in 0..<count { z[i] = Scalar.hyperbolicTangent(z[i]) }
    case .sigmoid: for i in 0..<count { z[i] = 1 / (1 + Scalar.exponential(-z[i])) }
    }
  }

  /// Multiplies each gradient by `act'(z)`, told from the output `a = act(z)`.
  @inline(__always)
  func backpropagate<Scalar: ModelScalar>(
    _ gradient: UnsafeMutablePointer<Scalar>, output a: UnsafePointer<Scalar>, count: Int
  ) {
    switch self {
    case .relu: for i in 0..<count { gradient[i] = a[i] > 0 ? gradient[i] : 0 }
    case .tanh: for i in 0..<count { gradient[i] *= 1 - a[i] * a[i] }
    case .sigmoid: for i in 0..<count { gradient[i] *= a[i] * (1 - a[i]) }
    }
  }
}
