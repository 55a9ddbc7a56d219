/// The bytes of one chunk after another, in the same memory.
struct ChunkBytes {
  private var buffer: [UInt8] = []

  /// Reads a chunk's bytes and shows them.
  ///
  /// - Throws: `DatasetError.changed` where the file no longer has them.
  mutating func read<Value>(
    _ chunk: Chunk, of input: InputFile, _ body: (UnsafeRawBufferPointer) throws -> Value
  ) throws -> Value {
    if buffer.count < chunk.length { buffer = [UInt8](repeating: 0, count: chunk.length) }
    return try buffer.withUnsafeMutableBytes { buffer in
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<chunk.length])
      guard try input.read(into: part, at: chunk.offset) == chunk.length else {
        throw DatasetError.changed(file: input.name)
      }
      return try body(UnsafeRawBufferPointer(part))
    }
  }
}
