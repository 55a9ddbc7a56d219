/// Which chunks each slice reads in an epoch, and in which order.
///
/// A pure function of the index, the number of slices, the seed and the epoch: coordinator and workers compute it
/// wherever they need it instead of sending it around.
public struct EpochOrder: Sendable {
  /// Permutes all chunks by a seeded shuffle, then deals them in that order, each to the partition with the fewest rows
  /// so far (the lowest number among equals). So partitions differ by less than one chunk's rows at any point.
  ///
  /// - Returns: for each slice, positions in `index.chunks` in reading order. Every chunk is dealt once; with more
  ///   slices than chunks some partitions are empty.
  public static func deal(_ index: DatasetIndex, slices: Int, seed: UInt64, epoch: Int) -> [[Int]] {
    var order = Array(index.chunks.indices)
    var random = CounterRandom(Purpose.chunkOrder, seed, UInt64(epoch))
    random.shuffle(&order)
    var partitions = [[Int]](repeating: [], count: slices)
    var rows = [Int](repeating: 0, count: slices)
    for chunk in order {
      let fewest = rows.indices.min { rows[$0] < rows[$1] } ?? 0
      partitions[fewest].append(chunk)
      rows[fewest] += index.chunks[chunk].rows
    }
    return partitions
  }

  /// The rows of a partition.
  public static func rows(of chunks: [Int], in index: DatasetIndex) -> Int {
    chunks.reduce(0) { $0 + index.chunks[$1].rows }
  }

  /// What a generator is for is part of its key, so that no two uses share draws.
  enum Purpose {
    static let chunkOrder: UInt64 = 1
    static let windowOrder: UInt64 = 2
    static let synthesizedRow: UInt64 = 3
    static let plantedTruth: UInt64 = 4
  }
}
