import Foundation

/// Mean and spread of some runs.
public struct Sample: Hashable, Sendable {
  public let values: [Double]

  public init(_ values: [Double]) { self.values = values }

  public var mean: Double { values.reduce(0, +) / Double(values.count) }

  /// Of the sample, with n−1; 0 for a single value.
  public var deviation: Double {
    guard values.count > 1 else { return 0 }
    let mean = mean
    return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
  }

  /// Two-sided p-value of Welch's t-test that both samples have one mean, whatever their variances (B. L. Welch 1947).
  ///
  /// - Returns: nil where it is not defined: fewer than two values, or no spread in either sample.
  public func welchTest(against other: Sample) -> Double? {
    guard values.count > 1, other.values.count > 1 else { return nil }
    let a = deviation * deviation / Double(values.count)
    let b = other.deviation * other.deviation / Double(other.values.count)
    guard a + b > 0 else { return nil }
    let t = (mean - other.mean) / (a + b).squareRoot()
    let freedom = (a + b) * (a + b) / (a * a / Double(values.count - 1) + b * b / Double(other.values.count - 1))
    return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
  }
}

/// The regularised incomplete beta function `I_x(a, b)`, by its continued fraction (NIST DLMF 8.17.22, evaluated by the
/// modified Lentz method).
func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  guard x > 0 else { return 0 }
  guard x < 1 else { return 1 }
  // The fraction converges fast below this point; above, the symmetry I_x(a,b) = 1 − I_{1−x}(b,a) leads there.
  guard x < (a + 1) / (a + b + 2) else { return 1 - incompleteBeta(1 - x, b, a) }
  let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
  let tiny = 1e-300
  var c = 1.0
  var d = 1 - (a + b) * x / (a + 1)
  d = 1 / (abs(d) < tiny ? tiny : d)
  var fraction = d
  for m in 1...10_000 {
    let k = Double(m)
    for numerator in [
      k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)), -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)),
    ] {
      d = 1 + numerator * d
      d = 1 / (abs(d) < tiny ? tiny : d)
      c = 1 + numerator / c
      c = abs(c) < tiny ? tiny : c
      fraction *= c * d
    }
    if abs(c * d - 1) < 1e-15 { break }
  }
  return front * fraction
}
