import Features
import Foundation
import Job
import Synchronization
import Wire

/// Reads and encodes ahead of need, on a thread of its own (the paper's asynchronous reading, Fig. 7).
///
/// Work comes out of `next()` in order; at most `ahead` pieces wait there. Used pieces come back through `recycle`.
final class InputReader: Sendable {
  enum Order: Sendable {
    case train(epoch: Int, firstStep: UInt64, steps: Int)
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
  /// With `--sync-reading`, one for each piece of work that came back: only then the next step is read.
  private let permits: DispatchSemaphore?

  init(_ assignment: WorkerAssignment, waker: Waker) {
    self.assignment = assignment
    self.waker = waker
    permits = assignment.syncReading ? DispatchSemaphore(value: 0) : nil
    let thread = Thread { [self] in run() }
    thread.name = "reader"
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
    var unique = UniqueKeys()
    while let order = orders.pop() {
      do {
        switch order {
        case .train(let epoch, let firstStep, let steps):
          try train(epoch: epoch, firstStep: firstStep, steps: steps, &unique)
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

  private func train(epoch: Int, firstStep: UInt64, steps: Int, _ unique: inout UniqueKeys) throws {
    guard let index = assignment.train else { throw WorkerError.noData("training") }
    let order = EpochOrder.deal(index, slices: assignment.slices, seed: assignment.seed, epoch: epoch)
    var readers = try assignment.ownedSlices.map { slice in
      try PartitionReader(
        index: index, chunks: order[slice], sliceRows: assignment.sliceRows, seed: assignment.seed, epoch: epoch,
        slice: slice)
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
    var reader = try ChunkReader(index)
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
