import Checkpoint
import Job
import Sharding
import Wire

/// What a run is for, phase by phase: a state machine apart from who takes part.
///
/// A training run has everyone adopt the view, then repeats for each epoch: train, evaluate, checkpoint. At the end it
/// has the parameters hashed. Each phase carries its own state, and ends when everyone it asked has answered.
struct RunProgram: Sendable {
  enum Effect: Sendable {
    case ask(Member, Message)
    case answer(Member, UInt64, Message)
    /// One transaction: when it is done, and `committed` has been called, the epoch and its checkpoint exist.
    case commit(EpochRecord, CheckpointRecord)
    case progress(RunProgress)
    case epochDone(EpochRecord)
    case say(String)
    case finish(Outcome)
  }

  private enum Phase {
    /// Nothing has been asked yet.
    case waiting
    case adopting(Set<Member>)
    case surveying(Set<Member>, [Member: SurveyResult])
    case training(TrainingPhase)
    case evaluating(EvaluationPhase)
    case checkpointing(CheckpointPhase)
    case committing(EpochRecord, CheckpointRecord)
    case digesting(Set<Member>, [SlotDigest])
    case done
  }

  private let plan: Plan
  private let members: [Place]
  private var phase = Phase.waiting
  private var epoch = 0
  private var nextStep: UInt64 = 0
  private var result = RunResult()
  private(set) var lastCheckpoint: Int?

  /// - Parameter members: all, with their places.
  init(_ plan: Plan, members: [Place]) {
    self.plan = plan
    self.members = members
  }

  private var servers: [Member] { members.compactMap(\.member).filter { $0.role == .server } }
  private var workers: [Member] { members.compactMap(\.member).filter { $0.role == .worker } }

  /// Whether somebody is expected to get on: not before the beginning, while the catalogue is written, nor at the end.
  var expectsProgress: Bool {
    switch phase {
    case .waiting, .committing, .done: false
    default: true
    }
  }

  private var modelPlan: ModelPlan? {
    switch plan.purpose {
    case .survey: nil
    case .train(let model, _), .score(let model): model
    }
  }

  // MARK: The beginning

  mutating func start() -> [Effect] {
    switch plan.purpose {
    case .survey(let order):
      phase = .surveying(Set(workers), [:])
      return workers.map { .ask($0, .order(Control(WorkerOrder.survey(order)))) }
    case .train(let model, let databases): return adopt(model, databases: databases)
    case .score(let model): return adopt(model, databases: [])
    }
  }

  private mutating func adopt(_ model: ModelPlan, databases: [String]) -> [Effect] {
    phase = .adopting(Set(servers + workers))
    nextStep = model.restore?.clock ?? 0
    return model.assignments(of: members, plan.settings, databases: databases).map { .ask($0, .order($1)) }
  }

  // MARK: What members say

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
    case (.training(var training), .settled(let totals)):
      if let fault = training.settle(totals, by: member) { return fail(fault) }
      return trained(training, at: time)
    case (.checkpointing(var checkpoint), .written(let slots, let bytes)):
      checkpoint.written(slots: slots, bytes: bytes, by: member)
      phase = .checkpointing(checkpoint)
      guard checkpoint.waiting.isEmpty || Mutant.commitEarly.isActive else { return [] }
      return commit(checkpoint)
    case (.digesting(var waiting, let known), .digests(let told)):
      let slots = told.all
      waiting.remove(member)
      phase = .digesting(waiting, known + slots)
      guard waiting.isEmpty else { return [] }
      result.parameterDigest = ParameterDigest.combine(known + slots)
      return finish(.completed(result))
    default: return []
    }
  }

  private mutating func receive(_ report: WorkerReport, from member: Member, at time: Seconds) throws -> [Effect] {
    switch (phase, report) {
    case (.adopting(var waiting), .adopted):
      waiting.remove(member)
      return adopted(waiting, at: time)
    case (.surveying(var waiting, var surveys), .surveyed(let survey)):
      waiting.remove(member)
      surveys[member] = survey
      phase = .surveying(waiting, surveys)
      guard waiting.isEmpty else { return [] }
      result.surveys = workers.compactMap { surveys[$0] }
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
    guard case .evaluating(var evaluation) = phase, scores.round == epoch else { return noted }
    guard evaluation.sheet.add(scores) else {
      return fail("\(member) scored rows that are not in the data, or were scored already: a fault of this program")
    }
    return noted + evaluated(evaluation, at: time)
  }

  mutating func receive(_ beat: Beat, from member: Member, at time: Seconds) -> [Effect] {
    guard case .training(let training) = phase, member == .server(0), let totals = beat.totals else { return [] }
    return training.progress(totals, clock: beat.clock ?? 0, epochs: plan.settings.optimization.epochs, at: time)
      .map { [.progress($0)] } ?? []
  }

  // MARK: Epochs

  private mutating func adopted(_ waiting: Set<Member>, at time: Seconds) -> [Effect] {
    phase = .adopting(waiting)
    guard waiting.isEmpty, let model = modelPlan else { return [] }
    if case .score = plan.purpose { return evaluate(model, record: nil) }
    return train(model, at: time)
  }

  private mutating func train(_ model: ModelPlan, at time: Seconds) -> [Effect] {
    epoch += 1
    let end = nextStep + model.data.epochSteps
    phase = .training(
      TrainingPhase(
        epoch: epoch, steps: nextStep..<end, rows: model.data.rows, startedAt: time, workers: Set(workers),
        servers: Set(servers)))
    return servers.map { .ask($0, .order(Control(ServerOrder.settle(clock: end)))) }
      + workers.map { member in
        let leases = model.workerSlices[member.number].map {
          Lease(slice: $0, epoch: epoch, epochStart: nextStep, steps: nextStep..<end)
        }
        return .ask(member, .order(Control(WorkerOrder.train(leases))))
      }
  }

  private mutating func trained(_ training: TrainingPhase, at time: Seconds) -> [Effect] {
    phase = .training(training)
    guard training.isComplete, let model = modelPlan else { return [] }
    guard training.totals.rows == UInt64(training.rows) else {
      return fail(
        "epoch \(epoch) trained on \(training.totals.rows) rows of \(training.rows): a fault of this program")
    }
    nextStep = training.steps.upperBound
    let record = training.record(at: time)
    result.rows += record.rows
    result.trainingSeconds += record.seconds
    result.stallSeconds += record.stallSeconds
    return model.data.evaluationRows == nil ? checkpoint(record) : evaluate(model, record: record)
  }

  private mutating func evaluate(_ model: ModelPlan, record: EpochRecord?) -> [Effect] {
    guard let rows = model.data.evaluationRows else { return fail("there is no data to evaluate on") }
    phase = .evaluating(EvaluationPhase(record: record, sheet: ScoreSheet(chunkRows: rows), waiting: Set(workers)))
    return workers.map { .ask($0, .order(Control(WorkerOrder.evaluate(round: epoch, clock: nextStep)))) }
  }

  private mutating func evaluated(_ evaluation: EvaluationPhase, at time: Seconds) -> [Effect] {
    phase = .evaluating(evaluation)
    guard evaluation.waiting.isEmpty else { return [] }
    guard evaluation.sheet.missing == 0 else {
      return fail("\(evaluation.sheet.missing) rows were not scored by anyone: a fault of this program")
    }
    let metrics = evaluation.sheet.metrics
    result.evaluation = metrics
    guard var record = evaluation.record else {
      result.rows = evaluation.sheet.labels.count
      result.labels = evaluation.sheet.labels
      result.logits = evaluation.sheet.logits
      return finish(.completed(result))
    }
    record.auc = metrics.auc
    record.logloss = metrics.logloss
    return checkpoint(record)
  }

  private mutating func checkpoint(_ record: EpochRecord) -> [Effect] {
    phase = .checkpointing(CheckpointPhase(record: record, waiting: Set(servers)))
    return servers.map { .ask($0, .order(Control(ServerOrder.checkpoint(number: epoch, clock: nextStep)))) }
  }

  private mutating func commit(_ checkpoint: CheckpointPhase) -> [Effect] {
    guard case .train(_, let databases) = plan.purpose else { return [] }
    let record = CheckpointRecord(
      number: epoch, epoch: epoch, step: nextStep, slots: checkpoint.slots, bytes: checkpoint.bytes, shards: databases)
    phase = .committing(checkpoint.record, record)
    return [.commit(checkpoint.record, record)]
  }

  /// The catalogue holds the epoch and its checkpoint.
  mutating func committed(at time: Seconds) -> [Effect] {
    guard case .committing(let record, let checkpoint) = phase, let model = modelPlan else { return [] }
    lastCheckpoint = checkpoint.number
    result.epochs.append(record)
    var effects: [Effect] = [.epochDone(record)]
    effects += servers.map { .ask($0, .order(Control(ServerOrder.committed(number: checkpoint.number)))) }
    if epoch < plan.settings.optimization.epochs {
      let patience = plan.settings.optimization.patience
      guard let best = epochsSinceBest, patience > 0, best >= patience else { return effects + train(model, at: time) }
      effects.append(.say("stopping early: no better validation logloss for \(best) epochs"))
    }
    phase = .digesting(Set(servers), [])
    return effects + servers.map { .ask($0, .order(Control(ServerOrder.digest))) }
  }

  /// Epochs since the one with the lowest validation logloss; nil without validation data.
  private var epochsSinceBest: Int? {
    let loglosses = result.epochs.compactMap(\.logloss)
    guard let best = loglosses.indices.min(by: { loglosses[$0] < loglosses[$1] }) else { return nil }
    return loglosses.count - 1 - best
  }

  // MARK: The end

  /// The run cannot go on.
  mutating func fail(_ sentence: String) -> [Effect] {
    let isEnded = sentence.hasSuffix(".") || sentence.hasSuffix("?") || sentence.contains("\n")
    return finish(.failed(isEnded ? sentence : sentence + "."))
  }

  mutating func interrupt() -> [Effect] { finish(.interrupted(lastCheckpoint: lastCheckpoint)) }

  private mutating func finish(_ outcome: Outcome) -> [Effect] {
    if case .done = phase { return [] }
    phase = .done
    return [.finish(outcome)]
  }
}
