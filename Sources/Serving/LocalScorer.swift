import DeepFM
import Features
import Foundation
import Sharding
import Synchronization
import Worker

/// Scores data with a model's parameters in this process, on all its cores: the bits are those that a cluster's workers
/// come to, since blocks, places and arithmetic are the same.
public struct LocalScorer: Sendable {
  private let model: any Model<Float>
  private let state: ModelState
  private let encoding: Encoding
  private let vocabulary: Vocabulary?
  private let usesAdmission: Bool

  /// - Parameter usesAdmission: whether features that were not admitted are read as their field's other one.
  public init(
    _ model: any Model<Float>, _ state: ModelState, encoding: Encoding, vocabulary: Vocabulary?, usesAdmission: Bool
  ) {
    self.model = model
    self.state = state
    self.encoding = encoding
    self.vocabulary = vocabulary
    self.usesAdmission = usesAdmission
  }

  public struct Scores: Sendable {
    /// In the order of the data.
    public var labels: [Float]
    public var logits: [Float]
  }

  /// Scores all rows of a data set.
  ///
  /// - Parameters:
  ///   - threads: that compute, each one chunk of the data at a time.
  ///   - progress: called in this thread a few times a second with the rows that are scored.
  /// - Throws: `DatasetError` where the data are not what they were; what `progress` throws.
  public func score(
    _ index: DatasetIndex, threads: Int, progress: (_ rows: Int) throws -> Void = { _ in }
  ) throws -> Scores {
    // Threads are ours: a block's bits do not depend on how many there are.
    BLASThreads.set(1)
    let sheet = Sheet(index)
    let count = max(1, min(threads, index.chunks.count))
    let shared = Shared(sheet: sheet, left: count)
    let workers = (0..<count).map { number in
      NamedThread("score-\(number)") {
        do {
          try score(index, shared)
        } catch {
          shared.fail(error)
        }
        shared.left.subtract(1, ordering: .releasing)
      }
    }
    while shared.left.load(ordering: .acquiring) > 0 {
      do {
        if shared.failure == nil { try progress(shared.done.load(ordering: .relaxed)) }
      } catch {
        shared.fail(error)
      }
      Thread.sleep(forTimeInterval: 0.02)
    }
    for worker in workers { worker.join() }
    if let error = shared.failure { throw error }
    return sheet.scores
  }

  private func score(_ index: DatasetIndex, _ shared: Shared) throws {
    let reader = ChunkReader(index, vocabulary: vocabulary)
    var assembler = StepAssembler(otherKeys: usesAdmission ? encoding.otherKeys : [])
    var computation = SliceComputation(model: model, rows: WorkerData.blockRows, seed: 0, clip: 0)
    let work = StepWork()
    let others = Set(encoding.otherKeys.map(Rank.of))
    let absent = AbsentRows(width: state.width)
    var rows = Batch(fields: index.fields)
    while let number = shared.next(of: index.chunks.count) {
      rows.reset()
      try reader.read(index.chunks[number], into: &rows)
      for firstRow in stride(from: 0, to: rows.rows, by: WorkerData.blockRows) {
        work.begin(.scoring(round: 0, chunk: number, firstRow: firstRow), view: 0, slices: [0], fields: index.fields)
        for row in firstRow..<min(rows.rows, firstRow + WorkerData.blockRows) {
          work.parts[0].batch.append(rowsOf: rows, row)
        }
        assembler.assemble(work)
        work.fill(dense: state.dense) { rank in
          state.row(of: rank) ?? (usesAdmission && !others.contains(rank) ? absent.notAdmitted : absent.zeros)
        }
        let logits = computation.score(part: 0, of: work)
        shared.sheet.put(work.parts[0].batch.labels, logits, chunk: number, firstRow: firstRow)
        shared.done.add(logits.count, ordering: .relaxed)
      }
    }
  }
}

/// What threads have in common.
private final class Shared: Sendable {
  let sheet: Sheet
  let left: Atomic<Int>
  let done = Atomic<Int>(0)
  private let chunk = Atomic<Int>(0)
  private let error = Mutex<(any Error)?>(nil)

  init(sheet: Sheet, left: Int) {
    self.sheet = sheet
    self.left = Atomic(left)
  }

  /// The next chunk that nobody scores; nil where there is none, or somebody has failed.
  func next(of count: Int) -> Int? {
    guard failure == nil else { return nil }
    let number = chunk.add(1, ordering: .relaxed).oldValue
    return number < count ? number : nil
  }

  func fail(_ new: any Error) { error.withLock { $0 = $0 ?? new } }
  var failure: (any Error)? { error.withLock { $0 } }
}

/// Labels and logits in the order of the data.
///
/// `@unchecked Sendable`: each row is written once, by whoever scores its chunk, and read when all are done.
private final class Sheet: @unchecked Sendable {
  private let rows: Int
  private let firstRows: [Int]
  private let labels: UnsafeMutablePointer<Float>
  private let logits: UnsafeMutablePointer<Float>

  init(_ index: DatasetIndex) {
    var next = 0
    firstRows = index.chunks.map { chunk in
      defer { next += chunk.rows }
      return next
    }
    rows = next
    labels = .allocate(capacity: max(1, next))
    logits = .allocate(capacity: max(1, next))
  }

  deinit {
    labels.deallocate()
    logits.deallocate()
  }

  func put(_ newLabels: [Float], _ newLogits: [Float], chunk: Int, firstRow: Int) {
    let start = firstRows[chunk] + firstRow
    for (place, logit) in newLogits.enumerated() {
      labels[start + place] = newLabels[place]
      logits[start + place] = logit
    }
  }

  var scores: LocalScorer.Scores {
    LocalScorer.Scores(
      labels: Array(UnsafeBufferPointer(start: labels, count: rows)),
      logits: Array(UnsafeBufferPointer(start: logits, count: rows)))
  }
}

/// What a server answers for features that have no rows.
private final class AbsentRows {
  let zeros: UnsafePointer<Float>
  let notAdmitted: UnsafePointer<Float>
  private let memory: UnsafeMutablePointer<Float>

  init(width: Int) {
    memory = .allocate(capacity: 2 * width)
    memory.initialize(repeating: 0, count: 2 * width)
    memory[width] = TableDescription.Admission.absent
    zeros = UnsafePointer(memory)
    notAdmitted = UnsafePointer(memory + width)
  }

  deinit { memory.deallocate() }
}
