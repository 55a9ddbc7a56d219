import Sharding

/// One conversation with one peer, from either side: registration, beats, silence, asking again, telling repetitions
/// from news, repeating answers. Servers, workers and coordinators hold one for each process they speak with.
///
/// A peer is a process, known by its incarnation, not by the connection it happens to have. Any message may be lost,
/// repeated, or late. A question is asked again until it is answered; whoever is asked carries it out once. Questions
/// that are idempotent (pulls, pushes, fetches) are answered anew from what is there; the answers to others are kept
/// until the asker's `oldest` says that it has them.
///
/// A value without clock and socket: envelopes and times go in, envelopes to be sent come out.
public struct Session: Sendable {
  /// Whom the peer must be; nil until it has said so.
  public private(set) var peer: UInt64?
  /// Where the peer was heard last.
  public var route: Route?
  private let timing: Timing
  private var questions = Questions()
  private var answers = Answers()
  public private(set) var lastHeard: Seconds
  private var lastBeat = -Seconds.infinity
  /// Of this side's messages: where it stands.
  public var identity: Preamble

  /// - Parameters:
  ///   - identity: what this side says of itself in every preamble.
  ///   - peer: the peer's incarnation, if it is known.
  public init(_ identity: Preamble, with peer: UInt64? = nil, route: Route? = nil, timing: Timing, at time: Seconds) {
    self.identity = identity
    self.peer = peer
    self.route = route
    self.timing = timing
    lastHeard = time
  }

  // MARK: Asking

  /// Whether a question is without an answer.
  public var isWaiting: Bool { !questions.isEmpty }
  public var openQuestions: Int { questions.count }

  /// A question; it comes out of `due` again and again until its answer has come.
  public mutating func ask(_ message: Message, at time: Seconds) -> Envelope {
    let number = questions.open(message, at: time, timing)
    return envelope(number, message)
  }

  /// The questions to ask again by now.
  public mutating func due(at time: Seconds) -> [Envelope] {
    questions.due(at: time, timing).map { envelope($0.number, $0.message) }
  }

  /// Gives up what was asked and is not answered: nobody wants to know any more.
  public mutating func forget(_ isUnwanted: (Message) -> Bool = { _ in true }) { questions.forget(isUnwanted) }

  /// Goes on in another view, perhaps with another process: nothing that was asked is wanted any more. Questions are
  /// counted on, so that a late answer to an old one never passes for the answer to a new one.
  ///
  /// - Parameter peer: the peer's incarnation, if it is known.
  public mutating func begin(_ identity: Preamble, with peer: UInt64? = nil) {
    self.identity = identity
    self.peer = peer
    questions.forget { _ in true }
    if Mutant.reuseRequestNumbers.isActive { questions = Questions() }
    answers = Answers()
  }

  /// Speaks with this process from now on: another may have answered before.
  public mutating func meet(_ peer: UInt64) {
    self.peer = peer
    answers = Answers()
  }

  /// Says a thing that wants no answer.
  public func say(_ message: Message) -> Envelope { envelope(0, message) }

  /// The answer to a question of the peer's.
  public mutating func answer(_ request: UInt64, _ message: Message) -> Envelope {
    answers.keep(message, of: request)
    return envelope(request, message)
  }

  private func envelope(_ request: UInt64, _ message: Message) -> Envelope {
    var preamble = identity
    preamble.request = request
    preamble.oldest = questions.oldest
    preamble.addressee = peer ?? 0
    return Envelope(preamble, message)
  }

  // MARK: Being told

  /// Whether what says this of itself may enter this side's state: it is of the same run, said to this process, by the one that
  /// the peer is known to be. Terms and views are for the receiver to judge.
  public func admits(_ preamble: Preamble) -> Bool {
    preamble.run == identity.run && preamble.isFor(identity.incarnation)
      && (peer.map { $0 == preamble.incarnation } ?? true)
  }

  /// What an envelope of the peer's turns out to be.
  public enum Arrival: Sendable {
    /// Something to carry out, and to answer under this number.
    case question(UInt64, Message)
    /// The first answer to what this side asked.
    case answer(Message, to: Message)
    /// A repetition of what was answered: here is the answer again.
    case repeated(Envelope)
    /// Something said, a beat.
    case said(Message)
    /// A repetition that needs nothing.
    case nothing
  }

  /// Takes an envelope of the peer's, which has been checked to be of this run and view.
  public mutating func receive(_ envelope: Envelope, at time: Seconds) -> Arrival {
    hear(at: time)
    let (request, message) = (envelope.preamble.request, envelope.message)
    if peer == nil { peer = envelope.preamble.incarnation }
    if message.isAnswer {
      if case .refusal(let refusal) = message, refusal.remedy == .askAgain {
        questions.postpone(request, at: time, timing)
        return .nothing
      }
      guard let question = questions.close(request, at: time) else { return .nothing }
      return .answer(message, to: question)
    }
    guard request > 0 else { return .said(message) }
    answers.forget(below: envelope.preamble.oldest)
    guard !message.isIdempotent else { return .question(request, message) }
    switch answers.find(request) {
    case .new: return .question(request, message)
    case .isUnderWay: return Mutant.carryOutTwice.isActive ? .question(request, message) : .nothing
    case .answered(let answer):
      return Mutant.forgetAnswers.isActive ? .nothing : .repeated(self.envelope(request, answer))
    }
  }

  /// The peer lives, whatever it said.
  public mutating func hear(at time: Seconds) { lastHeard = max(lastHeard, time) }

  /// The connection had no room for the question: that is no news, so it is asked again a little later.
  public mutating func holdBack(_ request: UInt64, at time: Seconds) {
    if Mutant.forgetCongestion.isActive {
      _ = questions.close(request, at: time)
    } else {
      questions.postpone(request, at: time, timing)
    }
  }

  // MARK: Time

  /// Seconds since the peer was heard.
  public func silence(at time: Seconds) -> Seconds { time - lastHeard }

  /// Time that stood still is no silence, and no reason to ask again.
  public mutating func excuse(_ lateness: Seconds) {
    if Mutant.countStandstill.isActive { return }
    lastHeard += lateness
    questions.excuse(lateness)
  }

  /// Whether it is time to say that this side lives. If so it counts as said.
  public mutating func isBeatDue(at time: Seconds) -> Bool {
    guard time - lastBeat >= timing.beat else { return false }
    lastBeat = time
    return true
  }
}

/// Where a message came from, and answers go: a peer's connection, as a socket names it.
public struct Route: Hashable, Sendable {
  public let bytes: [UInt8]

  public init(bytes: [UInt8]) { self.bytes = bytes }
}
