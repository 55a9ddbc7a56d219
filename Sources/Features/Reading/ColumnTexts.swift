/// The texts of some columns of a data set, row by row.
public struct ColumnTexts {
  private let index: DatasetIndex
  /// By file, where the columns are among its own.
  private let places: [[Int]]
  private let encoder: RowEncoder

  /// - Parameter columns: by name: of the encoding, or any that the files have.
  /// - Throws: `ColumnError`.
  public init(_ index: DatasetIndex, columns names: [String]) throws {
    guard index.encoding.format.isDelimited, !index.files.contains(where: \.isPacked) else { throw ColumnError.none }
    places = try index.files.map { file in
      let there = file.columns?.names ?? index.encoding.columns
      return try names.map { name in
        guard let place = there.firstIndex(of: name) else {
          throw ColumnError.unknown(name, nearest: Nearest.word(to: name, among: there))
        }
        return place
      }
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
    for chunk in index.chunks where chunk.rows > 0 {
      let (columns, places) = (index.files[chunk.file].columns, places[chunk.file])
      try bytes.readUnchanged(chunk, of: inputs[chunk.file]) { text in
        try encoder.forEachRow(in: text, of: columns, skipping: chunk.skipped, scratch) { spans in
          try body(places.map { spans[$0].text })
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
