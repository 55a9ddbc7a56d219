import Checkpoint
import Sharding
import Wire

/// An epoch being trained.
struct TrainingPhase: Sendable {
  let stage: Int
  let epoch: Int
  /// Of the whole epoch.
  let steps: Range<UInt64>
  /// Applied, as was heard last.
  private(set) var clock: UInt64
  /// Of the training data.
  let rows: Int
  let startedAt: Seconds
  /// Rows that were trained on before, where the epoch goes on: as the first beat told.
  private var rowsBefore: UInt64?
  private var workers: Set<Member>
  private var servers: Set<Member>
  /// As the first of the servers told; every other must say the same.
  private(set) var totals = StepTotals()
  private var teller: Member?
  /// Whether all parameters are as if there were one server and one worker: losses too must be the same to the bit then.
  private let isExact: Bool
  /// By number, what async tables met with.
  private(set) var staleness: [Int: StalenessReport] = [:]
  /// By number, at the end, of all servers.
  private(set) var tables: [TableSize] = []
  private var stallSeconds = 0.0
  private let workerCount: Int

  init(
    stage: Int, epoch: Int, steps: Range<UInt64>, from clock: UInt64, rows: Int, isExact: Bool, startedAt: Seconds,
    workers: Set<Member>, servers: Set<Member>
  ) {
    self.stage = stage
    self.epoch = epoch
    self.steps = steps
    self.clock = clock
    self.rows = rows
    self.isExact = isExact
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

  /// Every server sums up the same pushes along the same tree, so all must come to the same; of async tables, to as many rows.
  ///
  /// - Returns: what is wrong, if something is.
  mutating func settle(_ settlement: Settlement, by server: Member) -> String? {
    guard servers.remove(server) != nil else { return nil }
    let told = settlement.totals
    if teller != nil, told.rows != totals.rows || isExact && told.lossSum.bitPattern != totals.lossSum.bitPattern {
      return "\(server) counts \(told.rows) rows in epoch \(epoch), another server \(totals.rows), "
        + "or their losses differ: a fault of this program"
    }
    for (number, size) in settlement.tables.enumerated() {
      if number == tables.count { tables.append(TableSize()) }
      tables[number] += size
    }
    for (table, report) in settlement.staleness { staleness[table, default: StalenessReport()].add(report) }
    guard teller.map({ server < $0 }) ?? true else { return nil }
    (teller, totals) = (server, told)
    return nil
  }

  func record(at time: Seconds) -> EpochRecord {
    EpochRecord(
      stage: stage, epoch: epoch, clock: steps.upperBound, steps: steps.count, rows: Int(totals.rows),
      trainLogloss: totals.lossSum / Double(max(1, totals.rows)), seconds: time - startedAt,
      stallSeconds: stallSeconds / Double(max(1, workerCount)))
  }

  /// nil for totals of an earlier epoch.
  mutating func progress(
    _ totals: StepTotals, clock: UInt64, epochs: Int, viewBegan: Seconds, at time: Seconds
  ) -> RunProgress? {
    guard clock > steps.lowerBound, clock <= steps.upperBound, let done = Int(exactly: totals.rows), done <= rows else {
      return nil
    }
    self.clock = max(self.clock, clock)
    let before = rowsBefore ?? (startedAt < viewBegan ? totals.rows : 0)
    rowsBefore = before
    let speed = Double(totals.rows &- min(before, totals.rows)) / max(time - max(startedAt, viewBegan), 1e-3)
    let rowsLeft = Double(rows - done) + Double(max(0, epochs - epoch)) * Double(rows)
    return RunProgress(
      epoch: epoch, epochs: epochs, rows: done, rowsInEpoch: rows,
      trainLogloss: done > 0 ? totals.lossSum / Double(done) : 0, samplesPerSecond: speed,
      secondsLeft: speed > 0 ? rowsLeft / speed : 0)
  }
}

/// Data being scored: of an epoch that ended, or for its own sake.
struct EvaluationPhase: Sendable {
  let record: EpochRecord?
  /// Of the parameters.
  let clock: UInt64
  var sheet: ScoreSheet
  /// Workers that are not done.
  var waiting: Set<Member>
}

/// A checkpoint on its way: first its state is to be held, then written.
struct CheckpointAttempt: Sendable {
  let clock: UInt64
  /// That it lies in, or ends.
  let epoch: Int
  /// nil until there is one for it.
  var number: Int?
  var base: CheckpointOrder.Base?
  /// Servers that have not answered.
  private(set) var waiting: Set<Member>
  /// Since when it is held, and being written.
  private(set) var heldAt: Seconds?
  var hasSaidSlow = false
  /// The latest clock that a server told which was past the checkpoint's: it comes to nothing.
  private(set) var missedAt: UInt64?
  /// Why some part could not be written: the same.
  private(set) var failure: String?
  private(set) var parts: [CheckpointPart] = []
  private(set) var totals = StepTotals()

  init(clock: UInt64, epoch: Int, servers: Set<Member>) {
    self.clock = clock
    self.epoch = epoch
    waiting = servers
  }

  mutating func held(_ totals: StepTotals?, missedAt clock: UInt64?, by server: Member) {
    guard waiting.remove(server) != nil else { return }
    if let totals { self.totals = totals }
    if let clock { missedAt = max(missedAt ?? 0, clock) }
  }

  /// All hold it: these are to write it.
  mutating func write(_ servers: Set<Member>, at time: Seconds) {
    heldAt = time
    waiting = servers
  }

  mutating func written(_ part: CheckpointPart?, failure: String?, by server: Member) {
    guard waiting.remove(server) != nil else { return }
    if let part { parts.append(part) }
    self.failure = self.failure ?? failure
  }

  var isHeld: Bool { heldAt != nil }
  var isWritten: Bool { isHeld && waiting.isEmpty && failure == nil }
}
