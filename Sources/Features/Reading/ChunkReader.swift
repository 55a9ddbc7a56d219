/// Reads chunks of a data set, in any order.
public final class ChunkReader {
  private let index: DatasetIndex
  /// Opened when first needed: a worker may not have all files.
  private var inputs: [InputFile?]
  private let encoder: RowEncoder
  private let scratch: RowEncoder.Scratch
  private var packed = EntryBuffer()
  private var bytes = ChunkBytes()

  /// - Parameter vocabulary: the values that have keys of their own, where the encoding names a vocabulary.
  public init(_ index: DatasetIndex, vocabulary: Vocabulary? = nil) {
    self.index = index
    inputs = Array(repeating: nil, count: index.files.count)
    encoder = RowEncoder(index.encoding, vocabulary: vocabulary)
    scratch = RowEncoder.Scratch(encoder)
  }

  deinit { packed.deallocate() }

  /// Appends a chunk's rows to the batch.
  ///
  /// - Throws: `DatasetError` where the data are no longer what the index says; the batch is then as it was.
  public func read(_ chunk: Chunk, into batch: inout Batch) throws {
    batch.append(try read(chunk))
  }

  /// A chunk's rows, which stay as they are until the next call.
  func read(_ chunk: Chunk) throws -> EntryBuffer {
    packed.reset()
    guard chunk.rows > 0 else { return packed }
    let file = index.files[chunk.file]
    let input = try inputs[chunk.file] ?? InputFile(path: file.path, name: file.name)
    inputs[chunk.file] = input
    return try bytes.read(chunk, of: input) { bytes in
      if file.isPacked {
        do {
          try PackedBlock.read(
            bytes, number: chunk.firstLine, rows: chunk.rows, fields: index.fields, into: &packed)
        } catch let damage as PackedBlock.Damage {
          throw DatasetError.damagedPack(
            file: input.name, reason: "block \(chunk.firstLine), of \(chunk.rows) rows, is damaged: \(damage.reason)")
        }
        return packed
      }
      let records = try encoder.encode(bytes, skipping: chunk.skipped, in: scratch) { _, start, failure in
        throw DatasetError.badRow(
          file: input.name, line: chunk.firstLine + bytes[..<start].count { $0 == 10 }, reason: failure.reason)
      }
      guard records == chunk.rows + chunk.skipped.count else { throw DatasetError.changed(file: input.name) }
      return scratch.buffer
    }
  }
}
