/// The part of a data set that one slice reads in every epoch.
///
/// Partitions are dealt once, when a run starts. Which rows a slice trains on in a step is a function of its partition,
/// the seed, the epoch and the step alone (``PartitionReader``), so that a new deal of slices to workers changes nothing.
public struct Partition: Sendable, Hashable {
  public let slice: Int
  /// Those of the data set that have a chunk here.
  public private(set) var files: [DatasetIndex.File]
  /// In the order of the data; `chunk.file` is a position in `files`.
  public let chunks: [Chunk]
  /// The position of each chunk in ``DatasetIndex/chunks``.
  public let numbers: [Int]
  public let rows: Int

  /// - Parameters:
  ///   - chunks: whose files are positions in `files`.
  ///   - numbers: as many as chunks.
  public init(slice: Int, files: [DatasetIndex.File], chunks: [Chunk], numbers: [Int]) {
    precondition(chunks.count == numbers.count, "each chunk has its number")
    self.slice = slice
    self.files = files
    self.chunks = chunks
    self.numbers = numbers
    rows = chunks.reduce(0) { $0 + $1.rows }
  }

  /// Steps until the slice has read all its rows, the last of them perhaps in part.
  ///
  /// - Parameter sliceRows: rows of a step.
  public func steps(sliceRows: Int) -> Int { (rows + sliceRows - 1) / sliceRows }

  /// The same data where one worker finds them: files of its own by their path, others as they are.
  ///
  /// - Parameter own: what the worker has; a file is known by its name without directories.
  public func localized(to own: [DatasetIndex.File]) -> Partition {
    let paths = Dictionary(own.map { ($0.baseName, $0.path) }) { first, _ in first }
    var partition = self
    for file in files.indices {
      if let path = paths[files[file].baseName] { partition.files[file].path = path }
    }
    return partition
  }
}

extension Sequence<Partition> {
  /// Steps of an epoch: as many as the longest partition needs. Shorter ones end with empty slices.
  public func stepsPerEpoch(sliceRows: Int) -> Int { map { $0.steps(sliceRows: sliceRows) }.max() ?? 0 }
}
