import Checkpoint
import Job
import Sharding
import Wire

/// A coordinator without its socket and catalogue: a state machine. Events and times go in, effects come out.
///
/// `Membership` knows who takes part, `RunProgram` what for; this joins the two, for one plan after another.
package struct CoordinatorCore {
  package enum Event {
    case received(Envelope, from: Route)
    /// Bytes that are no message of this version.
    case malformed(WireError, from: Route)
    /// The connection had no room for a question.
    case congested(Route, request: UInt64)
    /// A few times a second.
    case tick
    /// Begin with this plan, in a view of its own.
    case start(Plan)
    /// What was to be committed is on the disk.
    case committed
    /// A process that the caller watches has died, or something else that a sentence says.
    case failed(String)
    /// A person wants the run to end.
    case interrupt
    /// No other plan follows: everyone may go.
    case dismiss
  }

  package enum Effect {
    case send(Envelope, along: Route)
    case recordMembers([MemberRecord], view: Int)
    /// One transaction, to be followed by `committed`.
    case commit(EpochRecord, CheckpointRecord)
    case progress(RunProgress)
    case epochDone(EpochRecord)
    case say(String)
    case finish(Outcome)
  }

  private var membership: Membership
  private let timing: Timing
  private var plan: Plan?
  private var program: RunProgram?
  private var articles: [Digest: [UInt8]] = [:]
  private var isDismissed = false

  /// - Parameter run: a number that no other run has.
  package init(servers: Int, workers: Int, run: UInt64, timing: Timing, at time: Seconds) {
    membership = Membership(servers: servers, workers: workers, run: run, timing: timing, at: time)
    self.timing = timing
  }

  /// Questions that members have not answered.
  package var openQuestions: Int { membership.openQuestions }

  /// Whether everyone who was told to stop has answered.
  package var isAlone: Bool { !membership.isWaiting }

  package mutating func receive(_ event: Event, at time: Seconds) -> [Effect] {
    membership.excuse(at: time)
    switch event {
    case .received(let envelope, let route): return receive(envelope, from: route, at: time)
    case .malformed(let error, let route): return refuse(error, route)
    case .congested(let route, let request):
      membership.holdBack(request, along: route, at: time)
      return []
    case .tick: return tick(at: time)
    case .start(let plan):
      self.plan = plan
      return membership.isComplete ? start(plan, at: time) : []
    case .committed: return run(at: time) { $0.committed(at: time) }
    case .failed(let sentence): return end(at: time) { $0.fail(sentence) }
    case .interrupt: return end(at: time) { $0.interrupt() }
    case .dismiss: return dismiss(at: time)
    }
  }

  // MARK: Plans

  private mutating func start(_ plan: Plan, at time: Seconds) -> [Effect] {
    membership.forgetQuestions()
    membership.advance()
    switch plan.purpose {
    case .survey: articles = [:]
    case .train(let model, _), .score(let model): articles = model.data.articles
    }
    let members = membership.all
    program = RunProgram(plan, members: members)
    let records = members.map { place in
      MemberRecord(
        role: "\(place.registration.role)", number: place.member?.number ?? 0, host: place.registration.host,
        process: place.registration.process, endpoint: place.registration.endpoint)
    }
    return [.recordMembers(records, view: Int(membership.view))] + run(at: time) { $0.start() }
  }

  private mutating func run(at time: Seconds, _ body: (inout RunProgram) -> [RunProgram.Effect]) -> [Effect] {
    guard var program else { return [] }
    let effects = body(&program)
    self.program = program
    // A new phase: nobody has had time to get on with it.
    if effects.contains(where: { if case .ask = $0 { true } else { false } }) { membership.noteProgress(at: time) }
    return effects.flatMap { effect -> [Effect] in
      switch effect {
      case .ask(let member, let message): return send(membership.ask(member, message, at: time))
      case .answer(let member, let request, let message): return send(membership.answer(member, request, message))
      case .commit(let epoch, let checkpoint): return [.commit(epoch, checkpoint)]
      case .progress(let progress): return [.progress(progress)]
      case .epochDone(let record): return [.epochDone(record)]
      case .say(let sentence): return [.say(sentence)]
      case .finish(let outcome):
        membership.forgetQuestions()
        return [.finish(outcome)]
      }
    }
  }

  /// Ends the run, whether it has begun or not.
  private mutating func end(at time: Seconds, _ body: (inout RunProgram) -> [RunProgram.Effect]) -> [Effect] {
    if program == nil, let plan { program = RunProgram(plan, members: []) }
    return run(at: time, body)
  }

  private mutating func dismiss(at time: Seconds) -> [Effect] {
    program = nil
    plan = nil
    isDismissed = true
    membership.forgetQuestions()
    return membership.members.flatMap { member in
      let order = member.role == .server ? Control(ServerOrder.stop) : Control(WorkerOrder.stop)
      return send(membership.ask(member, .order(order), at: time))
    }
  }

  // MARK: Messages

  private func send(_ messages: [(Envelope, Route)]) -> [Effect] { messages.map { .send($0.0, along: $0.1) } }

  private mutating func receive(_ envelope: Envelope, from route: Route, at time: Seconds) -> [Effect] {
    switch membership.receive(envelope, from: route, at: time) {
    case .nothing: return []
    case .send(let answer, let route): return [.send(answer, along: route)]
    case .complete(let welcomes):
      return send(welcomes) + (plan.map { start($0, at: time) } ?? [])
    case .beat(let member, let beat): return run(at: time) { $0.receive(beat, from: member, at: time) }
    case .answer(let member, let message, to: .order):
      return run(at: time) { $0.receive(message, from: member, at: time) }
    case .answer: return []
    case .question(let member, let request, let message): return answer(member, request, message, at: time)
    }
  }

  private mutating func answer(_ member: Member, _ request: UInt64, _ message: Message, at time: Seconds) -> [Effect] {
    switch message {
    case .scores(let scores):
      return run(at: time) { $0.receive(scores, request: request, from: member, at: time) }
    case .fetch(let fetch):
      guard let article = articles[fetch.digest], let piece = Piece(fetch.part, of: article, digest: fetch.digest)
      else { return send(membership.answer(member, request, .refusal(.gone))) }
      return send(membership.answer(member, request, .piece(piece)))
    case .failed(let sentence):
      return send(membership.answer(member, request, .noted))
        + end(at: time) { $0.fail("\(member): \(sentence)") }
    default:
      return send(
        membership.answer(member, request, .refusal(.malformed("a coordinator is not asked for \(message.name)"))))
    }
  }

  /// A process of another version is told so; other noise is not answered.
  private func refuse(_ error: WireError, _ route: Route) -> [Effect] {
    guard case .wrongVersion(let found) = error else { return [] }
    let refusal = Refusal.otherVersion(mine: Preamble.version, yours: found)
    return [.send(membership.stranger(refusal, request: 0), along: route)]
  }

  // MARK: Time

  private mutating func tick(at time: Seconds) -> [Effect] {
    let tick = membership.tick(at: time, gatherSeconds: plan?.gatherSeconds ?? .infinity)
    var effects = send(tick.messages)
    if let sentence = tick.sentence { effects.append(.say(sentence)) }
    guard !isDismissed else { return effects }
    if let failure = tick.failure { return effects + end(at: time) { $0.fail(failure) } }
    guard let program, program.expectsProgress,
      let sentence = ProgressWatch.standstill(of: membership.all, timeout: timing.timeout, at: time)
    else { return effects }
    return effects + end(at: time) { $0.fail(sentence) }
  }
}
