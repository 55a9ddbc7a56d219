/// Reads chunks of a data set, in any order.
public struct ChunkReader {
  private let files: [InputFile]
  private let parser: RowParser
  private var buffer: [UInt8] = []

  public init(_ index: DatasetIndex) throws {
    files = try zip(index.paths, index.names).map { try InputFile(path: $0, name: $1) }
    parser = RowParser(index)
  }

  /// Appends a chunk's rows to the batch.
  public mutating func read(_ chunk: Chunk, into batch: inout Batch) throws {
    if buffer.count < chunk.length { buffer = [UInt8](repeating: 0, count: chunk.length) }
    let file = files[chunk.file]
    let parser = parser
    try buffer.withUnsafeMutableBytes { bytes in
      let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<chunk.length])
      guard try file.read(into: part, at: chunk.offset) == chunk.length else {
        throw DatasetError.changed(file: file.name)
      }
      try parser.parse(UnsafeRawBufferPointer(part), of: chunk, into: &batch)
    }
  }
}
