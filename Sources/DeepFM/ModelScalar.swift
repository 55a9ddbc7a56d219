import Glibc

/// The numbers a model computes with: Float to train, Double to check gradients.
public protocol ModelScalar: BinaryFloatingPoint, SIMDScalar, Codable, Sendable {
  static func exponential(_ x: Self) -> Self
  static func hyperbolicTangent(_ x: Self) -> Self
}

extension Float: ModelScalar {
  @inlinable public static func exponential(_ x: Float) -> Float { expf(x) }
  @inlinable public static func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
}

extension Double: ModelScalar {
  @inlinable public static func exponential(_ x: Double) -> Double { exp(x) }
  @inlinable public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
}
