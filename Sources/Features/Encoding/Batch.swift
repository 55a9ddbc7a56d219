/// Encoded rows in compressed sparse row form, reused from call to call without giving memory back.
///
/// The entries of cell (row r, field f) are `offsets[r * fields + f]..<offsets[r * fields + f + 1]` in `keys` and
/// `values`: one for a category or a number, any number for a multi-valued field, none where a value is left out.
public struct Batch: Sendable {
  public let fields: Int
  public private(set) var rows = 0
  /// `[rows * fields + 1]`, ascending from 0.
  public internal(set) var offsets: [Int32] = [0]
  /// A feature's key; see ``Encoding`` for where it comes from.
  public internal(set) var keys: [UInt64] = []
  /// The feature's value beside each key; 1 for categories.
  public internal(set) var values: [Float] = []
  /// `[rows]`: 1 is a click, 0 is none.
  public internal(set) var labels: [Float] = []

  public init(fields: Int) {
    precondition(fields > 0, "a batch has at least one field")
    self.fields = fields
  }

  /// Empties the batch; its memory stays.
  public mutating func reset() {
    rows = 0
    offsets.removeAll(keepingCapacity: true)
    offsets.append(0)
    keys.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    labels.removeAll(keepingCapacity: true)
  }

  /// Where a row's entries are in `keys` and `values`.
  public func entries(ofRow row: Int) -> Range<Int> {
    Int(offsets[row * fields])..<Int(offsets[(row + 1) * fields])
  }

  /// Copies one row of a batch with the same fields to the end of this one.
  public mutating func append(rowsOf other: Batch, _ row: Int) {
    precondition(other.fields == fields, "rows of \(other.fields) fields do not fit a batch of \(fields)")
    let cells = row * fields..<(row + 1) * fields
    let entries = other.entries(ofRow: row)
    let shift = Int32(keys.count) - Int32(entries.lowerBound)
    other.offsets.withUnsafeBufferPointer { source in
      for cell in cells { offsets.append(source[cell + 1] + shift) }
    }
    other.keys.withUnsafeBufferPointer { keys.append(contentsOf: UnsafeBufferPointer(rebasing: $0[entries])) }
    other.values.withUnsafeBufferPointer { values.append(contentsOf: UnsafeBufferPointer(rebasing: $0[entries])) }
    labels.append(other.labels[row])
    rows += 1
  }

  /// Adds one row with one key a field; for tests and tools, not for hot loops.
  public mutating func append(label: Float, keys rowKeys: [UInt64], values rowValues: [Float]? = nil) {
    precondition(rowKeys.count == fields && rowValues?.count ?? fields == fields, "a row has \(fields) keys and values")
    offsets.append(contentsOf: (1...Int32(fields)).map { Int32(keys.count) + $0 })
    keys.append(contentsOf: rowKeys)
    values.append(contentsOf: rowValues ?? Array(repeating: 1, count: fields))
    labels.append(label)
    rows += 1
  }

  /// Adds the rows of the buffer.
  mutating func append(_ buffer: EntryBuffer) {
    precondition(buffer.cells == buffer.rows * fields, "rows of other fields do not fit a batch of \(fields)")
    let shift = Int32(keys.count)
    let first = offsets.count
    offsets.append(contentsOf: UnsafeBufferPointer(start: buffer.ends, count: buffer.cells))
    if shift > 0 {
      offsets.withUnsafeMutableBufferPointer { offsets in
        for cell in first..<offsets.count { offsets[cell] += shift }
      }
    }
    keys.append(contentsOf: UnsafeBufferPointer(start: buffer.keys, count: buffer.entries))
    values.append(contentsOf: UnsafeBufferPointer(start: buffer.values, count: buffer.entries))
    labels.append(contentsOf: UnsafeBufferPointer(start: buffer.labels, count: buffer.rows))
    rows += buffer.rows
  }
}
