/// Reads one slice's part of an epoch, in the order that (seed, epoch, slice) give it.
///
/// Chunks come in the order of `EpochOrder`; rows are shuffled within windows of a few chunks. Memory is bounded by
/// one window and what it is parsed from.
public struct PartitionReader {
  private let index: DatasetIndex
  private let chunks: [Int]
  private let sliceRows: Int
  private let windowChunks: Int
  private let random: CounterRandom
  private var reader: ChunkReader
  private var window: Batch
  private var order: [Int] = []
  private var position = 0
  private var nextChunk = 0
  private var windows: UInt64 = 0

  /// - Parameters:
  ///   - chunks: positions in `index.chunks`, in reading order.
  ///   - sliceRows: rows of a batch.
  public init(
    index: DatasetIndex, chunks: [Int], sliceRows: Int, seed: UInt64, epoch: Int, slice: Int, windowChunks: Int = 8
  ) throws {
    self.index = index
    self.chunks = chunks
    self.sliceRows = sliceRows
    self.windowChunks = windowChunks
    random = CounterRandom(EpochOrder.Purpose.windowOrder, seed, UInt64(epoch), UInt64(slice))
    reader = try ChunkReader(index)
    window = Batch(fields: index.fields)
  }

  /// Fills the batch with the next rows: `sliceRows` of them, fewer at the end. Returns false when none are left.
  public mutating func next(into batch: inout Batch) throws -> Bool {
    batch.reset()
    while batch.rows < sliceRows {
      if position == order.count, try !loadWindow() { break }
      let count = min(sliceRows - batch.rows, order.count - position)
      for row in order[position..<position + count] { batch.append(rowsOf: window, row) }
      position += count
    }
    return batch.rows > 0
  }

  private mutating func loadWindow() throws -> Bool {
    guard nextChunk < chunks.count else { return false }
    let last = min(chunks.count, nextChunk + windowChunks)
    window.reset()
    for chunk in chunks[nextChunk..<last] { try reader.read(index.chunks[chunk], into: &window) }
    nextChunk = last
    order = Array(0..<window.rows)
    var draws = random.forked(windows)
    draws.shuffle(&order)
    windows += 1
    position = 0
    return true
  }
}
