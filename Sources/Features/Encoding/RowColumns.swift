/// The columns of a row, wherever its file has them.
extension RowEncoder {
  /// Finds the texts of the encoding's columns.
  ///
  /// - Returns: as many spans as columns; empty ones of those that the file lacks.
  /// - Throws: `RowFailure` for a row of another number of columns.
  @inline(__always)
  func columns(
    of row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch
  ) throws -> UnsafeMutablePointer<ColumnSpan> {
    if encoding.hasQuotes { scratch.reserveUnquoted(count) }
    let found = try spans.find(
      in: row, count: count, columns: scratch.fileColumns, spans: scratch.spans, unquoted: scratch.unquoted)
    // A separator may end the row.
    guard found == scratch.fileColumns || (found == scratch.fileColumns &+ 1 && row[count &- 1] == encoding.separator)
    else { throw wrongColumns(found, scratch.fileColumns) }
    return isTrimmed || scratch.sources != nil ? rearranged(row, scratch) : scratch.spans
  }

  @inline(never)
  private func rearranged(
    _ row: UnsafePointer<UInt8>, _ scratch: Scratch
  ) -> UnsafeMutablePointer<ColumnSpan> {
    if isTrimmed {
      for column in 0..<scratch.fileColumns { scratch.spans[column] = scratch.spans[column].trimmed }
    }
    guard let sources = scratch.sources else { return scratch.spans }
    for (column, source) in sources.enumerated() {
      scratch.arranged[column] = source >= 0 ? scratch.spans[source] : ColumnSpan(row, count: 0)
    }
    return scratch.arranged
  }

  private func wrongColumns(_ found: Int, _ expected: Int) -> RowFailure {
    let between = encoding.separator == 9 ? "tab-separated " : encoding.separator == 44 ? "comma-separated " : ""
    return RowFailure(
      .columns,
      "expected \(expected) \(between)columns, found \(found). Correct or remove the row, or choose another --schema")
  }
}

extension RowEncoder {
  /// Memory of one thread, used again from chunk to chunk.
  final class Scratch {
    var buffer = EntryBuffer()
    var features: [(field: Int, key: UInt64, value: Float)] = []
    private(set) var spans: UnsafeMutablePointer<ColumnSpan>
    private(set) var unquoted: UnsafeMutablePointer<UInt8>
    private var unquotedCapacity = 1 << 12
    /// Columns of the encoding.
    private let columns: Int
    /// Columns of the file's rows.
    private(set) var fileColumns: Int
    /// By the encoding's column, its place among `spans`, -1 for none; nil where they are the same.
    private(set) var sources: [Int]?
    private(set) var arranged: UnsafeMutablePointer<ColumnSpan>
    private(set) var hasLabels = true
    private var file: FileColumns?
    private var folders: [UnsafeMutableBufferPointer<UInt8>] = []

    init(_ encoder: RowEncoder) {
      columns = max(1, encoder.encoding.columns.count)
      fileColumns = columns
      spans = .allocate(capacity: columns)
      arranged = .allocate(capacity: columns)
      unquoted = .allocate(capacity: unquotedCapacity)
    }

    deinit {
      buffer.deallocate()
      spans.deallocate()
      arranged.deallocate()
      unquoted.deallocate()
      for folder in folders { folder.deallocate() }
    }

    func reserveUnquoted(_ count: Int) {
      guard count > unquotedCapacity else { return }
      unquoted.deallocate()
      unquotedCapacity = 2 * count
      unquoted = .allocate(capacity: unquotedCapacity)
    }

    /// Takes rows of a file from now on.
    ///
    /// - Parameter file: where it has the columns, which fit the encoding; nil: as the encoding has them.
    func adopt(_ file: FileColumns?) {
      guard file != self.file else { return }
      self.file = file
      for folder in folders { folder.deallocate() }
      folders = []
      hasLabels = file?.hasLabels ?? true
      guard let file, !file.sources.isEmpty else {
        (fileColumns, sources) = (columns, nil)
        return
      }
      fileColumns = file.count
      sources = file.sources.map { $0 ?? -1 }
      spans.deallocate()
      spans = .allocate(capacity: max(columns, file.count + file.folders.count))
      for (number, text) in file.folders.enumerated() {
        let bytes = Array(text.utf8)
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
        _ = copy.initialize(from: bytes)
        folders.append(copy)
        spans[file.count + number] = ColumnSpan(UnsafePointer(copy.baseAddress!), count: bytes.count)
      }
    }
  }
}
