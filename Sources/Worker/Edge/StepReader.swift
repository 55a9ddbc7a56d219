import Features
import Job
import Synchronization

/// Reads ahead of need, on threads of its own (the paper's asynchronous reading, Fig. 7): some encode windows of rows,
/// one puts steps together of them, in order.
package final class StepReader: Sendable {
  private let assignment: WorkerAssignment
  private let view: UInt32
  private let data: WorkerData
  private let inbox: Inbox
  private let orders = BoundedQueue<ReadOrder>(capacity: 16)
  private let pool = WorkPool()
  private let encoders: ReaderThreads
  private let thread = Mutex<NamedThread?>(nil)

  init(_ preparation: Preparation, _ data: WorkerData, inbox: Inbox) {
    assignment = preparation.assignment
    view = preparation.view
    self.data = data
    self.inbox = inbox
    encoders = ReaderThreads(data.encoding, vocabulary: data.vocabulary, count: preparation.assignment.readers)
    let thread = NamedThread("steps") { [self] in run() }
    self.thread.withLock { $0 = thread }
  }

  package func read(_ order: ReadOrder) { _ = orders.push(order) }

  /// Takes back a piece of work that is done.
  package func recycle(_ work: StepWork) { pool.give(work) }

  /// Ends and joins the threads.
  func stop() {
    orders.cancel()
    pool.close()
    encoders.stop()
    thread.withLock { $0 }?.end()
  }

  private func run() {
    var assembler = StepAssembler(otherKeys: assignment.data.usesAdmission ? data.encoding.otherKeys : [])
    var slices = SliceReaders(data.train, assignment, encoders)
    while let order = orders.pop() {
      do {
        switch order.data {
        case .train(let steps, let leases):
          try train(steps, leases, most: order.ahead, &slices, &assembler)
        case .evaluate(let round): try evaluate(round: round, most: order.ahead, &assembler)
        }
      } catch is CancellationError {
        return
      } catch {
        inbox.put(.failed("\(error)"))
        return
      }
    }
  }

  /// A piece of work to be filled; waits while too many are away.
  private func take(_ purpose: StepWork.Purpose, slices: [Int], most: Int) throws -> StepWork {
    guard let work = pool.take(most: most) else { throw CancellationError() }
    work.begin(purpose, view: view, slices: slices, fields: data.encoding.fields.count)
    return work
  }

  private func train(
    _ steps: Range<UInt64>, _ leases: [Lease], most: Int, _ slices: inout SliceReaders, _ assembler: inout StepAssembler
  ) throws {
    try slices.take(leases)
    for step in steps {
      let work = try take(.training(step: step), slices: assignment.ownedSlices, most: most)
      for part in work.parts.indices { try slices.read(step, of: leases[part], part, into: &work.parts[part].batch) }
      assembler.assemble(work)
      inbox.put(.assembled(work))
    }
  }

  private func evaluate(round: Int, most: Int, _ assembler: inout StepAssembler) throws {
    let reader = ChunkReader(data.encoding, vocabulary: data.vocabulary)
    var rows = Batch(fields: data.encoding.fields.count)
    for partition in data.evaluation {
      for (number, chunk) in zip(partition.numbers, partition.chunks) {
        rows.reset()
        try reader.read(chunk, of: partition.files[chunk.file], into: &rows)
        for firstRow in stride(from: 0, to: rows.rows, by: WorkerData.blockRows) {
          let work = try take(
            .scoring(round: round, chunk: number, firstRow: firstRow), slices: [partition.slice], most: most)
          for row in firstRow..<min(rows.rows, firstRow + WorkerData.blockRows) {
            work.parts[0].batch.append(rowsOf: rows, row)
          }
          assembler.assemble(work)
          inbox.put(.assembled(work))
        }
      }
    }
  }
}

/// The readers of a worker's slices, kept from lease to lease of an epoch: what they read ahead is read once.
private struct SliceReaders {
  private let partitions: [Partition]
  private let assignment: WorkerAssignment
  private let encoders: ReaderThreads
  private var epoch: Int?
  private var readers: [PartitionReader] = []

  init(_ partitions: [Partition], _ assignment: WorkerAssignment, _ encoders: ReaderThreads) {
    self.partitions = partitions
    self.assignment = assignment
    self.encoders = encoders
  }

  /// - Parameter leases: in the order of the slices.
  mutating func take(_ leases: [Lease]) throws {
    guard partitions.count == leases.count else {
      throw AssignmentError.otherSlices(found: partitions.map(\.slice), expected: leases.map(\.slice))
    }
    let epochs = Set(leases.filter { !$0.steps.isEmpty }.map(\.epoch))
    guard epochs.count == 1, let epoch = epochs.first else {
      throw AssignmentError.invalid("leases of the epochs \(epochs.sorted())")
    }
    guard epoch != self.epoch else { return }
    // Their windows are given back before new ones are read.
    readers.removeAll()
    readers = zip(partitions, leases).map { partition, lease in
      PartitionReader(
        partition, sliceRows: assignment.sliceRows, seed: assignment.seed, epoch: epoch, threads: encoders,
        from: lease.steps.isEmpty ? 0 : Int(lease.steps.lowerBound - lease.epochStart))
    }
    self.epoch = epoch
  }

  /// Sets the batch to the slice's rows of a step; none where the step is not leased.
  mutating func read(_ step: UInt64, of lease: Lease, _ part: Int, into batch: inout Batch) throws {
    guard lease.steps.contains(step) else { return }
    try readers[part].read(step: Int(step - lease.epochStart), into: &batch)
  }
}
