import Foundation
import Synchronization

/// Packs a data set: threads encode its chunks, each of which becomes a block, in the order of the data.
public enum Packing {
  /// How a packed file is encoded.
  ///
  /// - Throws: `DatasetError`.
  public static func encoding(of path: String) throws -> Encoding {
    let input = try InputFile(path: path)
    guard try PackedFile.isPacked(input) else {
      throw DatasetError.damagedPack(file: path, reason: "it is no packed file")
    }
    return try PackedFile(input, number: 0).encoding
  }

  /// - Parameters:
  ///   - path: where the file appears once it is complete.
  ///   - progress: told of rows done; what it throws ends the work.
  /// - Returns: the index of the packed file: the same chunks of the same rows.
  public static func pack(
    _ index: DatasetIndex, vocabulary: Vocabulary?, to path: String, threads: Int? = nil,
    progress: ((Int) throws -> Void)? = nil
  ) throws -> DatasetIndex {
    let writer = try PackedWriter(path: path, encoding: index.encoding)
    let count = threads ?? ProcessInfo.processInfo.activeProcessorCount
    let chunks = index.chunks
    // A thread takes every count-th chunk and is at most two ahead.
    let queues = (0..<count).map { _ in BoundedQueue<Result<PackedBlock, any Error>>(capacity: 2) }
    let threads = queues.enumerated().map { thread, queue in
      NamedThread("pack-\(thread)") {
        do {
          let reader = ChunkReader(index, vocabulary: vocabulary)
          for number in stride(from: thread, to: chunks.count, by: count) {
            let block = PackedBlock(
              try reader.read(chunks[number], of: index.files[chunks[number].file]), fields: index.fields)
            guard queue.push(.success(block)) else { return }
          }
        } catch {
          _ = queue.push(.failure(error))
        }
      }
    }
    defer {
      for queue in queues { queue.cancel() }
      for thread in threads { thread.join() }
    }
    for number in chunks.indices {
      guard let block = queues[number % count].pop() else { break }
      try writer.append(try block.get())
      try progress?(writer.rows)
    }
    try writer.close()
    let file = try PackedFile(InputFile(path: path), number: 0)
    return DatasetIndex(
      encoding: index.encoding, files: [.init(name: path, path: URL(fileURLWithPath: path).path, isPacked: true)],
      chunks: file.chunks, rows: file.rows, positives: index.positives)
  }
}
