import Glibc

/// Cross entropy of the click probability `σ(y)` (eqs. 10, 11), in the form that neither overflows nor cancels.
enum LogLoss {
  /// `−t log σ(y) − (1−t) log(1−σ(y)) = max(y, 0) − t·y + log(1 + e^−|y|)`.
  static func loss(logit y: Double, label t: Double) -> Double { max(y, 0) - t * y + log1p(exp(-abs(y))) }

  /// Writes `∂loss/∂y = σ(y) − t` per row and returns the loss summed over the rows.
  static func forwardBackward<Scalar: ModelScalar>(
    logits: UnsafePointer<Scalar>, labels: UnsafePointer<Float>, rows: Int, gradient: UnsafeMutablePointer<Scalar>
  ) -> Double {
    var sum = 0.0
    for row in 0..<rows {
      let y = Double(logits[row])
      let t = Double(labels[row])
      sum += loss(logit: y, label: t)
      gradient[row] = Scalar(1 / (1 + exp(-y)) - t)
    }
    return sum
  }
}
