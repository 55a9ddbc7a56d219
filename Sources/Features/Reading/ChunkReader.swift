/// Reads chunks of data that were read through before, in any order.
public final class ChunkReader {
  private let encoder: RowEncoder
  private let scratch: RowEncoder.Scratch
  private let indexed: [DatasetIndex.File]
  private let open: OpenFiles
  private var packed = EntryBuffer()
  private var bytes = ChunkBytes()

  init(_ encoding: Encoding, vocabulary: Vocabulary?, files open: OpenFiles, of indexed: [DatasetIndex.File] = []) {
    encoder = RowEncoder(encoding, vocabulary: vocabulary)
    scratch = RowEncoder.Scratch(encoder)
    self.open = open
    self.indexed = indexed
  }

  /// - Parameter vocabulary: the values that have keys of their own, where the encoding names a vocabulary.
  public convenience init(_ encoding: Encoding, vocabulary: Vocabulary? = nil) {
    self.init(encoding, vocabulary: vocabulary, files: OpenFiles())
  }

  /// For chunks of one data set.
  public convenience init(_ index: DatasetIndex, vocabulary: Vocabulary? = nil) {
    self.init(index.encoding, vocabulary: vocabulary, files: OpenFiles(), of: index.files)
  }

  deinit { packed.deallocate() }

  /// Appends the rows of a chunk of the data set to the batch.
  ///
  /// - Throws: `DatasetError` where the data are no longer what the chunk says; the batch is then as it was.
  public func read(_ chunk: Chunk, into batch: inout Batch) throws {
    try read(chunk, of: indexed[chunk.file], into: &batch)
  }

  /// Appends the rows of a chunk of any file of the encoding to the batch.
  ///
  /// - Throws: as above.
  public func read(_ chunk: Chunk, of file: DatasetIndex.File, into batch: inout Batch) throws {
    batch.append(try read(chunk, of: file))
  }

  /// A chunk's rows, which stay as they are until the next call.
  func read(_ chunk: Chunk, of file: DatasetIndex.File) throws -> EntryBuffer {
    packed.reset()
    guard chunk.rows > 0 else { return packed }
    let input = try open.input(file)
    if file.isPacked {
      try bytes.read(chunk, of: input) { block in
        do {
          try PackedBlock.read(
            block, number: chunk.firstLine, rows: chunk.rows, fields: encoder.encoding.fields.count, into: &packed)
        } catch let damage as PackedBlock.Damage {
          throw DatasetError.damagedPack(
            file: input.name, reason: "block \(chunk.firstLine), of \(chunk.rows) rows, is damaged: \(damage.reason)")
        }
        guard PackedBlock.storedChecksum(block) == chunk.checksum else { throw DatasetError.changed(file: input.name) }
      }
      return packed
    }
    return try bytes.readUnchanged(chunk, of: input) { text in
      guard file.columns?.fits(encoder.encoding) ?? true else {
        throw DatasetError.unreadable(file: input.name, reason: "its columns are others than the model's")
      }
      let records = try encoder.encode(text, of: file.columns, skipping: chunk.skipped, in: scratch) {
        _, start, failure in
        throw DatasetError.badRow(
          file: input.name, line: chunk.firstLine + text[..<start].count { $0 == 10 }, reason: failure.reason)
      }
      guard scratch.buffer.rows == chunk.rows, records == chunk.rows + chunk.skipped.count else {
        throw DatasetError.changed(file: input.name, line: chunk.firstLine)
      }
      return scratch.buffer
    }
  }
}
