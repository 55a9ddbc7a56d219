import Glibc

/// Turns the bytes of a chunk into encoded rows.
public struct RowParser: Sendable {
  private enum Layout {
    case criteo(CriteoRow)
    case libfm(LibFMRow)
    case csv(CSVRow)
  }

  private let layout: Layout
  private let fields: Int
  private let names: [String]

  public init(_ index: DatasetIndex) {
    fields = index.fields
    names = index.names
    layout =
      switch index.format {
      case .criteo: .criteo(CriteoRow())
      case .libfm: .libfm(LibFMRow(fields: index.fields))
      case .csv: .csv(CSVRow(fields: index.fields, labelColumn: index.labelColumn))
      }
  }

  /// Appends the rows in `bytes`, those of `chunk`, to the batch.
  ///
  /// - Throws: `DatasetError` with the file and line of the first bad row; the batch is then as it was.
  public func parse(_ bytes: UnsafeRawBufferPointer, of chunk: Chunk, into batch: inout Batch) throws {
    try batch.extend(by: chunk.rows) { keys, values, labels in
      switch layout {
      case .criteo(let layout):
        try forEachLine(bytes, of: chunk) { line, row in
          try layout.parse(line, keys: keys + row * fields, label: labels + row)
        }
      case .libfm(let layout):
        try forEachLine(bytes, of: chunk) { line, row in
          try layout.parse(line, keys: keys + row * fields, values: values + row * fields, label: labels + row)
        }
      case .csv(let layout):
        try forEachLine(bytes, of: chunk) { line, row in
          try layout.parse(line, keys: keys + row * fields, label: labels + row)
        }
      }
    }
  }

  @inline(__always)
  private func forEachLine(
    _ bytes: UnsafeRawBufferPointer, of chunk: Chunk, _ body: (UnsafeRawBufferPointer, Int) throws -> Void
  ) throws {
    var start = 0
    var row = 0
    while start < bytes.count {
      let rest = bytes.baseAddress! + start
      let newline = memchr(rest, 10, bytes.count - start)
      var end = newline.map { UnsafeRawPointer($0) - UnsafeRawPointer(bytes.baseAddress!) } ?? bytes.count
      let next = end + 1
      if end > start, bytes[end - 1] == 13 { end -= 1 }
      guard row < chunk.rows else { throw DatasetError.changed(file: names[chunk.file]) }
      do {
        try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), row)
      } catch let failure as RowFailure {
        throw DatasetError.badRow(file: names[chunk.file], line: chunk.firstLine + row, reason: failure.reason)
      }
      row += 1
      start = next
    }
    guard row == chunk.rows else { throw DatasetError.changed(file: names[chunk.file]) }
  }
}
