import Features
import Foundation

/// What a terabyte of data costs those who deal it and tell workers of it: a million chunks of a mebibyte, and as many
/// slices as there are processes.
enum ControlPlaneBenchmark {
  private static let slices = 500

  static func run(like file: String) throws {
    let index = try terabyte(like: file)
    var partitions: [Partition] = []
    let dealing = seconds { partitions = Partition.deal(index, slices: slices, seed: 1) }
    var encoded: [[UInt8]] = []
    let encoding = seconds { encoded = partitions.map { $0.encoded() } }
    var decoded: [Partition] = []
    let decoding = seconds { decoded = encoded.compactMap { try? Partition(decoding: $0) } }
    precondition(decoded == partitions, "a partition survives its encoding")
    let bytes = encoded.reduce(0) { $0 + $1.count }
    let largest = encoded.map(\.count).max() ?? 0
    print(
      """
      Partitions of \(index.chunks.count) chunks (1 TiB) for \(slices) workers, one core
        deal                 \(String(format: "%6.2f s", dealing))
        encode               \(String(format: "%6.2f s", encoding))
        decode               \(String(format: "%6.2f s", decoding))
        a worker is sent     \(String(format: "%6.1f KB", Double(largest) / 1e3)) at most
        bytes a chunk        \(String(format: "%6.1f", Double(bytes) / Double(index.chunks.count)))

      """)
  }

  /// Criteo's 24 days, as a survey would cut them.
  private static func terabyte(like file: String) throws -> DatasetIndex {
    var index = try DatasetIndex.build([file], schema: Schema(format: .criteo), ReadingOptions(spool: "/nonexistent"))
    index.files = (0..<24).map { .init(name: "/data/criteo/day_\($0)", path: "/data/criteo/day_\($0)", checksum: 7) }
    var chunk = Chunk(file: 0, offset: 0, length: 0, firstLine: 1, rows: 0)
    index.chunks = (0..<1_000_000).map { number in
      let file = number / 41_667
      chunk.offset = file == chunk.file ? chunk.offset + chunk.length : 0
      chunk.firstLine = file == chunk.file ? chunk.firstLine + chunk.rows : 1
      chunk.file = file
      chunk.length = 1 << 20 + number * 7919 % 300
      chunk.rows = 4500 + number * 104_729 % 250
      chunk.checksum = UInt32(truncatingIfNeeded: number &* 2_654_435_761)
      return chunk
    }
    index.rows = index.chunks.reduce(0) { $0 + $1.rows }
    return index
  }
}
