import COpenBLAS

/// A row-major matrix over memory that someone else owns.
public struct Matrix<Scalar> {
  public var start: UnsafeMutablePointer<Scalar>
  public var rows: Int
  public var columns: Int

  public init(_ start: UnsafeMutablePointer<Scalar>, rows: Int, columns: Int) {
    self.start = start
    self.rows = rows
    self.columns = columns
  }

  /// For a matrix that is only read.
  public init(reading start: UnsafePointer<Scalar>, rows: Int, columns: Int) {
    self.init(UnsafeMutablePointer(mutating: start), rows: rows, columns: columns)
  }
}

/// What does the heavy arithmetic: OpenBLAS now, a GPU later.
public protocol ComputeBackend: Sendable {
  associatedtype Scalar: ModelScalar

  /// `result = left · right`, each transposed where asked. Shapes must fit.
  static func multiply(
    _ left: Matrix<Scalar>, transposed leftIsTransposed: Bool, _ right: Matrix<Scalar>,
    transposed rightIsTransposed: Bool, into result: Matrix<Scalar>)
}

/// Single precision on the CPU, with OpenBLAS.
public enum OpenBLAS: ComputeBackend {
  public static func multiply(
    _ left: Matrix<Float>, transposed leftIsTransposed: Bool, _ right: Matrix<Float>,
    transposed rightIsTransposed: Bool,
    into result: Matrix<Float>
  ) {
    cblas_sgemm(
      CblasRowMajor, leftIsTransposed ? CblasTrans : CblasNoTrans, rightIsTransposed ? CblasTrans : CblasNoTrans,
      blasint(result.rows), blasint(result.columns), blasint(leftIsTransposed ? left.rows : left.columns), 1,
      left.start, blasint(left.columns), right.start, blasint(right.columns), 0, result.start, blasint(result.columns))
  }
}

/// Double precision on the CPU, with OpenBLAS: what gradients are checked in.
public enum OpenBLASDouble: ComputeBackend {
  public static func multiply(
    _ left: Matrix<Double>, transposed leftIsTransposed: Bool, _ right: Matrix<Double>,
    transposed rightIsTransposed: Bool, into result: Matrix<Double>
  ) {
    cblas_dgemm(
      CblasRowMajor, leftIsTransposed ? CblasTrans : CblasNoTrans, rightIsTransposed ? CblasTrans : CblasNoTrans,
      blasint(result.rows), blasint(result.columns), blasint(leftIsTransposed ? left.rows : left.columns), 1,
      left.start, blasint(left.columns), right.start, blasint(right.columns), 0, result.start, blasint(result.columns))
  }
}

/// OpenBLAS takes every core unless told otherwise.
public enum BLASThreads {
  /// For the whole process. A worker sets 1 and computes several slices at a time, so that the number of threads does
  /// not show in the bits.
  public static func set(_ threads: Int) { openblas_set_num_threads(Int32(threads)) }
}
