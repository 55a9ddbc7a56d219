/// The bytes of one chunk after another, in the same memory.
struct ChunkBytes {
  private var buffer: [UInt8] = []

  /// Reads a chunk's bytes and shows them.
  ///
  /// - Throws: `DatasetError.changed` where the file no longer has so many.
  mutating func read<Value>(
    _ chunk: Chunk, of input: InputFile, _ body: (UnsafeRawBufferPointer) throws -> Value
  ) throws -> Value {
    let changed = DatasetError.changed(file: input.name, line: chunk.firstLine)
    if buffer.count < chunk.length {
      // Whatever a chunk claims, there is no more memory than file.
      guard try chunk.length <= input.size() else { throw changed }
      buffer = [UInt8](repeating: 0, count: chunk.length)
    }
    return try buffer.withUnsafeMutableBytes { buffer in
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<chunk.length])
      guard try input.read(into: part, at: chunk.offset) == chunk.length else { throw changed }
      return try body(UnsafeRawBufferPointer(part))
    }
  }

  /// As `read`, of text that was read through before.
  ///
  /// - Throws: `DatasetError.changed` where it was edited since.
  mutating func readUnchanged<Value>(
    _ chunk: Chunk, of input: InputFile, _ body: (UnsafeRawBufferPointer) throws -> Value
  ) throws -> Value {
    try read(chunk, of: input) { text in
      guard Checksum.crc32c(text) == chunk.checksum else {
        throw DatasetError.changed(file: input.name, line: chunk.firstLine)
      }
      return try body(text)
    }
  }
}
