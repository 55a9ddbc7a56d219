import Checkpoint
import Sharding
import Wire

/// An epoch being trained.
struct TrainingPhase: Sendable {
  let epoch: Int
  let steps: Range<UInt64>
  /// Of the training data.
  let rows: Int
  let startedAt: Seconds
  private var workers: Set<Member>
  private var servers: Set<Member>
  /// As the first server to settle told; every other must say the same.
  private(set) var totals = StepTotals()
  private var isTold = false
  private var stallSeconds = 0.0
  private let workerCount: Int

  init(epoch: Int, steps: Range<UInt64>, rows: Int, startedAt: Seconds, workers: Set<Member>, servers: Set<Member>) {
    self.epoch = epoch
    self.steps = steps
    self.rows = rows
    self.startedAt = startedAt
    self.workers = workers
    self.servers = servers
    workerCount = workers.count
  }

  var isComplete: Bool { workers.isEmpty && servers.isEmpty }

  mutating func finish(_ worker: Member, stallSeconds seconds: Double) {
    guard workers.remove(worker) != nil else { return }
    stallSeconds += seconds.isFinite ? seconds : 0
  }

  /// Every server sums up the same pushes along the same tree, so all must come to the same.
  ///
  /// - Returns: what is wrong, if something is.
  mutating func settle(_ told: StepTotals, by server: Member) -> String? {
    guard servers.remove(server) != nil else { return nil }
    if isTold, told.rows != totals.rows || told.lossSum.bitPattern != totals.lossSum.bitPattern {
      return "\(server) counts \(told.rows) rows in epoch \(epoch), another server \(totals.rows), "
        + "or their losses differ: a fault of this program"
    }
    isTold = true
    totals = told
    return nil
  }

  func record(at time: Seconds) -> EpochRecord {
    EpochRecord(
      epoch: epoch, steps: steps.count, rows: Int(totals.rows),
      trainLogloss: totals.lossSum / Double(max(1, totals.rows)), seconds: time - startedAt,
      stallSeconds: stallSeconds / Double(max(1, workerCount)))
  }

  /// nil for totals of an earlier epoch.
  func progress(_ totals: StepTotals, clock: UInt64, epochs: Int, at time: Seconds) -> RunProgress? {
    guard clock > steps.lowerBound, clock <= steps.upperBound, let done = Int(exactly: totals.rows), done <= rows else {
      return nil
    }
    let speed = Double(done) / max(time - startedAt, 1e-3)
    let rowsLeft = Double(rows - done) + Double(epochs - epoch) * Double(rows)
    return RunProgress(
      epoch: epoch, epochs: epochs, rows: done, rowsInEpoch: rows,
      trainLogloss: done > 0 ? totals.lossSum / Double(done) : 0, samplesPerSecond: speed,
      secondsLeft: speed > 0 ? rowsLeft / speed : 0)
  }
}

/// Data being scored: of an epoch that ended, or for its own sake.
struct EvaluationPhase: Sendable {
  let record: EpochRecord?
  var sheet: ScoreSheet
  /// Workers that are not done.
  var waiting: Set<Member>
}

/// Slots being written.
struct CheckpointPhase: Sendable {
  let record: EpochRecord
  private(set) var waiting: Set<Member>
  private(set) var slots = 0
  private(set) var bytes = 0

  init(record: EpochRecord, waiting: Set<Member>) {
    self.record = record
    self.waiting = waiting
  }

  mutating func written(slots: Int, bytes: Int, by server: Member) {
    guard waiting.remove(server) != nil else { return }
    self.slots &+= slots
    self.bytes &+= bytes
  }
}
