import Sharding

/// A server's or worker's side of its conversation with the coordinator: it offers itself until it has a place, then
/// takes orders, beats, and notices when the coordinator falls silent.
public struct Liaison: Sendable {
  public var session: Session
  private let registration: Registration
  private let coordinator: String
  private let timing: Timing
  private var ticks: Ticks
  private var lastSaid: Seconds
  private var isRegistering = false

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

  /// What an envelope of the coordinator's comes to.
  public enum Heard {
    case nothing
    case tell(Envelope)
    /// An order to carry out and to answer under this number, in this view.
    case order(UInt64, Control, view: UInt32)
    /// The answer to another question of this side's.
    case answer(Message, to: Message)
    /// The coordinator does not want this process.
    case refused(String)
  }

  public mutating func receive(_ envelope: Envelope, at time: Seconds) -> Heard {
    // Before this counts as heard: time that stood still must not reach beyond it.
    excuse(at: time)
    guard member != nil else { return offer(envelope, at: time) }
    guard session.admits(envelope.preamble) else { return .nothing }
    switch session.receive(envelope, at: time) {
    case .nothing, .said: return .nothing
    case .repeated(let answer): return .tell(answer)
    case .question(let request, .order(let control)):
      // An order of a view that is over enters nothing; its asker has forgotten it.
      guard envelope.preamble.view >= session.identity.view else { return .nothing }
      return .order(request, control, view: envelope.preamble.view)
    case .question(let request, let message):
      return .tell(session.answer(request, .refusal(.malformed("a member is not asked for \(message.name)"))))
    case .answer(.refusal(.unknownMember), _), .answer(.refusal(.otherRun), _):
      return .refused("it is not part of the run any more")
    case .answer(let message, let question): return .answer(message, to: question)
    }
  }

  /// Whoever has no place takes nothing but one. An order that overtakes the welcome is not even noted: it comes again.
  private mutating func offer(_ envelope: Envelope, at time: Seconds) -> Heard {
    switch envelope.message {
    // Whose words could not be read is answered under no number.
    case .refusal(let refusal) where envelope.preamble.request == 0:
      guard case .otherVersion(_, Preamble.version) = refusal else { return .nothing }
      return .refused("\(refusal)")
    case .refusal, .welcome: break
    case .order where Mutant.orderBeforeWelcome.isActive: break
    default: return .nothing
    }
    guard case .answer(let answer, to: .register) = session.receive(envelope, at: time) else { return .nothing }
    if case .refusal(let refusal) = answer { return .refused("\(refusal)") }
    guard case .welcome(let place) = answer else { return .nothing }
    session.identity.run = envelope.preamble.run
    session.identity.term = envelope.preamble.term
    session.identity.member = place
    return .nothing
  }

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
    let isWelcome = member != nil
    let patience = isWelcome ? timing.timeout : Self.registrationPatience
    guard session.silence(at: time) < patience else {
      return .silent(endpoint: coordinator, seconds: Int(patience))
    }
    var messages = session.due(at: time)
    guard isWelcome else {
      if !isRegistering {
        isRegistering = true
        messages.append(session.ask(.register(registration), at: time))
      }
      guard time - lastSaid >= 5 else { return .messages(messages, sentence: nil) }
      lastSaid = time
      return .messages(messages, sentence: "waiting for the coordinator at \(coordinator)")
    }
    if session.isBeatDue(at: time) { messages.append(session.say(.beat(beat()))) }
    return .messages(messages, sentence: nil)
  }
}
