import Checkpoint
import Job
import Sharding
import Wire

/// What members say, phase by phase.
extension RunProgram {
  /// A member's answer to an order, or its refusal.
  mutating func receive(_ answer: Message, from member: Member, at time: Seconds) -> [Effect] {
    do {
      switch (answer, member.role) {
      case (.report(let report), .server): return try receive(report.decode(ServerReport.self), from: member, at: time)
      case (.report(let report), .worker): return try receive(report.decode(WorkerReport.self), from: member, at: time)
      case (.refusal(let refusal), _): return fail("\(member) refused an order: \(refusal)")
      default: return []
      }
    } catch {
      return fail("\(member) answered an order with something else: \(error)")
    }
  }

  private mutating func receive(_ report: ServerReport, from member: Member, at time: Seconds) throws -> [Effect] {
    switch (phase, report) {
    case (.adopting(var waiting), .adopted):
      waiting.remove(member)
      return adopted(waiting, at: time)
    case (.training(var training), .settled(let settlement)):
      if let fault = training.settle(settlement, by: member) { return fail(fault) }
      return trained(training, at: time)
    case (.training(var training), .written(let part)):
      training.attempt?.written(part, by: member)
      return attempted(training, at: time)
    case (.training(var training), .missed(let clock)):
      training.attempt?.missed(at: clock, by: member)
      return attempted(training, at: time)
    case (.checkpointing(var attempt), .written(let part)):
      attempt.written(part, by: member)
      phase = .checkpointing(attempt)
      guard attempt.waiting.isEmpty || Mutant.commitEarly.isActive, committing == nil else { return [] }
      return commit(attempt, epoch: attempt.record?.epoch ?? 0)
    case (.digesting(var waiting, let known), .digests(let told)):
      guard waiting.remove(member) != nil else { return [] }
      phase = .digesting(waiting, known + told.all)
      guard waiting.isEmpty else { return [] }
      result.parameterDigest = ParameterDigest.combine(known + told.all)
      return finish(.completed(result))
    default: return []
    }
  }

  private mutating func receive(_ report: WorkerReport, from member: Member, at time: Seconds) throws -> [Effect] {
    if late.contains(member) { return receive(report, fromLate: member) }
    switch (phase, report) {
    case (.adopting(var waiting), .adopted):
      waiting.remove(member)
      return adopted(waiting, at: time)
    case (.surveying(var waiting, var surveys), .surveyed(let survey)):
      waiting.remove(member)
      surveys[member] = survey
      phase = .surveying(waiting, surveys)
      guard waiting.isEmpty else { return [] }
      result.surveys = members(.worker).compactMap { surveys[$0] }
      return finish(.completed(result))
    case (.training(var training), .trained(let stall)):
      training.finish(member, stallSeconds: stall)
      return trained(training, at: time)
    case (.evaluating(var evaluation), .done):
      evaluation.waiting.remove(member)
      return evaluated(evaluation, at: time)
    default: return []
    }
  }

  /// A worker's scores, once each.
  mutating func receive(_ scores: Scores, request: UInt64, from member: Member, at time: Seconds) -> [Effect] {
    let noted = [Effect.answer(member, request, .noted)]
    guard case .evaluating(var evaluation) = phase, scores.round == evaluation.record?.epoch ?? 0 else { return noted }
    guard evaluation.sheet.add(scores) else {
      return fail("\(member) scored rows that are not in the data, or were scored already: a fault of this program")
    }
    return noted + evaluated(evaluation, at: time)
  }

  /// - Parameter beat: said in the present view.
  mutating func receive(_ beat: Beat, from member: Member, at time: Seconds) -> [Effect] {
    let weighed = weigh(beat, of: member)
    guard case .training(var training) = phase, member == firstHomes.min(), let totals = beat.totals,
      let clock = beat.clock
    else { return weighed }
    // Where all tables are async nobody waits.
    if let view, plan.settings.cluster.staleness != [nil, nil] { waits.hear(beat.activity, in: view, at: time) }
    let progress = training.progress(
      totals, clock: clock, epochs: plan.settings.optimization.epochs, viewBegan: viewBegan, at: time)
    phase = .training(training)
    return weighed + (progress.map { [.progress($0)] } ?? []) + scheduleCheckpoint(after: clock, at: time)
  }

  // MARK: Checkpoints between the ends of epochs

  /// A server has said what became of its part. A checkpoint that one of them missed is over once the others, which write
  /// and go on by themselves, have answered too: until then what they say might pass for their part of the next. Its number
  /// is not used again.
  private mutating func attempted(_ training: TrainingPhase, at time: Seconds) -> [Effect] {
    phase = .training(training)
    guard let attempt = training.attempt, committing == nil,
      attempt.waiting.isEmpty || Mutant.commitEarly.isActive && attempt.missedAt == nil
    else { return [] }
    guard let missedAt = attempt.missedAt else { return commit(attempt, epoch: training.epoch) }
    notice = min(2 * notice, Self.mostNotice)
    return proceed(training, after: max(missedAt, attempt.clock), at: time)
  }

  /// Goes on without the checkpoint that was under way.
  mutating func proceed(_ training: TrainingPhase, after clock: UInt64, at time: Seconds) -> [Effect] {
    var training = training
    training.attempt = nil
    return trained(training, at: time) + scheduleCheckpoint(after: clock, at: time)
  }

  /// Steps ahead of the latest clock that is known, at which a checkpoint can still be ordered; more after each that was
  /// missed.
  static let leastNotice: UInt64 = 4
  private static let mostNotice: UInt64 = 4096

  /// Begins a checkpoint if it is time for one, or will be.
  mutating func scheduleCheckpoint(after clock: UInt64, at time: Seconds) -> [Effect] {
    guard case .train = plan.purpose, case .training(var training) = phase, training.attempt == nil, committing == nil,
      clock < training.steps.upperBound
    else { return [] }
    // A beat may come late, and tell a clock that lies behind what is recorded.
    let clock = max(clock, recordedClock)
    var wanted = clock + notice + UInt64(plan.settings.cluster.lag)
    switch plan.settings.cluster.checkpointEvery {
    case _ where isFull != nil: break
    case .epoch: return []
    case .steps(let steps): wanted = ((clock + notice - Self.leastNotice) / steps + 1) * steps
    case .seconds(let seconds):
      guard time - checkpointedAt >= seconds else { return [] }
    }
    // The epoch's end has its own.
    guard wanted < training.steps.upperBound else { return [] }
    training.attempt = CheckpointAttempt(clock: wanted, record: nil, servers: firstHomes)
    phase = .training(training)
    return [.reserveCheckpoint]
  }

  /// There is a number for the checkpoint that is to be written. One whose view is over is not used.
  mutating func reserved(_ number: Int) -> [Effect] {
    func order(_ attempt: inout CheckpointAttempt) -> [Effect] {
      attempt.number = number
      let since = Mutant.standOnUncommitted.isActive ? lastTried ?? lastCheckpoint?.step : lastCheckpoint?.step
      lastTried = attempt.clock
      let order = CheckpointOrder(number: number, clock: attempt.clock, since: since)
      return attempt.waiting.sorted().map { .ask($0, .order(Control(ServerOrder.checkpoint(order)))) }
    }
    switch phase {
    case .training(var training):
      guard var attempt = training.attempt, attempt.number == nil else { return [] }
      let effects = order(&attempt)
      training.attempt = attempt
      phase = .training(training)
      return effects
    case .checkpointing(var attempt):
      guard attempt.number == nil else { return [] }
      let effects = order(&attempt)
      phase = .checkpointing(attempt)
      return effects
    default: return []
    }
  }
}
