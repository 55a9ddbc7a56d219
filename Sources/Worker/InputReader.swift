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
    case train(epoch: Int, firstStep: UInt64, steps: Int, leases: [Lease])
    case evaluate(round: Int, chunks: [Int])
  }

  /// Rows of an evaluation block: a function of the data alone, so that logits do not depend on who computes them.
  static let evaluationRows = 2048
  private static let ahead = 3

  private let assignment: WorkerAssignment
  private let waker: Waker
  private let orders = BoundedQueue<Order>(capacity: 16)
  private let output = BoundedQueue<Result<StepWork, any Error>>(capacity: InputReader.ahead)
  private let free = Mutex<[StepWork]>([])
  private let threads: ReaderThreads?
  private let vocabulary: Vocabulary?
  /// With `--sync-reading`, one for each piece of work that came back: only then the next step is read.
  private let permits: DispatchSemaphore?

  init(_ assignment: WorkerAssignment, waker: Waker) {
    self.assignment = assignment
    self.waker = waker
    permits = assignment.readers == 0 ? DispatchSemaphore(value: 0) : nil
    let vocabulary = assignment.vocabulary.map { Vocabulary(bytes: $0) }
    threads = assignment.train.map { ReaderThreads($0, vocabulary: vocabulary, count: assignment.readers) }
    self.vocabulary = vocabulary
    let thread = Thread { [self] in run() }
    thread.name = "steps"
    thread.start()
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
  }

  private func run() {
    var unique = UniqueKeys(otherKeys: assignment.otherKeys)
    while let order = orders.pop() {
      do {
        switch order {
        case .train(let epoch, let firstStep, let steps, let leases):
          try train(epoch: epoch, firstStep: firstStep, steps: steps, leases: leases, &unique)
        case .evaluate(let round, let chunks):
          try evaluate(round: round, chunks: chunks, &unique)
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

  private func train(
    epoch: Int, firstStep: UInt64, steps: Int, leases: [Lease], _ unique: inout UniqueKeys
  ) throws {
    guard let index = assignment.train, let threads else { throw WorkerError.noData("training") }
    var readers = try assignment.ownedSlices.map { slice in
      guard let lease = leases.first(where: { $0.slice == slice }) else {
        throw WorkerError.unexpected("an epoch without a lease for slice \(slice)")
      }
      guard lease.chunks.allSatisfy(index.chunks.indices.contains) else {
        throw WorkerError.unexpected("a lease of data that are not there")
      }
      return PartitionReader(
        lease, fields: index.fields, sliceRows: assignment.sliceRows, seed: assignment.seed, epoch: epoch,
        threads: threads)
    }
    while let permits, permits.wait(timeout: .now()) == .success {}
    for step in 0..<UInt64(steps) {
      if step > 0 { permits?.wait() }
      let work = take(parts: assignment.ownedSlices, fields: index.fields)
      work.purpose = .training(step: firstStep + step)
      for part in readers.indices { _ = try readers[part].next(into: &work.parts[part].batch) }
      unique.number(work)
      guard hand(.success(work)) else { return }
    }
    for (part, slice) in assignment.ownedSlices.enumerated() {
      var rest = Batch(fields: index.fields)
      if try readers[part].next(into: &rest) { throw WorkerError.rowsLeft(slice: slice, steps: steps) }
    }
  }

  private func evaluate(round: Int, chunks: [Int], _ unique: inout UniqueKeys) throws {
    guard let index = assignment.evaluation else { throw WorkerError.noData("evaluation") }
    let reader = ChunkReader(index, vocabulary: vocabulary)
    var batch = Batch(fields: index.fields)
    for chunk in chunks {
      batch.reset()
      try reader.read(index.chunks[chunk], into: &batch)
      for firstRow in stride(from: 0, to: batch.rows, by: Self.evaluationRows) {
        let work = take(parts: [0], fields: index.fields)
        work.purpose = .evaluation(round: round, chunk: chunk, firstRow: firstRow)
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
