/// How features' rows are written to a file; layers are in single precision always.
public enum RowPrecision: String, CaseIterable, Sendable {
  case fp32
  /// IEEE 754 half precision.
  case fp16
  /// A row's numbers by the largest of them, in 255 steps; single numbers, such as weights, in half precision.
  case int8

  /// - Parameter columns: of a row.
  func tensors(of name: String, _ columns: Range<Int>, _ state: ModelState) -> [ModelTensor] {
    let shape = [state.rows] + (columns.count > 1 ? [columns.count] : [])
    func tensor(
      _ name: String, _ type: String, _ shape: [Int],
      _ bytes: @escaping (UnsafePointer<Float>, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) -> ModelTensor {
      ModelTensor(name: name, type: type, shape: shape) { put in
        try state.forEachRow { try bytes($1 + columns.lowerBound, put) }
      }
    }
    switch self {
    case .fp32:
      return [
        tensor("sparse.\(name)", "F32", shape) { row, put in
          try put(UnsafeRawBufferPointer(start: row, count: columns.count * 4))
        }
      ]
    case .int8 where columns.count > 1:
      return [
        tensor("sparse.\(name)", "I8", shape) { row, put in
          let scale = Self.scale(row, columns.count)
          try (0..<columns.count).map { scale > 0 ? Int8((row[$0] / scale).rounded()) : 0 }.withUnsafeBytes(put)
        },
        tensor("sparse.\(name).scale", "F32", [state.rows]) { row, put in
          try withUnsafeBytes(of: Self.scale(row, columns.count), put)
        },
      ]
    case .fp16, .int8:
      return [
        tensor("sparse.\(name)", "F16", shape) { row, put in
          try (0..<columns.count).map { Float16(row[$0]) }.withUnsafeBytes(put)
        }
      ]
    }
  }

  private static func scale(_ row: UnsafePointer<Float>, _ count: Int) -> Float {
    (0..<count).reduce(0) { max($0, abs(row[$1])) } / 127
  }
}
