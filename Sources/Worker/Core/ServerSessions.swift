import Sharding
import Wire

/// The conversations with the servers, view after view.
///
/// A process that is in the next view as well keeps its session, so that requests are counted on: a late answer to what was
/// asked in an older view is none to what is asked now. Another process at the same place is spoken to anew, by its
/// incarnation: what its predecessor says enters nothing.
struct ServerSessions {
  /// By number; nil where the view has no server.
  private var sessions: [Session?] = []

  /// Goes on with the servers of another view; nothing that was asked of the old ones is wanted any more.
  ///
  /// - Parameter identity: what the worker says of itself in this view.
  mutating func begin(with seats: [Seat], _ identity: Preamble, timing: Timing, at time: Seconds) {
    var next = [Session?](repeating: nil, count: (seats.map(\.number).max() ?? -1) + 1)
    for seat in seats {
      if var known = sessions.first(where: { $0?.peer == seat.incarnation }) ?? nil {
        known.begin(identity, with: seat.incarnation)
        next[seat.number] = known
      } else {
        next[seat.number] = Session(identity, with: seat.incarnation, timing: timing, at: time)
      }
    }
    sessions = next
  }

  /// Gives up what was asked.
  mutating func forget() {
    for server in sessions.indices { sessions[server]?.forget() }
  }

  /// A question to one server of the view; it is asked again until its answer has come.
  mutating func ask(_ message: Message, of server: Int, at time: Seconds) -> Envelope {
    sessions[server]!.ask(message, at: time)
  }

  /// What is to be asked again by now.
  mutating func due(at time: Seconds) -> [WorkerCore.Effect] {
    sessions.indices.flatMap { server in
      (sessions[server]?.due(at: time) ?? []).map { .send($0, to: .server(server)) }
    }
  }

  /// The answer that an envelope is to a question which has none yet; nil for all else, and for what comes of another
  /// run, view or process. While a view is proposed nothing is asked, so that nothing is taken either.
  mutating func receive(
    _ envelope: Envelope, from server: Int, at time: Seconds
  ) -> (answer: Message, question: Message)? {
    guard sessions.indices.contains(server), sessions[server]?.admits(envelope.preamble) == true,
      sessions[server]?.identity.view == envelope.preamble.view,
      case .answer(let answer, let question)? = sessions[server]?.receive(envelope, at: time)
    else { return nil }
    return (answer, question)
  }

  /// Rows at a clock show that the group's first home has applied all steps before: what was pushed for them has arrived,
  /// whether or not its answers have. So what waits for an answer is bounded by the steps in flight, whatever is lost.
  ///
  /// - Parameter pull: what the rows answer.
  /// - Returns: how many pushes that were.
  mutating func forgetPushes(shownBy pull: Pull, at server: Int) -> Int {
    guard sessions.indices.contains(server), let before = sessions[server]?.openQuestions else { return 0 }
    sessions[server]?.forget { question in
      guard case .push(let push) = question else { return false }
      return push.group == pull.group && push.table == pull.table && push.clock < pull.clock
    }
    return before - (sessions[server]?.openQuestions ?? 0)
  }

  var openQuestions: Int { sessions.reduce(0) { $0 + ($1?.openQuestions ?? 0) } }

  mutating func holdBack(_ request: UInt64, of server: Int, at time: Seconds) {
    if sessions.indices.contains(server) { sessions[server]?.holdBack(request, at: time) }
  }

  mutating func excuse(_ lateness: Seconds) {
    for server in sessions.indices { sessions[server]?.excuse(lateness) }
  }
}
