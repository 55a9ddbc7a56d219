/// A click-through-rate model: forward and backward over parameters that it asks for and never owns.
public protocol Model<Scalar>: Sendable {
  associatedtype Scalar: ModelScalar

  var configuration: ModelConfiguration { get }
  var sparse: SparseLayout { get }
  var dense: DenseLayout { get }

  /// Buffers for slices of at most `rows` rows.
  func makeWorkspace(rows: Int) -> Workspace<Scalar>

  /// Gradients of a slice, summed over its rows; the servers average.
  ///
  /// - Parameters:
  ///   - dense: `[dense.count]`.
  ///   - dropout: which neurons are kept.
  ///   - sparseGradient: `[uniqueCount x sparse.width]`, overwritten.
  ///   - denseGradient: `[dense.count]`, overwritten, 0 where there is no parameter.
  /// - Returns: the rows' logloss, summed (eq. 10), without L2.
  func train(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, dropout: DropoutCounter,
    sparseGradient: UnsafeMutablePointer<Scalar>, denseGradient: UnsafeMutablePointer<Scalar>,
    in workspace: Workspace<Scalar>
  ) -> Double

  /// Logits without dropout: the click probability is their sigmoid.
  ///
  /// - Parameter logits: `[rows]`, overwritten.
  func predict(
    _ input: SliceInput<Scalar>, dense: UnsafePointer<Scalar>, logits: UnsafeMutablePointer<Scalar>,
    in workspace: Workspace<Scalar>)

  /// What each hidden layer put out for the rows that were predicted last, `[rows x neurons]`.
  func hiddenOutputs(in workspace: Workspace<Scalar>) -> [(neurons: Int, values: UnsafeMutablePointer<Scalar>)]
}

/// The model of a name, in single precision on the CPU.
public func makeModel(_ configuration: ModelConfiguration) throws -> any Model<Float> {
  try configuration.validate()
  return WideAndDeepModel<OpenBLAS>(configuration)
}
