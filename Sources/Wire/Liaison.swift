import Sharding

/// A server's or worker's side of its conversation with the coordinator: it offers itself until it has a place, then
/// takes orders, beats, and notices when the coordinator falls silent.
///
/// **Reigns.** A coordinator that is started anew for the same run has a higher term. Whoever hears of it begins another
/// conversation: it registers once more, says what place it had, and keeps what it holds. What is of an earlier term
/// enters nothing.
///
/// **Views.** An order's envelope names the view that it is given in. A proposal of a later one is a promise: nothing of
/// an earlier one is carried out any more, an `adopt` that comes late among it.
public struct Liaison: Sendable {
  public var session: Session
  private let registration: Registration
  private let coordinator: String
  private let timing: Timing
  private var ticks: Ticks
  private var lastSaid: Seconds
  private var isRegistered = false
  private var isRegistering = false
  /// The latest view that was proposed. In between promise and adoption nothing of either view is taken.
  public private(set) var promised: UInt32 = 0
  /// That it has taken part in; 0: none yet.
  private var run: UInt64 = 0

  /// How long a process waits for a coordinator that it has never heard.
  public static let registrationPatience: Seconds = 600

  /// - Parameters:
  ///   - incarnation: drawn by the process at its start.
  ///   - coordinator: its endpoint, for sentences.
  public init(
    incarnation: UInt64, registration: Registration, coordinator: String, timing: Timing, at time: Seconds
  ) {
    var identity = Preamble()
    identity.incarnation = incarnation
    session = Session(identity, timing: timing, at: time)
    self.registration = registration
    self.coordinator = coordinator
    self.timing = timing
    ticks = Ticks(at: time)
    lastSaid = time
  }

  /// Its place in the run, once it has one.
  public var member: Member? { session.identity.member }
  /// The view that it adopted last; 0: none.
  public var view: UInt32 { session.identity.view }
  /// Whether a later view is proposed than the adopted one: nothing is taken until that, or a later one, is adopted.
  public var isFrozen: Bool { promised != view }

  /// What an envelope of the coordinator's comes to.
  public enum Heard {
    case nothing
    case tell(Envelope)
    /// An order to carry out and to answer under this number, in this view: the promised one.
    case order(UInt64, Control, view: UInt32)
    /// The answer to another question of this side's.
    case answer(Message, to: Message)
    /// The coordinator does not want this process.
    case refused(String)
    /// The run went on without this process. What it holds is worth nothing; it may begin anew, as another incarnation.
    case excluded
  }

  public mutating func receive(_ envelope: Envelope, at time: Seconds) -> Heard {
    // Before this counts as heard: time that stood still must not reach beyond it.
    excuse(at: time)
    let preamble = envelope.preamble
    guard preamble.isFor(session.identity.incarnation) else { return .nothing }
    if member != nil {
      guard preamble.run == session.identity.run, preamble.term >= session.identity.term
      else { return .nothing }
      if preamble.term > session.identity.term { return beginReign(preamble, at: time) }
    }
    guard isRegistered else { return offer(envelope, at: time) }
    if case .refusal(.unknownMember(let incarnation)) = envelope.message {
      // A coordinator that has not proposed anything yet knows nobody: what it said before it did comes late.
      return incarnation == session.identity.incarnation && preamble.view > view ? .excluded : .nothing
    }
    guard session.admits(preamble) else { return .nothing }
    // An order of a view that is over enters nothing, not even the list of what was received; its asker has forgotten it.
    if case .order = envelope.message, preamble.view < promised { return .nothing }
    switch session.receive(envelope, at: time) {
    case .nothing, .said: return .nothing
    case .repeated(let answer): return .tell(answer)
    case .question(let request, .order(let control)): return .order(request, control, view: preamble.view)
    case .question(let request, let message):
      return .tell(session.answer(request, .refusal(.malformed("a member is not asked for \(message.name)"))))
    case .answer(.refusal(.otherRun), _): return .refused("it is not part of the run")
    case .answer(let message, let question): return .answer(message, to: question)
    }
  }

  /// Another coordinator reigns: it is told who this is, and what it was.
  private mutating func beginReign(_ preamble: Preamble, at time: Seconds) -> Heard {
    var identity = session.identity
    identity.term = preamble.term
    // Its requests are counted on: what was asked of the old coordinator may be answered by the new one, whose queue it
    // waited in, and must not pass for an answer to what this one is asked.
    session.begin(identity, with: preamble.incarnation)
    session.hear(at: time)
    isRegistered = false
    isRegistering = true
    var registration = registration
    registration.standing = member.map { Registration.Standing(member: $0, view: view) }
    return .tell(session.ask(.register(registration), at: time))
  }

  /// Whoever has no place takes nothing but one. An order that overtakes the welcome is not even noted: it comes again.
  private mutating func offer(_ envelope: Envelope, at time: Seconds) -> Heard {
    switch envelope.message {
    // Whose words could not be read is answered under no number.
    case .refusal(let refusal) where envelope.preamble.request == 0:
      guard case .otherVersion(_, Preamble.version) = refusal else { return .nothing }
      return .refused("\(refusal)")
    case .refusal, .welcome: break
    default: return .nothing
    }
    guard case .answer(let answer, to: .register) = session.receive(envelope, at: time) else { return .nothing }
    // It was silent for too long before it had a place.
    if case .refusal(.unknownMember) = answer { return .excluded }
    if case .refusal(let refusal) = answer { return .refused("\(refusal)") }
    guard case .welcome(let place) = answer else { return .nothing }
    // Views are counted by run: what it promised, and what its threads have under way, is of another.
    guard run == 0 || envelope.preamble.run == run else { return .refused("another run goes on there") }
    run = envelope.preamble.run
    session.identity.run = run
    session.identity.term = envelope.preamble.term
    session.identity.member = place
    // An old coordinator may have said before that it is not yet time.
    session.meet(envelope.preamble.incarnation)
    isRegistered = true
    return .nothing
  }

  /// Offers itself as another incarnation, which has no place and holds nothing: the run went on without this one.
  ///
  /// What is still on its way to the old incarnation comes along the same connection, and does not say whom it is for. So
  /// orders of all views that were promised are not the new one's, and requests are counted on: a late welcome answers
  /// none of them.
  public mutating func beginAnew(at time: Seconds) {
    var identity = Preamble()
    identity.incarnation = max(1, session.identity.incarnation &+ 1)
    session.begin(identity)
    session.hear(at: time)
    isRegistered = false
    isRegistering = false
    promised = max(promised, promised &+ 1)
    lastSaid = time
  }

  // MARK: Views

  /// Promises to take nothing of views before this one.
  public mutating func promise(_ view: UInt32) { promised = max(promised, view) }

  /// Stands in a view from now on.
  public mutating func adopt(_ view: UInt32) {
    promised = max(promised, view)
    session.identity.view = view
  }

  /// What becomes of a message of another member's, which speaks of a view of its own.
  ///
  /// - Returns: nil where it is of this side's view and may be taken.
  public func refusal(of preamble: Preamble) -> Refusal? {
    let mine = session.identity
    guard preamble.run == mine.run else { return .otherRun }
    guard preamble.isFor(mine.incarnation) else { return .unknownMember(preamble.addressee) }
    if (preamble.view == mine.view && preamble.view == promised) || Mutant.ignoreView.isActive { return nil }
    return preamble.view < promised ? .staleView(now: promised) : .notYet
  }

  // MARK: Time

  /// Excuses time that stood still. To be called before anything else happens at this time: what is asked or heard now
  /// must not be excused for what was before.
  public mutating func excuse(at time: Seconds) {
    let lateness = ticks.lateness(at: time)
    if lateness > 0 { session.excuse(lateness) }
  }

  /// A refusal for somebody there is no session with.
  public func stranger(_ refusal: Refusal, request: UInt64) -> Envelope {
    Envelope(refusing: request, refusal, as: session.identity)
  }

  public enum Tick {
    case messages([Envelope], sentence: String?)
    /// The coordinator has not been heard for so long.
    case silent(endpoint: String, seconds: Int)
  }

  /// - Parameter beat: how far this side is, said when it is time to.
  public mutating func tick(at time: Seconds, beat: @autoclosure () -> Beat) -> Tick {
    excuse(at: time)
    let patience = member != nil ? max(timing.timeout, timing.coordinatorTimeout) : Self.registrationPatience
    let silence = session.silence(at: time)
    guard silence < patience else { return .silent(endpoint: coordinator, seconds: Int(patience)) }
    var messages = session.due(at: time)
    if member == nil, !isRegistering {
      isRegistering = true
      messages.append(session.ask(.register(registration), at: time))
    }
    // Beats go on while the coordinator is away: its successor hears of this process so.
    if member != nil, session.isBeatDue(at: time) { messages.append(session.say(.beat(beat()))) }
    guard member == nil || silence >= timing.timeout, time - lastSaid >= 5 else {
      return .messages(messages, sentence: nil)
    }
    lastSaid = time
    let since = member == nil ? "" : ", silent for \(Int(silence)) s"
    return .messages(messages, sentence: "waiting for the coordinator at \(coordinator)\(since)")
  }
}
