import Features
import Foundation
import Job
import Synchronization
import Wire

/// Reads ahead of need, on threads of its own (the paper's asynchronous reading, Fig. 7): some encode windows of rows,
/// one puts steps together of them.
///
/// Work comes out of `next()` in order; at most `ahead` pieces wait there. Used pieces come back through `recycle`.
final class InputReader: Sendable {
  enum Order: Sendable {
    case train(epoch: Int, firstStep: UInt64, steps: Int)
    case evaluate(round: Int)
  }

  /// Rows of an evaluation block: a function of the data alone, so that logits do not depend on who computes them.
  static let evaluationRows = 2048
  private static let ahead = 3

  private let assignment: WorkerAssignment
  private let waker: Waker
  private let orders = BoundedQueue<Order>(capacity: 16)
  private let output = BoundedQueue<Result<StepWork, any Error>>(capacity: InputReader.ahead)
  private let free = Mutex<[StepWork]>([])
  private let threads: ReaderThreads
  private let vocabulary: Vocabulary?
  private let steps = Mutex<NamedThread?>(nil)
  /// With `--sync-reading`, one for each piece of work that came back: only then the next step is read.
  private let permits: DispatchSemaphore?

  init(_ assignment: WorkerAssignment, waker: Waker) {
    self.assignment = assignment
    self.waker = waker
    permits = assignment.readers == 0 ? DispatchSemaphore(value: 0) : nil
    let vocabulary = assignment.vocabulary.map { Vocabulary(bytes: $0) }
    threads = ReaderThreads(assignment.encoding, vocabulary: vocabulary, count: assignment.readers)
    self.vocabulary = vocabulary
    let thread = NamedThread("steps") { [self] in run() }
    steps.withLock { $0 = thread }
  }

  func read(_ order: Order) { _ = orders.push(order) }

  /// The next piece of work, if one is ready.
  func next() throws -> StepWork? { try output.tryPop()?.get() }

  /// Takes back a piece of work that is done.
  func recycle(_ work: StepWork) {
    free.withLock { $0.append(work) }
    permits?.signal()
  }

  func stop() {
    orders.cancel()
    output.cancel()
    permits?.signal()
    threads.stop()
    steps.withLock { $0 }?.join()
  }

  private func run() {
    var unique = UniqueKeys(otherKeys: assignment.otherKeys)
    while let order = orders.pop() {
      do {
        switch order {
        case .train(let epoch, let firstStep, let steps):
          try train(epoch: epoch, firstStep: firstStep, steps: steps, &unique)
        case .evaluate(let round):
          try evaluate(round: round, &unique)
        }
      } catch {
        hand(.failure(error))
        return
      }
    }
  }

  /// Returns false when the worker is stopping.
  @discardableResult private func hand(_ result: Result<StepWork, any Error>) -> Bool {
    guard output.push(result) else { return false }
    waker.wake()
    return true
  }

  private func train(epoch: Int, firstStep: UInt64, steps: Int, _ unique: inout UniqueKeys) throws {
    guard !assignment.train.isEmpty else { throw WorkerError.noData("training") }
    var readers = assignment.train.map {
      PartitionReader($0, sliceRows: assignment.sliceRows, seed: assignment.seed, epoch: epoch, threads: threads)
    }
    for (part, slice) in assignment.ownedSlices.enumerated() where readers[part].steps > steps {
      throw WorkerError.rowsLeft(slice: slice, steps: steps)
    }
    while let permits, permits.wait(timeout: .now()) == .success {}
    for step in 0..<steps {
      if step > 0 { permits?.wait() }
      let work = take(parts: assignment.ownedSlices, fields: assignment.encoding.fields.count)
      work.purpose = .training(step: firstStep + UInt64(step))
      for part in readers.indices { try readers[part].read(step: step, into: &work.parts[part].batch) }
      unique.number(work)
      guard hand(.success(work)) else { return }
    }
  }

  private func evaluate(round: Int, _ unique: inout UniqueKeys) throws {
    guard let partition = assignment.evaluation else { throw WorkerError.noData("evaluation") }
    let fields = assignment.encoding.fields.count
    let reader = ChunkReader(assignment.encoding, vocabulary: vocabulary)
    var batch = Batch(fields: fields)
    for (number, chunk) in zip(partition.numbers, partition.chunks) {
      batch.reset()
      try reader.read(chunk, of: partition.files[chunk.file], into: &batch)
      for firstRow in stride(from: 0, to: batch.rows, by: Self.evaluationRows) {
        let work = take(parts: [0], fields: fields)
        work.purpose = .evaluation(round: round, chunk: number, firstRow: firstRow)
        work.parts[0].batch.reset()
        for row in firstRow..<min(batch.rows, firstRow + Self.evaluationRows) {
          work.parts[0].batch.append(rowsOf: batch, row)
        }
        unique.number(work)
        guard hand(.success(work)) else { return }
      }
    }
  }

  private func take(parts slices: [Int], fields: Int) -> StepWork {
    let work = free.withLock { $0.popLast() } ?? StepWork()
    if work.parts.map(\.slice) != slices {
      work.parts = slices.map { SlicePart(slice: $0, batch: Batch(fields: fields)) }
    }
    work.sparse.reset()
    work.dense.reset()
    return work
  }
}
