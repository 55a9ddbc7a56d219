import Checkpoint
import Sharding
import Wire

/// Checkpoints: when they are taken, what they stand on, what becomes of them.
extension RunProgram {
  // MARK: When

  /// Steps ahead of the latest clock that is known, at which a checkpoint can still be ordered; more after each that was
  /// missed.
  static let leastNotice: UInt64 = 4
  private static let mostNotice: UInt64 = 4096

  /// Begins a checkpoint if it is time for one, or will be.
  mutating func scheduleCheckpoint(after clock: UInt64, at time: Seconds) -> [Effect] {
    guard case .train = plan.purpose, case .training(let training) = phase, attempt == nil, !isWriting,
      clock < training.steps.upperBound
    else { return [] }
    // A beat may come late, and tell a clock that lies behind what is recorded.
    let clock = max(clock, settledClock)
    let soon = clock + notice + UInt64(plan.settings.cluster.lag)
    let schedule = plan.settings.cluster.checkpointEvery
    let isTime = isFull != nil || schedule.seconds.map { time - checkpointedAt >= $0 } ?? false
    let byStep = schedule.steps.map { ((clock + notice - Self.leastNotice) / $0 + 1) * $0 }
    // The epoch's end has its own.
    guard let wanted = [isTime ? soon : nil, byStep].compactMap({ $0 }).min(), wanted < training.steps.upperBound else {
      return []
    }
    return take(at: wanted, epoch: training.epoch)
  }

  /// Takes a checkpoint where an epoch ended: everyone stands there until the state is held.
  ///
  /// - Parameter record: of the epoch, if it is not recorded.
  mutating func end(at clock: UInt64, _ record: EpochRecord?) -> [Effect] {
    phase = .ending(record)
    // Another may be on its way yet.
    return attempt == nil && committing == nil ? take(at: clock, epoch: record?.epoch ?? result.epochs.count) : []
  }

  private mutating func take(at clock: UInt64, epoch: Int) -> [Effect] {
    attempt = CheckpointAttempt(clock: clock, epoch: epoch, servers: firstHomes)
    return [.reserveCheckpoint]
  }

  /// All epochs are recorded: ends once their checkpoint is.
  mutating func close(_ model: ModelPlan, at time: Seconds) -> [Effect] {
    phase = .closing
    guard attempt == nil, committing == nil else { return [] }
    return recordedClock == recordedEnd(model) ? digest() : []
  }

  // MARK: Taking one

  /// There is a number for the checkpoint that is to be taken. One whose view is over is not used.
  mutating func reserved(_ number: Int) -> [Effect] {
    guard attempt != nil, attempt!.number == nil else { return [] }
    attempt!.number = number
    attempt!.base = base
    if Mutant.standOnUncommitted.isActive, let lastTried { attempt!.base?.clock = lastTried }
    lastTried = attempt!.clock
    let order = CheckpointOrder(number: number, clock: attempt!.clock, base: attempt!.base)
    return attempt!.waiting.sorted().map { .ask($0, .order(Control(ServerOrder.checkpoint(order)))) }
  }

  /// What the next one is to stand on: the last, unless what that stands on has grown long. Then all rows are written, so that
  /// what a state is read from is never much more than the state.
  private var base: CheckpointOrder.Base? {
    guard let last = lastCheckpoint else { return nil }
    let chain = checkpoints.chain(of: last)
    let changes = chain.dropFirst()
    guard changes.count < Self.longestChain, 2 * changes.reduce(0, { $0 + $1.bytes }) <= chain[0].bytes else {
      return nil
    }
    return CheckpointOrder.Base(number: last.number, clock: last.step)
  }

  private static let longestChain = 16

  /// A server holds the state, or is past it.
  ///
  /// - Parameter totals: of the epoch at its clock; nil for one that is past it.
  mutating func held(_ totals: StepTotals?, missedAt clock: UInt64?, by member: Member, at time: Seconds) -> [Effect] {
    guard attempt != nil, !attempt!.isHeld else { return [] }
    attempt!.held(totals, missedAt: clock, by: member)
    guard attempt!.waiting.isEmpty, let number = attempt!.number else { return [] }
    let clock = attempt!.clock
    if let missedAt = attempt!.missedAt {
      attempt = nil
      if case .ending(let record) = phase, isEnd(clock, record) {
        lostEnd = clock
        return ended(record, at: clock, time)
      }
      notice = min(2 * notice, Self.mostNotice)
      return goOn(after: max(missedAt, clock), at: time)
    }
    attempt!.write(firstHomes, at: time)
    let writes = firstHomes.sorted().map {
      Effect.ask($0, .order(Control(ServerOrder.write(checkpoint: number))))
    }
    // One that was on its way when the epoch ended is of an earlier clock: the end's own is taken once it is written.
    guard case .ending(let record) = phase, isEnd(clock, record) else { return writes }
    return writes + ended(record, at: clock, time)
  }

  private func isEnd(_ clock: UInt64, _ record: EpochRecord?) -> Bool {
    clock == record?.clock ?? plan.model.map(recordedEnd)
  }

  /// A server has written its part, or could not.
  mutating func written(_ part: CheckpointPart?, failure: String?, by member: Member, at time: Seconds) -> [Effect] {
    guard attempt != nil, attempt!.isHeld else { return [] }
    attempt!.written(part, failure: failure, by: member)
    guard let reason = attempt!.failure, attempt!.waiting.isEmpty else { return commitIfWritten() }
    let last = lastCheckpoint.map { "checkpoint \($0.number), at step \($0.step), is the last that is whole" }
    let sentence =
      "checkpoint \(attempt!.number ?? 0) could not be written: \(reason) Training goes on; "
      + (last ?? "there is none that is whole yet")
    checkpointedAt = time
    return [.note(sentence)] + goOn(after: attempt!.clock, at: time)
  }

  /// Seconds after which it is said whose disk is waited for: training goes on, so that nothing else shows it.
  private static let slowWrite: Seconds = 60

  mutating func sayIfSlow(at time: Seconds) -> [Effect] {
    guard let attempt, let heldAt = attempt.heldAt, time - heldAt >= Self.slowWrite, !attempt.hasSaidSlow,
      !attempt.waiting.isEmpty
    else { return [] }
    self.attempt!.hasSaidSlow = true
    let servers = attempt.waiting.sorted().map { "\($0)" }.joined(separator: ", ")
    return [
      .note(
        "checkpoint \(attempt.number ?? 0) has been on its way for \(Int(Self.slowWrite)) s, and waits for \(servers). Is "
          + "the disk there slow, or out of reach? Training goes on")
    ]
  }

  /// Goes on without the checkpoint that was under way.
  private mutating func goOn(after clock: UInt64, at time: Seconds) -> [Effect] {
    attempt = nil
    switch phase {
    case .training: return scheduleCheckpoint(after: clock, at: time)
    case .ending(let record) where recording == nil:
      return plan.model.map { end(at: record?.clock ?? recordedEnd($0), record) } ?? []
    case .closing:
      lastFailure = (lastFailure?.since ?? time, time)
      return []
    default: return []
    }
  }

  /// How long the last checkpoint of a run is tried for, and how often.
  private static let patience: Seconds = 300
  private static let pause: Seconds = 5

  /// Tries the last checkpoint again, which could not be written.
  mutating func closeAgain(at time: Seconds) -> [Effect] {
    guard case .closing = phase, let failure = lastFailure, attempt == nil, !isWriting, let model = plan.model,
      time - failure.at >= Self.pause
    else { return [] }
    guard time - failure.since < Self.patience else {
      return fail(
        "the run's last checkpoint could not be written for \(Int(Self.patience)) s. Make room, and go on with "
          + "`deepfm train --resume`")
    }
    lastFailure?.at = time
    return take(at: recordedEnd(model), epoch: result.epochs.count)
  }

  // MARK: The catalogue

  /// Commits what all have written, once every epoch is recorded that ended before.
  mutating func commitIfWritten() -> [Effect] {
    guard let attempt, let number = attempt.number, !isWriting, let model = plan.model,
      attempt.isWritten || Mutant.commitEarly.isActive && attempt.parts.count > 0,
      attempt.clock < recordedEnd(model) + model.data.epochSteps
    else { return [] }
    let checkpoint = CheckpointRecord(
      number: number, stage: plan.stage, epoch: attempt.epoch, step: attempt.clock, totals: attempt.totals,
      base: attempt.base?.number, parts: attempt.parts.sorted { $0.server < $1.server },
      kept: kept(with: number, at: attempt.clock))
    committing = checkpoint
    return [.commit(checkpoint)]
  }

  /// Checkpoints that can be read once another is committed: the last ones, and the one with the lowest validation logloss of
  /// the stage.
  private func kept(with number: Int, at clock: UInt64) -> [Int] {
    let cluster = plan.settings.cluster
    var epochs = result.epochs
    for index in epochs.indices where epochs[index].clock == clock { epochs[index].checkpoint = number }
    // One that was dropped is gone.
    let there = (checkpoints.last?.kept ?? []) + [number]
    let best = cluster.keepBest ? epochs.bestKept(by: plan.settings.optimization.bestBy)?.checkpoint : nil
    return there.filter { there.suffix(cluster.keepCheckpoints).contains($0) || $0 == best }
  }

  /// The catalogue holds the checkpoint.
  mutating func committed(at time: Seconds) -> [Effect] {
    guard let checkpoint = committing else { return [] }
    committing = nil
    let before = checkpoints.needed
    checkpoints.append(checkpoint)
    checkpointedAt = time
    lastFailure = nil
    for index in result.epochs.indices where result.epochs[index].clock == checkpoint.step {
      result.epochs[index].checkpoint = checkpoint.number
    }
    if attempt?.number == checkpoint.number { attempt = nil }
    if let isFull {
      return fail(Self.ending(isFull, checkpoint: checkpoint.number, servers: firstHomes.count))
    }
    let dropped = before.subtracting(checkpoints.needed)
    let files = checkpoints.filter { dropped.contains($0.number) }.flatMap { $0.parts.map(\.path) }
    let removals =
      files.isEmpty ? [] : members(.server).map { Effect.ask($0, .order(Control(ServerOrder.remove(files: files)))) }
    switch phase {
    case .training:
      notice = max(Self.leastNotice, notice / 2)
      return removals + scheduleCheckpoint(after: checkpoint.step, at: time)
    case .ending(let record) where recording == nil && attempt == nil:
      return removals + (plan.model.map { end(at: record?.clock ?? recordedEnd($0), record) } ?? [])
    case .closing: return removals + (plan.model.map { close($0, at: time) } ?? [])
    case .waiting, .adopting, .done: return []
    default: return removals
    }
  }
}
