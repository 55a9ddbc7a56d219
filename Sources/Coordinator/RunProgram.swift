import Checkpoint
import Job
import Sharding
import Wire

/// What a run is for, phase by phase: a state machine apart from who takes part.
///
/// Each view begins it anew, from a position that is a function of the view's clock and of what is recorded: everyone adopts
/// the view; then for each epoch that is not recorded yet, training from the clock on, and evaluation. The state at an epoch's end
/// is held before anyone goes on, and a checkpoint written of it meanwhile. At the end the parameters are hashed. Each phase
/// carries its own state, and ends when everyone it asked has answered.
struct RunProgram: Sendable {
  enum Effect: Sendable {
    case ask(Member, Message)
    case answer(Member, UInt64, Message)
    /// To be followed by `reserved`.
    case reserveCheckpoint
    /// One transaction: when it is done, and `recorded` has been called, the epoch has ended.
    case record(EpochRecord)
    /// One transaction: when it is done, and `committed` has been called, the checkpoint exists.
    case commit(CheckpointRecord)
    case progress(RunProgress)
    case epochDone(EpochRecord)
    case say(String)
    /// For the catalogue's list of events, and for people.
    case note(String)
    case finish(Outcome)
  }

  enum Phase {
    /// Nothing has been asked yet.
    case waiting
    case adopting(Set<Member>)
    case surveying(Set<Member>, [Member: SurveyResult])
    case training(TrainingPhase)
    /// Everyone stands where an epoch ended, until that state is held; nil for one that is recorded.
    case ending(EpochRecord?)
    case evaluating(EvaluationPhase)
    /// All epochs are recorded: the last checkpoint is being written.
    case closing
    case digesting(Set<Member>, [SlotDigest])
    case done
  }

  let plan: Plan
  /// The run's number.
  let run: UInt64
  var phase = Phase.waiting
  /// Of the run, all stages.
  var checkpoints: [CheckpointRecord]
  var result = RunResult()
  /// What is being written to the catalogue: it counts, whatever becomes of the view.
  var recording: EpochRecord?
  var committing: CheckpointRecord?
  /// The checkpoint that is being taken in this view.
  var attempt: CheckpointAttempt?
  /// An epoch's end that some async table has gone past in this view, whose state nobody can hold any more.
  var lostEnd: UInt64?
  /// Since when the last checkpoint of the run cannot be written, and when that was tried.
  var lastFailure: (since: Seconds, at: Seconds)?
  var view: ViewRecord?
  /// Of the view, those that nobody waits for, since others compute the same; and of these, those with nothing to do.
  private(set) var late: Set<Member> = []
  var ready: Set<Member> = []
  private(set) var viewBegan: Seconds = 0
  /// Of the epoch under way, with the views that it has gone through.
  private var epochBegan: (epoch: Int, time: Seconds)?
  /// Of the same.
  var waits = WaitCount()
  /// Since when the schedule of checkpoints counts.
  var checkpointedAt: Seconds = 0
  /// Steps ahead at which a checkpoint is ordered.
  var notice = leastNotice
  /// The clock of the checkpoint that was ordered last, whatever became of it.
  var lastTried: UInt64?
  var memory = MemoryWatch()
  /// Why the run ends with the next checkpoint.
  var isFull: String?

  init(_ plan: Plan, run: UInt64, history: RunHistory) {
    self.plan = plan
    self.run = run
    checkpoints = history.checkpoints
    for epoch in history.epochs(ofStage: plan.stage) { note(epoch) }
  }

  // MARK: What is recorded

  var lastCheckpoint: CheckpointRecord? { checkpoints.last { $0.stage == plan.stage } }
  /// Of the last checkpoint, or of the stage's start: where a rewind leads.
  var recordedClock: UInt64 { lastCheckpoint?.step ?? plan.model?.start.clock ?? 0 }

  mutating func note(_ epoch: EpochRecord) {
    result.epochs.append(epoch)
    result.rows += epoch.rows
    result.trainingSeconds += epoch.seconds
    result.stallSeconds += epoch.stallSeconds
  }

  /// What ended after the step that all go back to is to end once more.
  private mutating func forgetEpochs(after clock: UInt64) {
    let epochs = result.epochs.filter { $0.clock <= clock }
    (result.epochs, result.rows, result.trainingSeconds, result.stallSeconds) = ([], 0, 0, 0)
    for epoch in epochs { note(epoch) }
  }

  /// The clock that follows the epochs that are recorded.
  func recordedEnd(_ model: ModelPlan) -> UInt64 {
    model.start.clock + UInt64(result.epochs.count) * model.data.epochSteps
  }

  /// No recorded state is later: an end of an epoch, or a checkpoint.
  var settledClock: UInt64 { max(recordedClock, plan.model.map(recordedEnd) ?? 0) }

  /// Whether something is on its way to the catalogue.
  var isWriting: Bool { recording != nil || committing != nil }

  // MARK: Members

  func members(_ role: Member.Role) -> [Member] {
    (view?.members("\(role)") ?? []).map { Member(role, $0.number) }
  }

  /// Servers that are the first home of some slot.
  var firstHomes: Set<Member> { Set((view?.slots?.groups ?? []).map { .server($0.first) }) }
  /// Servers that hold some slot.
  private var homes: Set<Member> { Set((view?.slots?.servers ?? []).map { .server($0) }) }

  /// Whether somebody is expected to get on: not before the beginning, while the catalogue is written, nor at the end.
  var expectsProgress: Bool {
    switch phase {
    case .waiting, .done: false
    default: !isWriting
    }
  }

  // MARK: A view

  /// Begins anew in a view that is recorded.
  ///
  /// - Parameter late: numbers of workers that nobody is to wait for.
  mutating func enter(_ view: ViewRecord, late: Set<Int> = [], at time: Seconds) -> [Effect] {
    self.view = view
    self.late = Set(late.map(Member.worker))
    ready = []
    viewBegan = time
    if checkpointedAt == 0 { checkpointedAt = time }
    if view.isRewound { forgetEpochs(after: view.clock) }
    let servers = members(.server)
    guard let model = plan.model else {
      guard case .survey(let order) = plan.purpose else { return [] }
      phase = .surveying(Set(workers), [:])
      return workers.map { .ask($0, .order(Control(WorkerOrder.survey(order)))) }
    }
    phase = .adopting(Set(servers + workers))
    let assignments = Assignments(
      view: view, run: run, model: model, settings: plan.settings, checkpoints: checkpoints, stage: plan.stage)
    return view.members("server").map {
      .ask(.server($0.number), .order(Control(assignments.server($0.number, folder: $0.folder))))
    }
      + view.members("worker").map {
        .ask(.worker($0.number), .order(Control(assignments.worker($0.number, slices: $0.slices))))
      }
  }

  /// The view is over. What is being written to the catalogue still counts.
  mutating func leave() {
    if case .done = phase { return }
    phase = .waiting
    (attempt, lostEnd) = (nil, nil)
  }

  /// Everyone stands in the view: goes on from its clock.
  mutating func adopted(_ waiting: Set<Member>, at time: Seconds) -> [Effect] {
    phase = .adopting(waiting)
    guard waiting.isEmpty, let model = plan.model, let view else { return [] }
    if case .score = plan.purpose { return evaluate(model, clock: view.clock, record: nil) }
    return proceed(model, from: view.clock, at: time)
  }

  // MARK: Epochs

  /// Trains the next epoch that is not recorded, or ends. Where an epoch has just ended, a checkpoint is taken first.
  mutating func proceed(_ model: ModelPlan, from clock: UInt64, at time: Seconds) -> [Effect] {
    let isTaken = clock <= recordedClock || attempt?.clock == clock || committing?.step == clock
    if clock == recordedEnd(model), !isTaken, lostEnd != clock {
      return end(at: clock, nil)
    }
    let patience = plan.settings.optimization.patience
    let epochs = result.epochs.count
    if epochs >= plan.settings.optimization.epochs { return close(model, at: time) }
    if epochs > 0, let best = epochsSinceBest, patience > 0, best >= patience {
      return [.say("stopping early: no better validation \(plan.settings.optimization.bestBy.text) for \(best) epochs")]
        + close(model, at: time)
    }
    return train(model, epoch: epochs + 1, from: clock, at: time)
  }

  /// Epochs since the best on the validation data; nil without such.
  private var epochsSinceBest: Int? {
    result.epochs.best(by: plan.settings.optimization.bestBy).map { best in
      result.epochs.count { $0.epoch > best.epoch }
    }
  }

  private mutating func train(_ model: ModelPlan, epoch: Int, from clock: UInt64, at time: Seconds) -> [Effect] {
    let start = model.start.clock + UInt64(epoch - 1) * model.data.epochSteps
    let end = start + model.data.epochSteps
    guard (start...end).contains(clock) else {
      return fail("step \(clock) is not one of epoch \(epoch), which are \(start) to \(end): a fault of this program")
    }
    if epochBegan?.epoch != epoch {
      epochBegan = (epoch, time)
      waits = WaitCount()
    }
    let settling = Mutant.settleFirstHomes.isActive ? firstHomes : homes
    let training = TrainingPhase(
      stage: plan.stage, epoch: epoch, steps: start..<end, from: clock, rows: model.data.rows,
      isExact: plan.settings.cluster.isExact, startedAt: epochBegan?.time ?? time, workers: Set(workers),
      servers: settling)
    phase = .training(training)
    let settles = settling.sorted().map { Effect.ask($0, .order(Control(ServerOrder.settle(clock: end)))) }
    let trains = (view?.members("worker") ?? []).flatMap { worker -> [Effect] in
      let member = Member.worker(worker.number)
      return late.contains(member) ? train(member, training) : [training.order(to: worker, from: clock)]
    }
    return settles + trains + scheduleCheckpoint(after: clock, at: time)
  }

  mutating func trained(_ training: TrainingPhase, at time: Seconds) -> [Effect] {
    phase = .training(training)
    guard training.isComplete, recording == nil, let model = plan.model else { return [] }
    guard training.totals.rows == UInt64(training.rows) else {
      return fail(
        "epoch \(training.epoch) trained on \(training.totals.rows) rows of \(training.rows): a fault of this program")
    }
    var record = training.record(at: time)
    record.waits = waits.records(in: view)
    for (table, size) in zip(model.tables, training.tables) { record.tables[table.name] = size }
    for (table, report) in training.staleness where model.tables.indices.contains(table) {
      record.staleness[model.tables[table].name] = report
    }
    return end(at: training.steps.upperBound, record)
  }

  /// The state that an epoch ended with is held.
  mutating func ended(_ record: EpochRecord?, at clock: UInt64, _ time: Seconds) -> [Effect] {
    guard let model = plan.model else { return [] }
    guard let record else { return proceed(model, from: clock, at: time) }
    return model.data.evaluationRows == nil ? self.record(record) : evaluate(model, clock: clock, record: record)
  }

  private mutating func record(_ record: EpochRecord) -> [Effect] {
    recording = record
    return [.record(record)]
  }

  private mutating func evaluate(_ model: ModelPlan, clock: UInt64, record: EpochRecord?) -> [Effect] {
    guard let rows = model.data.evaluationRows else { return fail("there is no data to evaluate on") }
    phase = .evaluating(
      EvaluationPhase(record: record, clock: clock, sheet: ScoreSheet(chunkRows: rows), waiting: Set(workers)))
    let order = WorkerOrder.evaluate(round: record?.epoch ?? 0, clock: clock)
    return workers.map { .ask($0, .order(Control(order))) }
  }

  mutating func evaluated(_ evaluation: EvaluationPhase, at time: Seconds) -> [Effect] {
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
    return self.record(record)
  }

  /// The catalogue holds the epoch.
  mutating func recorded(at time: Seconds) -> [Effect] {
    guard let record = recording else { return [] }
    recording = nil
    note(record)
    epochBegan = nil
    let effects = [Effect.epochDone(record)] + commitIfWritten()
    switch phase {
    case .ending, .evaluating:
      guard let model = plan.model else { return effects }
      return effects + proceed(model, from: record.clock, at: time)
    default: return effects
    }
  }
}
