import Checkpoint
import Job
import Sharding
import Wire

/// A coordinator without its socket and catalogue: a state machine. Events and times go in, effects come out.
///
/// `Membership` knows who is there, a `Proposal` leads from one view to the next, `RunProgram` knows what for; this joins the
/// three, for one plan after another. What is proposed, adopted or committed is in the catalogue before anyone hears of it.
package struct CoordinatorCore {
  package enum Event {
    case received(Envelope, from: Route)
    /// Bytes that are no message of this version.
    case malformed(WireError, from: Route)
    /// The connection had no room for a question.
    case congested(Route, request: UInt64)
    /// A few times a second.
    case tick
    /// Carry out this plan.
    case start(Plan)
    /// Here is the number for a view.
    case viewReserved(UInt32)
    /// The view is on the disk.
    case viewRecorded
    case checkpointReserved(Int)
    /// The epoch is on the disk.
    case epochRecorded
    /// The checkpoint is.
    case committed
    /// A process that the caller watches is dead; a sentence says how.
    case died(host: String, process: Int32, String)
    /// The run cannot go on, as a sentence says.
    case failed(String)
    /// A person wants the run to end.
    case interrupt
    /// No other plan follows: everyone may go.
    case dismiss
  }

  package enum Effect {
    case send(Envelope, along: Route)
    /// To be followed by `viewReserved`.
    case reserveView
    /// One transaction, to be followed by `viewRecorded`.
    case record(ViewRecord)
    /// To be followed by `checkpointReserved`.
    case reserveCheckpoint
    /// One transaction, to be followed by `epochRecorded`.
    case recordEpoch(EpochRecord)
    /// One transaction, to be followed by `committed`.
    case commit(CheckpointRecord)
    /// For the catalogue's list of events.
    case note(String)
    case progress(RunProgress)
    case epochDone(EpochRecord)
    case say(String)
    case finish(Outcome)
  }

  /// How the run stands.
  enum Stance {
    /// Waits for processes: for all that it is to begin with, or for replacements of those it cannot go on without.
    case gathering(since: Seconds)
    /// A number for a view is on its way.
    case reserving(reason: String)
    case proposing(Proposal)
    /// The view is on its way to the disk.
    case recording(ViewRecord)
    case reigning(ViewRecord)
  }

  package let cluster: ClusterNeeds
  let run: UInt64
  let term: UInt32
  let timing: Timing
  var membership: Membership
  var stance: Stance
  var plan: Plan?
  var program: RunProgram?
  /// What was found when the reign began, and what became of it.
  var history: RunHistory
  /// Where the present view, or the last one, was recorded.
  var lastView: ViewRecord? { history.lastView }
  /// By incarnation, where a server writes.
  var folders: [UInt64: String] = [:]
  /// The deal that copies are made for.
  var target: SlotMap?
  var filling: Filling?
  var speculation = Speculation()
  /// What a person wants to be even.
  var balance: Balance?
  var casualties = Casualties()
  /// Members of the last view that are yet to be heard under this reign.
  var awaited: Set<UInt64>
  var articles: [Digest: [UInt8]] = [:]
  var lastSaid: Seconds
  /// Why the next view is wanted, where it has to wait.
  var nextReason: String?
  /// Whether the run goes on with fewer than it began with.
  var isPatienceOver = false
  /// Set while nobody has some of the data.
  var dataWait: DataWait?
  var lastLoss: String?
  /// Members that were told to leave.
  var drained: Set<String> = []
  /// The next view is wanted since nothing moves; and where the run stood when that was so last.
  var isStandstill = false
  var stoodStillAt: UInt64?
  private(set) var isDismissed = false

  /// - Parameters:
  ///   - run: a number that no other run has.
  ///   - term: above that of every earlier coordinator of the run.
  ///   - incarnation: drawn by the process at its start.
  ///   - history: what the catalogue says of the run.
  ///   - expectsMembers: whether members of the last view may be alive.
  package init(
    cluster: ClusterNeeds, run: UInt64, term: UInt32, incarnation: UInt64, history: RunHistory = RunHistory(),
    expectsMembers: Bool = true, timing: Timing, at time: Seconds
  ) {
    self.cluster = cluster
    self.run = run
    self.term = term
    self.timing = timing
    self.history = history
    membership = Membership(
      run: run, term: term, incarnation: incarnation, mostWorkers: cluster.mostWorkers,
      isNumbered: history.lastView != nil, seats: expectsMembers ? Self.seats(of: history.lastView) : [:],
      timing: timing, at: time)
    awaited = expectsMembers ? Set((history.lastView?.members ?? []).map(\.incarnation)) : []
    stance = .gathering(since: time)
    lastSaid = time
    for member in history.lastView?.members ?? [] { folders[member.incarnation] = member.folder }
  }

  private static func seats(of view: ViewRecord?) -> [UInt64: Member] {
    var seats: [UInt64: Member] = [:]
    for member in view?.members ?? [] {
      seats[member.incarnation] = Member(member.role == "server" ? .server : .worker, member.number)
    }
    return seats
  }

  package mutating func receive(_ event: Event, at time: Seconds) -> [Effect] {
    excuse(membership.excuse(at: time))
    switch event {
    case .received(let envelope, let route): return receive(envelope, from: route, at: time)
    case .malformed(let error, let route): return refuse(error, route)
    case .congested(let route, let request):
      membership.holdBack(request, along: route, at: time)
      return []
    case .tick: return tick(at: time)
    case .start(let plan): return start(plan, at: time)
    case .viewReserved(let number): return propose(number, at: time)
    case .viewRecorded: return reign(at: time)
    case .checkpointReserved(let number): return run(at: time) { $0.reserved(number) }
    case .epochRecorded: return recorded(at: time) { $0.recorded(at: time) }
    case .committed: return recorded(at: time) { $0.committed(at: time) }
    case .died(let host, let process, let sentence): return bury(host, process, sentence, at: time)
    case .failed(let sentence): return end(at: time) { $0.fail(sentence) }
    case .interrupt: return end(at: time) { $0.interrupt() }
    case .dismiss: return dismiss(at: time)
    }
  }

  /// The catalogue has written, which may have taken a while.
  private mutating func recorded(
    at time: Seconds, _ body: (inout RunProgram) -> [RunProgram.Effect]
  ) -> [Effect] {
    membership.noteProgress(at: time)
    return run(at: time, body) + decide(at: time)
  }

  // MARK: Plans

  private mutating func start(_ plan: Plan, at time: Seconds) -> [Effect] {
    self.plan = plan
    articles = plan.model?.data.articles ?? [:]
    if let program { history.checkpoints = program.checkpoints }
    program = RunProgram(plan, run: run, history: history)
    casualties = Casualties()
    (target, filling) = (nil, nil)
    stance = .gathering(since: time)
    return gather(at: time)
  }

  mutating func run(at time: Seconds, _ body: (inout RunProgram) -> [RunProgram.Effect]) -> [Effect] {
    guard var program else { return [] }
    let effects = body(&program)
    self.program = program
    // A new phase: nobody has had time to get on with it.
    if effects.contains(where: { if case .ask = $0 { true } else { false } }) { membership.noteProgress(at: time) }
    return effects.flatMap { effect -> [Effect] in
      switch effect {
      case .ask(let member, let message):
        guard let place = membership[member] else { return [] }
        return send(membership.ask(place.incarnation, message, at: time))
      case .answer(let member, let request, let message):
        guard let place = membership[member] else { return [] }
        return send(membership.answer(place.incarnation, request, message))
      case .reserveCheckpoint: return [.reserveCheckpoint]
      case .record(let epoch): return [.recordEpoch(epoch)]
      case .commit(let checkpoint): return [.commit(checkpoint)]
      case .progress(let progress): return [.progress(progress)]
      case .epochDone(let record):
        history.epochs.append(record)
        return [.epochDone(record)]
      case .say(let sentence): return [.say(sentence)]
      case .note(let sentence): return [.say(sentence), .note(sentence)]
      case .finish(let outcome):
        membership.forgetQuestions()
        plan = nil
        return [.finish(outcome)]
      }
    }
  }

  /// Ends the run, whether it has begun or not.
  mutating func end(at time: Seconds, _ body: (inout RunProgram) -> [RunProgram.Effect]) -> [Effect] {
    run(at: time, body)
  }

  private mutating func dismiss(at time: Seconds) -> [Effect] {
    if let program { history.checkpoints = program.checkpoints }
    program = nil
    plan = nil
    isDismissed = true
    membership.forgetQuestions()
    return membership.all.flatMap { place in
      let order = place.registration.role == .server ? Control(ServerOrder.stop) : Control(WorkerOrder.stop)
      return place.member == nil ? [] : send(membership.ask(place.incarnation, .order(order), at: time))
    }
  }

  // MARK: Messages

  func send(_ messages: [(Envelope, Route)]) -> [Effect] { messages.map { .send($0.0, along: $0.1) } }

  private mutating func receive(_ envelope: Envelope, from route: Route, at time: Seconds) -> [Effect] {
    if case .command(let control) = envelope.message {
      let (answer, effects) = answer(control, at: time)
      return [.send(membership.reply(answer, to: envelope.preamble.request), along: route)] + effects
        + changeViewIfNeeded(at: time)
    }
    switch membership.receive(envelope, from: route, at: time) {
    case .nothing: return []
    case .send(let answer, let route): return [.send(answer, along: route)]
    case .joined(let incarnation, let answer, let route):
      awaited.remove(incarnation)
      return [.send(answer, along: route)] + gather(at: time)
    case .beat(let incarnation, let beat):
      guard let place = membership[incarnation], let member = place.member, isInView(incarnation),
        place.beatView == view?.number
      else { return [] }
      casualties.hear(beat)
      return run(at: time) { $0.receive(beat, from: member, at: time) }
    case .answer(let incarnation, let message, to: .order):
      return take(message, from: incarnation, at: time)
    case .answer: return []
    case .question(let incarnation, let request, let message):
      return answer(incarnation, request, message, at: time)
    }
  }

  func isInView(_ incarnation: UInt64) -> Bool {
    view?.members.contains { $0.incarnation == incarnation } ?? false
  }

  private mutating func answer(
    _ incarnation: UInt64, _ request: UInt64, _ message: Message, at time: Seconds
  ) -> [Effect] {
    switch message {
    case .scores(let scores):
      guard isInView(incarnation), let member = membership[incarnation]?.member else { return [] }
      return run(at: time) { $0.receive(scores, request: request, from: member, at: time) }
    case .fetch(let fetch):
      guard let article = articles[fetch.digest], let piece = Piece(fetch.part, of: article, digest: fetch.digest)
      else { return send(membership.answer(incarnation, request, .refusal(.gone))) }
      return send(membership.answer(incarnation, request, .piece(piece)))
    case .failed(let sentence):
      return send(membership.answer(incarnation, request, .noted)) + failed(incarnation, sentence, at: time)
    default:
      return send(
        membership.answer(incarnation, request, .refusal(.malformed("a coordinator is not asked for \(message.name)"))))
    }
  }

  /// A process of another version is told so; other noise is not answered.
  private func refuse(_ error: WireError, _ route: Route) -> [Effect] {
    guard case .wrongVersion(let found) = error else { return [] }
    let refusal = Refusal.otherVersion(mine: Preamble.version, yours: found)
    return [.send(membership.stranger(refusal, request: 0), along: route)]
  }
}
