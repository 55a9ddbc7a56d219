import Features
import Foundation
import Synchronization

/// Scores data with a model's parameters in this process, on all its cores: the bits are those that a cluster's workers
/// come to, since blocks, places and arithmetic are the same.
public struct LocalScorer: Sendable {
  private let model: ScoringModel

  public init(_ model: ScoringModel) { self.model = model }

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
    let reader = ChunkReader(index, vocabulary: model.vocabulary)
    let scorer = BlockScorer(model)
    var rows = Batch(fields: index.fields)
    while let number = shared.next(of: index.chunks.count) {
      rows.reset()
      try reader.read(index.chunks[number], into: &rows)
      scorer.score(rows) { firstRow, labels, logits in
        shared.sheet.put(labels, logits, chunk: number, firstRow: firstRow)
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
