import Sharding
import Wire

/// The conversations in which this server asks others: it sends them roots and copies.
struct Peers {
  /// By number.
  private var sessions: [Int: Session] = [:]
  /// What was asked and is not sent yet: cores say what is to be sent in the order of their effects.
  private var unsent: [(server: Int, message: Message)] = []

  /// Goes on with the servers of another view; nothing that was asked is wanted any more.
  mutating func begin(with seats: [Seat], _ identity: Preamble, timing: Timing, at time: Seconds) {
    let known = sessions
    sessions = [:]
    unsent = []
    for seat in seats {
      if var session = known.values.first(where: { $0.peer == seat.incarnation }) {
        session.begin(identity, with: seat.incarnation)
        sessions[seat.number] = session
      } else {
        sessions[seat.number] = Session(identity, with: seat.incarnation, timing: timing, at: time)
      }
    }
  }

  mutating func ask(_ message: Message, of server: Int) { unsent.append((server, message)) }

  /// What is to be sent now: new questions, then those that are asked again.
  mutating func send(at time: Seconds) -> [(server: Int, envelope: Envelope)] {
    defer { unsent.removeAll(keepingCapacity: true) }
    return unsent.compactMap { server, message in
      sessions[server]?.ask(message, at: time).on(server)
    }
  }

  mutating func due(at time: Seconds) -> [(server: Int, envelope: Envelope)] {
    sessions.keys.sorted().flatMap { server in sessions[server]!.due(at: time).map { (server, $0) } }
  }

  /// The first answer to a question; nil for all else.
  mutating func receive(
    _ envelope: Envelope, from server: Int, at time: Seconds
  ) -> (answer: Message, question: Message)? {
    guard let session = sessions[server], session.admits(envelope.preamble) else { return nil }
    // Whoever has not adopted this view yet says so in the one before.
    var isEarly = false
    if case .refusal(.notYet) = envelope.message { isEarly = true }
    guard isEarly || session.identity.view == envelope.preamble.view,
      case .answer(let answer, let question)? = sessions[server]?.receive(envelope, at: time)
    else { return nil }
    return (answer, question)
  }

  mutating func holdBack(_ request: UInt64, of server: Int, at time: Seconds) {
    sessions[server]?.holdBack(request, at: time)
  }

  mutating func forget() {
    unsent = []
    for server in sessions.keys { sessions[server]?.forget() }
  }

  mutating func excuse(_ lateness: Seconds) { for server in sessions.keys { sessions[server]?.excuse(lateness) } }

  var openQuestions: Int { sessions.values.reduce(0) { $0 + $1.openQuestions } }
}

extension Envelope {
  fileprivate func on(_ server: Int) -> (server: Int, envelope: Envelope) { (server, self) }
}
