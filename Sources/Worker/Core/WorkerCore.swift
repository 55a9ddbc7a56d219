import Features
import Job
import Sharding
import Wire

/// What a worker does next: a state machine. Messages, finished computations, data read and the time go in; effects come
/// out, in the order in which they are to be done. Sockets, threads and files are the edge's (`Worker`).
///
/// It registers until a coordinator welcomes it, then does as it is ordered. Each order is carried out once and answered
/// when it is done. A proposal of another view ends all that was under way, and the assignment of that view replaces the
/// one before. What is prepared, read and computed is known by its view, so that what comes late enters nothing.
///
/// A worker holds nothing that cannot be had again: it needs no more than to be told where to go on.
package struct WorkerCore {
  package enum Peer: Hashable, Sendable {
    case coordinator
    /// By its seat's number, among those connected last.
    case server(Int)
  }

  package enum Event: Sendable {
    case received(Envelope, from: Peer)
    /// Ten times a second.
    case tick
    /// There was no room for a message that was to be sent.
    case congested(Peer, request: UInt64)
    /// What was to be prepared is there.
    case prepared(Prepared)
    /// A step or a block was read.
    case assembled(StepWork)
    /// A slice of a step was computed; with it the node was complete, if there is one.
    case computed(StepWork, slice: Int, SliceGradient)
    /// A block was scored.
    case scored(StepWork, Scores)
    case surveyProgress
    /// - Parameter view: that the survey was ordered in.
    case surveyed(SurveyResult, view: UInt32)
    /// Preparing, reading, computing or surveying came to an end that nothing follows.
    case failed(String)
  }

  package enum Effect: Sendable {
    case send(Envelope, to: Peer)
    /// Reach these servers, and no others any more. A connection stays to those that were there before: of the same
    /// number, incarnation and endpoint.
    case connect(servers: [Seat])
    /// Make readers and threads for this; those made before end, whatever they are doing.
    case prepare(Preparation)
    case read(ReadOrder)
    /// All of the work's parts, each on any thread.
    case compute(StepWork)
    /// The work's memory may be used again.
    case recycle(StepWork)
    /// In place of any that is under way.
    case survey(SurveyOrder, view: UInt32)
    /// To people.
    case say(String)
    /// Nothing follows.
    case end(WorkerError?)
  }

  /// An order of the coordinator's that is to be answered when it is done.
  struct Order: Hashable {
    let request: UInt64
    /// Of the coordinator that gave it: its successor does not know of it.
    let term: UInt32
  }

  /// What is under way, with the order to answer when it is done.
  enum State {
    case idle
    case surveying(Order)
    case fetching(Order, WorkerAssignment, ArticleFetch)
    case preparing(Order, WorkerAssignment)
    case ready(Post)
    /// In the view, but without slices.
    case spare
    case training(Order, TrainingSteps, Post)
    case evaluating(Order, EvaluationBlocks, Post)
    case ended
  }

  let timing: Timing
  /// For sentences.
  let coordinator: String
  private var ticks: Ticks
  var state = State.idle
  var liaison: Liaison
  var servers = ServerSessions()
  /// The view of the last assignment. A view that a survey was ordered in may have none yet.
  var assignedView: UInt32 = 0
  /// Pieces of work done.
  var done: UInt64 = 0
  /// What the last assignment with slices names and is here.
  var articles: [Digest: [UInt8]] = [:]
  /// Files that only this worker can read, as its survey found them.
  var ownFiles: [DatasetIndex.File] = []

  /// - Parameters:
  ///   - incarnation: drawn by the process at its start, never 0.
  ///   - coordinator: its endpoint, for sentences.
  ///   - time: now.
  package init(
    incarnation: UInt64, registration: Registration, coordinator: String, timing: Timing, at time: Seconds
  ) {
    self.timing = timing
    self.coordinator = coordinator
    liaison = Liaison(
      incarnation: incarnation, registration: registration, coordinator: coordinator, timing: timing, at: time)
    ticks = Ticks(at: time)
  }

  /// The view that the worker stands in.
  var view: UInt32 { liaison.view }

  /// Questions that have no answer yet.
  package var openQuestions: Int { liaison.session.openQuestions + servers.openQuestions }

  /// Takes an event.
  ///
  /// - Parameter time: of any clock that does not go back.
  package mutating func receive(_ event: Event, at time: Seconds) -> [Effect] {
    if case .ended = state { return [] }
    let lateness = ticks.lateness(at: time)
    if lateness > 0 { servers.excuse(lateness) }
    liaison.excuse(at: time)
    do throws(WorkerError) {
      return try handle(event, at: time)
    } catch {
      state = .ended
      // The run may have a place for it by now, and goes on without it: that it was refused once is nobody's failure.
      if case .notWanted = error { return [.end(error)] }
      return [.send(liaison.session.ask(.failed("\(error)"), at: time), to: .coordinator), .end(error)]
    }
  }

  private mutating func handle(_ event: Event, at time: Seconds) throws(WorkerError) -> [Effect] {
    switch event {
    case .received(let envelope, .coordinator): return try hear(envelope, at: time)
    case .received(let envelope, .server(let server)):
      guard let (answer, question) = servers.receive(envelope, from: server, at: time) else { return [] }
      return try take(answer, to: question, envelope.preamble.request, from: server, at: time)
    case .tick: return try tick(at: time)
    case .congested(.coordinator, let request):
      liaison.session.holdBack(request, at: time)
      return []
    case .congested(.server(let server), let request):
      servers.holdBack(request, of: server, at: time)
      return []
    case .prepared(let prepared): return ready(prepared)
    case .assembled(let work): return begin(work, at: time)
    case .computed(let work, let slice, let gradient): return try finish(work, slice, gradient, at: time)
    case .scored(let work, let scores): return finish(work, scores, at: time)
    case .surveyProgress:
      done += 1
      return []
    case .surveyed(let result, let view): return surveyed(result, view)
    case .failed(let sentence): throw .failed(sentence)
    }
  }

  // MARK: Time

  private mutating func tick(at time: Seconds) throws(WorkerError) -> [Effect] {
    let beat = beat
    switch liaison.tick(at: time, beat: beat) {
    case .silent(let endpoint, let seconds): throw .coordinatorSilent(endpoint: endpoint, seconds: seconds)
    case .messages(let messages, let sentence):
      return messages.map { .send($0, to: .coordinator) } + (sentence.map { [.say($0)] } ?? []) + servers.due(at: time)
    }
  }

  // MARK: The coordinator

  private mutating func hear(_ envelope: Envelope, at time: Seconds) throws(WorkerError) -> [Effect] {
    let term = liaison.session.identity.term
    let heard = liaison.receive(envelope, at: time)
    if liaison.session.identity.term != term { loseCoordinator() }
    switch heard {
    case .nothing: return []
    case .tell(let answer): return [.send(answer, to: .coordinator)]
    case .order(let request, let control, let view):
      return obey(control, Order(request: request, term: liaison.session.identity.term), view, at: time)
    case .answer(let answer, let question): return try take(answer, to: question, at: time)
    case .refused(let reason): throw .notWanted(reason)
    case .excluded: return beginAnew(at: time)
    }
  }

  private mutating func take(
    _ answer: Message, to question: Message, at time: Seconds
  ) throws(WorkerError) -> [Effect] {
    switch (question, answer) {
    // Whatever wanted it stands still until the next view.
    case (_, .refusal(let reason)) where reason.remedy == .drop: return []
    case (_, .refusal(let reason)):
      throw .refused(by: .coordinator, question: question.name, reason: reason)
    case (.fetch(let fetch), .piece(let piece)): return try take(piece, for: fetch, at: time)
    case (.scores, .noted): return noted(at: time)
    default: throw .unexpected(from: .coordinator, what: "\(answer.name) in answer to a \(question.name)")
    }
  }

  /// The answer to an order; none to one that an earlier coordinator gave, since under its number this one may have asked
  /// for something else.
  mutating func answer(_ order: Order, _ message: Message) -> [Effect] {
    guard order.term == liaison.session.identity.term else { return [] }
    return [.send(liaison.session.answer(order.request, message), to: .coordinator)]
  }

  mutating func report(_ order: Order, _ report: WorkerReport) -> [Effect] {
    answer(order, .report(Control(report)))
  }
}
