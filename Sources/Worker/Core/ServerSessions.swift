import Wire

/// The conversations with the servers, view after view.
struct ServerSessions {
  /// By number; those beyond the view's servers rest, and keep count of their requests.
  private var sessions: [Session] = []

  /// Goes on with the servers of another view; nothing that was asked of the old ones is wanted any more.
  ///
  /// - Parameter identity: what the worker says of itself in this view.
  mutating func begin(count: Int, _ identity: Preamble, timing: Timing, at time: Seconds) {
    for server in sessions.indices { sessions[server].begin(identity) }
    while sessions.count < count { sessions.append(Session(identity, timing: timing, at: time)) }
  }

  /// Gives up what was asked.
  mutating func forget() {
    for server in sessions.indices { sessions[server].forget() }
  }

  /// A question to one server; it is asked again until its answer has come.
  mutating func ask(_ message: Message, of server: Int, at time: Seconds) -> Envelope {
    sessions[server].ask(message, at: time)
  }

  /// What is to be asked again by now.
  mutating func due(at time: Seconds) -> [WorkerCore.Effect] {
    sessions.indices.flatMap { server in
      sessions[server].due(at: time).map { .send($0, to: .server(server)) }
    }
  }

  /// The answer that an envelope is to a question which has none yet; nil for all else, and for what comes of another
  /// run, view or process.
  mutating func receive(
    _ envelope: Envelope, from server: Int, at time: Seconds
  ) -> (answer: Message, question: Message)? {
    guard sessions.indices.contains(server), sessions[server].admits(envelope.preamble),
      envelope.preamble.view == sessions[server].identity.view,
      case .answer(let answer, let question) = sessions[server].receive(envelope, at: time)
    else { return nil }
    return (answer, question)
  }

  /// Rows of a step show that the server has applied all steps before: what was pushed to it for them has arrived,
  /// whether or not its answers have. So what waits for an answer is bounded by two steps, whatever is lost.
  ///
  /// - Returns: how many pushes that were.
  mutating func forgetPushes(of table: Int, before clock: UInt64, to server: Int) -> Int {
    let before = sessions[server].openQuestions
    sessions[server].forget { question in
      if case .push(let push) = question { push.table == table && push.clock < clock } else { false }
    }
    return before - sessions[server].openQuestions
  }

  var openQuestions: Int { sessions.reduce(0) { $0 + $1.openQuestions } }

  mutating func holdBack(_ request: UInt64, of server: Int, at time: Seconds) {
    if sessions.indices.contains(server) { sessions[server].holdBack(request, at: time) }
  }

  mutating func excuse(_ lateness: Seconds) {
    for server in sessions.indices { sessions[server].excuse(lateness) }
  }
}
