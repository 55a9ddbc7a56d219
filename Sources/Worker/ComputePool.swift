import DeepFM
import Features
import Foundation
import Job
import Sharding
import Wire

/// Threads that compute slices, one BLAS thread each: a slice's bits do not depend on how many there are.
final class ComputePool: Sendable {
  struct Task: Sendable {
    var work: StepWork
    var part: Int
  }

  enum Result: Sendable {
    /// A node of the step is complete.
    case gradient(StepWork, samples: Int, lossSum: Double, pushes: [(server: Int, message: Message)])
    case scores(StepWork, ScoreBlock)
  }

  let threads: Int
  private let model: any Model<Float>
  private let seed: UInt64
  private let slices: Int
  private let rows: Int
  private let clip: Double
  private let tree: SliceTree
  private let pool: GradientPool
  private let push: PushMessages
  private let waker: Waker
  private let tasks = BoundedQueue<Task>(capacity: 1 << 16)
  private let results = BoundedQueue<Result>(capacity: 1 << 16)

  init(_ assignment: WorkerAssignment, model: any Model<Float>, blocks: DenseBlocks, waker: Waker) {
    self.model = model
    self.waker = waker
    seed = assignment.seed
    slices = assignment.slices
    clip = assignment.clip
    rows = max(assignment.sliceRows, InputReader.evaluationRows)
    threads = assignment.threads > 0 ? assignment.threads : ProcessInfo.processInfo.activeProcessorCount
    pool = GradientPool(denseCount: model.dense.count)
    tree = SliceTree(
      slices: assignment.slices, owned: assignment.ownedSlices, width: model.sparse.width, pool: pool)
    push = PushMessages(view: assignment.view, width: model.sparse.width, blocks: blocks)
    BLASThreads.set(1)
    for number in 0..<threads {
      let thread = Thread { [self] in run() }
      thread.name = "compute-\(number)"
      thread.start()
    }
  }

  /// Gradients a worker pushes each step.
  var pushesPerStep: Int { tree.coverCount }

  func compute(_ work: StepWork) {
    for part in work.parts.indices { _ = tasks.push(Task(work: work, part: part)) }
  }

  func next() -> Result? { results.tryPop() }

  func stop() { tasks.cancel() }

  private func run() {
    let workspace = model.makeWorkspace(rows: rows)
    var parameters: [UnsafePointer<Float>] = []
    var logits = [Float](repeating: 0, count: rows)
    while let task = tasks.pop() {
      let work = task.work
      switch work.purpose {
      case .training(let step):
        train(work, part: task.part, step: step, &parameters, workspace)
      case .evaluation(let round, let chunk, let firstRow):
        let batch = work.parts[task.part].batch
        withInput(work, part: task.part, &parameters) { input, dense in
          logits.withUnsafeMutableBufferPointer {
            model.predict(input, dense: dense, logits: $0.baseAddress!, in: workspace)
          }
        }
        let block = ScoreBlock(
          round: round, chunk: chunk, firstRow: firstRow, labels: batch.labels, logits: Array(logits.prefix(batch.rows))
        )
        finish(.scores(work, block))
      }
    }
  }

  private func train(
    _ work: StepWork, part: Int, step: UInt64, _ parameters: inout [UnsafePointer<Float>], _ workspace: Workspace<Float>
  ) {
    let slice = work.parts[part].slice
    let sum = pool.take()
    sum.samples = work.parts[part].batch.rows
    sum.lossSum = 0
    sum.uniques.removeAll(keepingCapacity: true)
    if sum.samples > 0 {
      sum.uniques.append(contentsOf: work.parts[part].uniques)
      sum.reserve(sparse: sum.uniques.count * model.sparse.width)
      withInput(work, part: part, &parameters) { input, dense in
        sum.lossSum = model.train(
          input, dense: dense, dropout: DropoutCounter(seed: seed, step: step, slice: UInt32(slice)),
          sparseGradient: sum.sparse, denseGradient: sum.dense, in: workspace)
      }
      let substitution = work.parts[part].substitution
      if !substitution.others.isEmpty { sum.fold(substitution, rows: work.sparse.rows, width: model.sparse.width) }
      if clip > 0 { sum.clip(norm: clip, width: model.sparse.width) }
      if !substitution.others.isEmpty {
        sum.note(substitution, rows: work.sparse.rows, width: model.sparse.width)
      }
    }
    guard let (node, total) = tree.add(sum, at: SliceNode(level: 0, index: slice)) else { return }
    let messages = push.make(total, node: node, step: step, work: work)
    let result = Result.gradient(work, samples: total.samples, lossSum: total.lossSum, pushes: messages)
    pool.give(total)
    finish(result)
  }

  private func finish(_ result: Result) {
    _ = results.push(result)
    waker.wake()
  }

  /// Shows the model one part of the work, with the rows where they were received.
  private func withInput(
    _ work: StepWork, part: Int, _ parameters: inout [UnsafePointer<Float>],
    _ body: (SliceInput<Float>, UnsafePointer<Float>) -> Void
  ) {
    defer { withExtendedLifetime(work) {} }
    let slice = work.parts[part]
    parameters.removeAll(keepingCapacity: true)
    for place in slice.uniques { parameters.append(work.sparse.rows[Int(place)]!) }
    if !slice.substitution.others.isEmpty {
      for (unique, field) in slice.substitution.fields.enumerated()
      where TableDescription.Admission.isAbsent(parameters[unique]) {
        parameters[unique] = parameters[Int(slice.substitution.others[Int(field)])]
      }
    }
    let batch = slice.batch
    batch.offsets.withUnsafeBufferPointer { offsets in
      slice.places.withUnsafeBufferPointer { places in
        batch.values.withUnsafeBufferPointer { values in
          batch.labels.withUnsafeBufferPointer { labels in
            parameters.withUnsafeBufferPointer { parameters in
              work.denseVector.withUnsafeBufferPointer { dense in
                guard batch.rows > 0 else { return }
                body(
                  SliceInput(
                    rows: batch.rows, fields: batch.fields, offsets: offsets.baseAddress!,
                    unique: places.baseAddress!, values: values.baseAddress!, labels: labels.baseAddress!,
                    parameters: parameters.baseAddress!, uniqueCount: parameters.count),
                  dense.baseAddress!)
              }
            }
          }
        }
      }
    }
  }
}
