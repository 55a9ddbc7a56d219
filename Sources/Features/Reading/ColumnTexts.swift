/// The texts of some columns of a data set, row by row.
public struct ColumnTexts {
  private let index: DatasetIndex
  private let columns: [Int]
  private let encoder: RowEncoder

  /// - Parameter columns: by name.
  /// - Throws: `ColumnError`.
  public init(_ index: DatasetIndex, columns names: [String]) throws {
    guard index.encoding.format.isDelimited, !index.files.contains(where: \.isPacked) else { throw ColumnError.none }
    columns = try names.map { name in
      guard let place = index.encoding.columns.firstIndex(of: name) else {
        throw ColumnError.unknown(name, nearest: Nearest.word(to: name, among: index.encoding.columns))
      }
      return place
    }
    self.index = index
    encoder = RowEncoder(index.encoding)
  }

  /// Calls `body` with the texts of each row that is not skipped, in the order of the data.
  ///
  /// - Throws: `DatasetError` where the data are not what they were; what `body` throws.
  public func forEachRow(_ body: ([String]) throws -> Void) throws {
    let scratch = RowEncoder.Scratch(encoder)
    let inputs = try index.files.map { try InputFile(path: $0.path, name: $0.name) }
    var bytes = ChunkBytes()
    var texts = [String](repeating: "", count: columns.count)
    for chunk in index.chunks where chunk.rows > 0 {
      try bytes.readUnchanged(chunk, of: inputs[chunk.file]) { text in
        try encoder.forEachRow(in: text, skipping: chunk.skipped, scratch) { spans in
          for (place, column) in columns.enumerated() {
            texts[place] = String(
              decoding: UnsafeBufferPointer(start: spans[column].start, count: spans[column].count), as: UTF8.self)
          }
          try body(texts)
        }
      }
    }
  }
}

/// Columns that there are not.
public enum ColumnError: Error, Equatable, CustomStringConvertible {
  case none
  case unknown(String, nearest: String)

  public var description: String {
    switch self {
    case .none:
      "--columns: packed data, and rows of indices, have no columns with names. Name a text file with columns."
    case .unknown(let name, let nearest): "--columns: the data have no column \"\(name)\". Is it \"\(nearest)\"?"
    }
  }
}
