/// Reads one slice's part of an epoch, in the order that (seed, epoch, slice) give it.
///
/// Chunks come in the order of their lease; rows are shuffled within windows of a few chunks, of which the first is
/// small, so that an epoch begins at once. While one window is used up the next is read; memory is bounded by the two.
public struct PartitionReader {
  private let chunks: [Int]
  private let sliceRows: Int
  private let windowChunks: Int
  private let random: CounterRandom
  private let threads: ReaderThreads
  /// What rows come from, and what is read meanwhile.
  private var window: Batch
  private var used: ReaderThreads.Window
  private var ahead: ReaderThreads.Window
  private var isAsked = false
  private var order: [Int] = []
  private var position = 0
  private var nextChunk = 0
  private var windows: UInt64 = 0

  /// - Parameters:
  ///   - lease: the slice and its chunks.
  ///   - sliceRows: rows of a batch.
  public init(
    _ lease: Lease, fields: Int, sliceRows: Int, seed: UInt64, epoch: Int, threads: ReaderThreads, windowChunks: Int = 8
  ) {
    chunks = lease.chunks
    self.sliceRows = sliceRows
    self.windowChunks = windowChunks
    self.threads = threads
    random = CounterRandom(EpochOrder.Purpose.windowOrder, seed, UInt64(epoch), UInt64(lease.slice))
    window = Batch(fields: fields)
    used = ReaderThreads.Window(fields: fields)
    ahead = ReaderThreads.Window(fields: fields)
    if threads.readsAhead { ask() }
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

  /// Has the next window read: of 1, 2, 4, ... chunks, up to `windowChunks`.
  private mutating func ask() {
    guard nextChunk < chunks.count else { return }
    let count = min(windowChunks, 1 << min(windows, 16))
    let last = min(chunks.count, nextChunk + count)
    threads.load(chunks[nextChunk..<last], into: ahead)
    nextChunk = last
    windows += 1
    isAsked = true
  }

  private mutating func loadWindow() throws -> Bool {
    if !isAsked { ask() }
    guard isAsked else { return false }
    // Lets go of the old rows, whose memory the next window takes.
    window = Batch(fields: window.fields)
    window = try ahead.rows()
    swap(&used, &ahead)
    isAsked = false
    order = Array(0..<window.rows)
    var draws = random.forked(windows - 1)
    draws.shuffle(&order)
    position = 0
    if threads.readsAhead { ask() }
    return true
  }
}
