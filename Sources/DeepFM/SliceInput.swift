/// One slice as a model sees it: sparse rows of data, and where each touched row of parameters is.
///
/// All memory is the caller's and must outlive the call.
public struct SliceInput<Scalar: ModelScalar> {
  /// At least 1.
  public var rows: Int
  public var fields: Int
  /// `[rows·fields + 1]`: the entries of cell (row, field) are `offsets[row·fields + field] ..< offsets[... + 1]`.
  public var offsets: UnsafePointer<Int32>
  /// Per entry: the number of its key among the slice's distinct keys.
  public var unique: UnsafePointer<UInt32>
  /// Per entry: x.
  public var values: UnsafePointer<Float>
  /// Per row: 0 or 1.
  public var labels: UnsafePointer<Float>
  /// Per distinct key: its row of parameters, laid out as the model's `SparseLayout`.
  public var parameters: UnsafePointer<UnsafePointer<Scalar>>
  public var uniqueCount: Int

  public init(
    rows: Int, fields: Int, offsets: UnsafePointer<Int32>, unique: UnsafePointer<UInt32>, values: UnsafePointer<Float>,
    labels: UnsafePointer<Float>, parameters: UnsafePointer<UnsafePointer<Scalar>>, uniqueCount: Int
  ) {
    self.rows = rows
    self.fields = fields
    self.offsets = offsets
    self.unique = unique
    self.values = values
    self.labels = labels
    self.parameters = parameters
    self.uniqueCount = uniqueCount
  }
}
