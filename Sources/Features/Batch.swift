/// Encoded rows in compressed sparse row form, reused from call to call without giving memory back.
///
/// The entries of cell (row r, field f) are `offsets[r * fields + f]..<offsets[r * fields + f + 1]` in `keys` and
/// `values`. Each cell has one entry today; the form leaves room for multi-valued fields.
public struct Batch: Sendable {
  public let fields: Int
  public private(set) var rows = 0
  /// `[rows * fields + 1]`, ascending from 0.
  public internal(set) var offsets: [Int32] = [0]
  /// A category's key; see ``DataFormat`` for where it comes from.
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

  /// Copies one row of a batch with the same fields to the end of this one.
  public mutating func append(rowsOf other: Batch, _ row: Int) {
    precondition(other.fields == fields, "rows of \(other.fields) fields do not fit a batch of \(fields)")
    let cells = row * fields..<(row + 1) * fields
    let entries = Int(other.offsets[cells.lowerBound])..<Int(other.offsets[cells.upperBound])
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

  /// Makes room for `count` rows with one entry a cell and hands their memory to `fill`, which writes every key, value
  /// and label. If `fill` throws, the batch is as it was.
  @inline(__always)
  mutating func extend(
    by count: Int,
    fill: (
      _ keys: UnsafeMutablePointer<UInt64>, _ values: UnsafeMutablePointer<Float>, _ labels: UnsafeMutablePointer<Float>
    ) throws -> Void
  ) rethrows {
    let (oldRows, oldEntries, entries) = (rows, keys.count, count * fields)
    guard entries > 0 else { return }
    offsets.reserveCapacity(offsets.count + entries)
    for entry in oldEntries + 1...oldEntries + entries { offsets.append(Int32(entry)) }
    keys.append(contentsOf: repeatElement(0, count: entries))
    values.append(contentsOf: repeatElement(1, count: entries))
    labels.append(contentsOf: repeatElement(0, count: count))
    rows += count
    do {
      try keys.withUnsafeMutableBufferPointer { keys in
        try values.withUnsafeMutableBufferPointer { values in
          try labels.withUnsafeMutableBufferPointer { labels in
            try fill(keys.baseAddress! + oldEntries, values.baseAddress! + oldEntries, labels.baseAddress! + oldRows)
          }
        }
      }
    } catch {
      rows = oldRows
      offsets.removeLast(entries)
      keys.removeLast(entries)
      values.removeLast(entries)
      labels.removeLast(count)
      throw error
    }
  }
}
