/// Which chunks each slice reads in an epoch, and in which order.
///
/// A pure function of the index, the number of slices, the seed and the epoch. The coordinator computes it and leases
/// each slice's chunks to the worker that has the slice.
public struct EpochOrder: Sendable {
  /// Permutes all chunks by a seeded shuffle, then deals them in that order, each to the slice with the fewest rows so
  /// far (the lowest number among equals) of those that may read it. So where all may read all, slices differ by less
  /// than one chunk's rows at any point.
  ///
  /// - Returns: for each slice, positions in `index.chunks` in reading order. Every chunk is dealt once; with more
  ///   slices than chunks some get none.
  public static func deal(_ index: DatasetIndex, slices: Int, seed: UInt64, epoch: Int) -> [[Int]] {
    var order = Array(index.chunks.indices)
    var random = CounterRandom(Purpose.chunkOrder, seed, UInt64(epoch))
    random.shuffle(&order)
    var partitions = [[Int]](repeating: [], count: slices)
    var rows = [Int](repeating: 0, count: slices)
    let all = Array(0..<slices)
    for chunk in order {
      let readers = index.readers?[index.chunks[chunk].file] ?? all
      let fewest = readers.min { (rows[$0], $0) < (rows[$1], $1) } ?? 0
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
    static let statisticsSample: UInt64 = 5
    static let split: UInt64 = 6
  }
}

/// The part of the data that one slice reads in an epoch, handed to one worker.
public struct Lease: Codable, Sendable, Hashable {
  public var slice: Int
  /// Positions in the index's chunks, in reading order.
  public var chunks: [Int]

  public init(slice: Int, chunks: [Int]) {
    self.slice = slice
    self.chunks = chunks
  }
}
