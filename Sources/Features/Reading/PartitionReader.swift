/// Reads a slice's rows in one epoch, step by step: what a step holds is a function of the partition, the seed, the
/// epoch and the step, whoever reads it and whatever was read before.
///
/// Read in order, a step costs what its rows do: while one window of the ``EpochOrder`` is used up the next is read, and
/// memory is bounded by the two. Any other step is found by counting, forwards or backwards, and costs the windows that
/// it lies in.
public struct PartitionReader {
  private let partition: Partition
  private let order: EpochOrder
  private let sliceRows: Int
  private let threads: ReaderThreads
  /// What rows come from, in which order.
  private var window: Batch
  private var rowOrder: [Int] = []
  private var current: Int?
  /// What is read meanwhile.
  private var asked: Int?
  private var used: ReaderThreads.Window
  private var ahead: ReaderThreads.Window

  /// - Parameters:
  ///   - sliceRows: rows of a step.
  ///   - threads: what reads; readers of several slices may share them.
  ///   - step: the one that will be read first. It is read ahead of need.
  ///   - windowChunks: chunks that are shuffled together, at most.
  public init(
    _ partition: Partition, sliceRows: Int, seed: UInt64, epoch: Int, threads: ReaderThreads, from step: Int = 0,
    windowChunks: Int = 8
  ) {
    precondition(sliceRows > 0 && step >= 0 && windowChunks > 0)
    self.partition = partition
    self.sliceRows = sliceRows
    self.threads = threads
    order = EpochOrder(partition, seed: seed, epoch: epoch, windowChunks: windowChunks)
    window = Batch(fields: threads.fields)
    used = ReaderThreads.Window(fields: threads.fields)
    ahead = ReaderThreads.Window(fields: threads.fields)
    if threads.readsAhead, let first = order.window(ofRow: firstRow(ofStep: step)) { ask(first) }
  }

  /// Steps until all rows are read.
  public var steps: Int { partition.steps(sliceRows: sliceRows) }

  /// Sets the batch to the rows of a step, counted from 0 at the epoch's start: `sliceRows` of them, fewer at the end,
  /// none past it.
  ///
  /// - Throws: `DatasetError` where the data are no longer what they were; the batch is then of no use, but the step, or
  ///   any other, may be read again.
  public mutating func read(step: Int, into batch: inout Batch) throws {
    precondition(step >= 0)
    batch.reset()
    var row = firstRow(ofStep: step)
    while batch.rows < sliceRows, let number = order.window(ofRow: row) {
      try load(number)
      let rows = order.rows(ofWindow: number)
      let end = min(rows.upperBound, row + sliceRows - batch.rows)
      for place in row..<end { batch.append(rowsOf: window, rowOrder[place - rows.lowerBound]) }
      row = end
    }
  }

  private func firstRow(ofStep step: Int) -> Int { step < steps ? step * sliceRows : partition.rows }

  private mutating func ask(_ number: Int) {
    threads.load(order.chunks(ofWindow: number), of: partition, into: ahead)
    asked = number
  }

  private mutating func load(_ number: Int) throws {
    guard number != current else { return }
    if asked != number {
      if asked != nil { ahead.abandon() }
      ask(number)
    }
    current = nil
    asked = nil
    // Lets go of the old rows, whose memory the window after this one takes.
    window = Batch(fields: window.fields)
    window = try ahead.rows()
    swap(&used, &ahead)
    order.shuffle(window: number, into: &rowOrder)
    current = number
    if threads.readsAhead, number + 1 < order.windows { ask(number + 1) }
  }
}
