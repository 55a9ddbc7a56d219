/// Order 1: `<w, x>` (eq. 4, and the paper's LR).
struct LinearTerm<Scalar: ModelScalar>: Sendable {
  /// Where w lies in a row of parameters, and how wide such a row is.
  let column: Int
  let rowWidth: Int

  /// - Parameter logits: `[rows]`; the term is added to it.
  func forward(_ input: SliceInput<Scalar>, logits: UnsafeMutablePointer<Scalar>) {
    for row in 0..<input.rows {
      var term: Scalar = 0
      for entry in entries(input, row) {
        term += input.parameters[Int(input.unique[entry])][column] * Scalar(input.values[entry])
      }
      logits[row] += term
    }
  }

  /// Adds the term's gradient to `gradient`, `[uniqueCount x rowWidth]`, in the order of the rows.
  func backward(
    _ input: SliceInput<Scalar>, logitGradient: UnsafePointer<Scalar>, gradient: UnsafeMutablePointer<Scalar>
  ) {
    for row in 0..<input.rows {
      let delta = logitGradient[row]
      for entry in entries(input, row) {
        gradient[Int(input.unique[entry]) * rowWidth + column] += delta * Scalar(input.values[entry])
      }
    }
  }

  @inline(__always)
  private func entries(_ input: SliceInput<Scalar>, _ row: Int) -> Range<Int> {
    Int(input.offsets[row * input.fields])..<Int(input.offsets[(row + 1) * input.fields])
  }
}
