import Randomness

/// The order in which a slice reads its partition in one epoch: a function of the partition, the seed and the epoch.
///
/// Chunks are permuted, and taken in windows of 1, 2, 4, ... of them, up to a limit; rows are shuffled within a window.
/// The first windows are small so that an epoch begins at once. Where a window's rows begin follows from the chunks'
/// numbers of rows, so that any row is found without reading those before it.
struct EpochOrder: Sendable {
  /// Positions in ``Partition/chunks``, in reading order.
  let chunks: [Int]
  /// By window, and for the end: its first chunk's position in `chunks`, and its first row's in the epoch.
  private let firstChunks: [Int]
  private let firstRows: [Int]
  private let random: CounterRandom

  /// - Parameter windowChunks: chunks of a window, at most.
  init(_ partition: Partition, seed: UInt64, epoch: Int, windowChunks: Int) {
    let slice = UInt64(truncatingIfNeeded: partition.slice)
    let epoch = UInt64(truncatingIfNeeded: epoch)
    var order = Array(partition.chunks.indices)
    var draws = CounterRandom(DrawPurpose.chunkOrder, seed, epoch, slice)
    draws.shuffle(&order)
    random = CounterRandom(DrawPurpose.windowOrder, seed, epoch, slice)
    var firstChunks = [0]
    var firstRows = [0]
    var size = 1
    while let first = firstChunks.last, first < order.count {
      let end = Swift.min(order.count, first + size)
      firstChunks.append(end)
      firstRows.append(order[first..<end].reduce(firstRows[firstRows.count - 1]) { $0 + partition.chunks[$1].rows })
      size = Swift.min(2 * size, windowChunks)
    }
    chunks = order
    self.firstChunks = firstChunks
    self.firstRows = firstRows
  }

  var windows: Int { firstChunks.count - 1 }

  /// The window that has the row, counted from the epoch's first. nil past the last row.
  func window(ofRow row: Int) -> Int? {
    guard row < firstRows[windows] else { return nil }
    return (0..<windows).partitioningPoint { row < firstRows[$0 + 1] }
  }

  /// The rows of a window, counted from the epoch's first.
  func rows(ofWindow window: Int) -> Range<Int> { firstRows[window]..<firstRows[window + 1] }

  func chunks(ofWindow window: Int) -> ArraySlice<Int> { chunks[firstChunks[window]..<firstChunks[window + 1]] }

  /// Sets `order` to the window's rows, counted from its first chunk's first, in reading order.
  func shuffle(window: Int, into order: inout [Int]) {
    order.removeAll(keepingCapacity: true)
    order.append(contentsOf: 0..<rows(ofWindow: window).count)
    var draws = random.forked(UInt64(window))
    draws.shuffle(&order)
  }
}
