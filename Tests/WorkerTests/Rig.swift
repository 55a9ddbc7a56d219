import DeepFM
import Features
import Foundation
import Job
import Sharding
import Testing
import Wire
import Worker

/// A worker's core with a coordinator and servers played by hand: what it sends is read, what it hears is written, and
/// time goes on when the test says so.
struct Rig {
  static let incarnation: UInt64 = 77
  static let timing = Timing(timeout: 20, coordinatorTimeout: 20)

  var core: WorkerCore
  var time = 0.0
  private var coordinator: Session
  let run: UInt64 = 7
  var view: UInt32 = 0
  /// Of the servers by number, where they are not as `Sample.seat` has them.
  var incarnations: [Int: UInt64] = [:]

  init() {
    core = WorkerCore(
      incarnation: Self.incarnation,
      registration: Registration(role: .worker, host: "here", process: 1, files: ["day_1"]), coordinator: "tcp://c:1",
      timing: Self.timing, at: 0)
    coordinator = Self.reign(3, of: run)
  }

  private static func reign(_ term: UInt32, of run: UInt64) -> Session {
    var identity = Preamble()
    identity.run = run
    identity.term = term
    identity.member = .coordinator
    identity.incarnation = 997 + UInt64(term)
    return Session(identity, timing: timing, at: 0)
  }

  /// Another coordinator reigns.
  mutating func succeed() {
    coordinator = Self.reign(coordinator.identity.term + 1, of: run)
    coordinator.identity.view = view
  }

  /// One that was welcomed.
  static func welcomed() throws -> Rig {
    var rig = Rig()
    try rig.welcome()
    return rig
  }

  /// Welcomes the worker, which offers itself.
  mutating func welcome(_ member: Member = .worker(0)) throws {
    let question = try #require(tell(.tick).envelopes(to: .coordinator).first)
    _ = answer(question, .welcome(member))
  }

  /// One that has adopted an assignment and is ready to work.
  static func ready(_ assignment: WorkerAssignment, articles: [[UInt8]] = [], blocks: Int = 0) throws -> Rig {
    var rig = try welcomed()
    try rig.adopt(assignment, view: 1, articles: articles, blocks: blocks)
    return rig
  }

  /// Proposes a view and has it adopted.
  mutating func adopt(
    _ assignment: WorkerAssignment, view: UInt32, articles: [[UInt8]] = [], blocks: Int = 0
  ) throws {
    guard case .standing? = order(.propose, view: view).reports.first else {
      Issue.record("not promised")
      return
    }
    var effects = order(.adopt(assignment), view: view)
    while effects.preparations.isEmpty { effects = try answerFetches(effects, from: articles) }
    try prepared(assignment, view: view, blocks: blocks)
  }

  /// What was to be prepared for a view is there.
  mutating func prepared(_ assignment: WorkerAssignment, view: UInt32, blocks: Int = 0) throws {
    let model = try makeModel(assignment.model)
    let shape = GradientSum.Shape(width: model.sparse.width, denseCount: model.dense.count)
    let report = tell(.prepared(Prepared(view: view, shape: shape, threads: 2, evaluationBlocks: blocks)))
    guard case .adopted? = report.reports.first else {
      Issue.record("not adopted")
      return
    }
  }

  mutating func tell(_ event: WorkerCore.Event) -> [WorkerCore.Effect] { core.receive(event, at: time) }

  /// Lets time go by, with ticks.
  mutating func wait(_ seconds: Seconds, hearing: Bool = true) -> [WorkerCore.Effect] {
    var effects: [WorkerCore.Effect] = []
    let end = time + seconds
    while time < end {
      time += 0.1
      if hearing { effects += hearBeat() }
      effects += tell(.tick)
    }
    return effects
  }

  // MARK: The coordinator

  mutating func hearBeat() -> [WorkerCore.Effect] {
    tell(.received(coordinator.say(.beat(Beat())), from: .coordinator))
  }

  /// An order as it is sent, perhaps several times.
  mutating func envelope(_ order: WorkerOrder, view: UInt32? = nil) -> Envelope {
    self.view = view ?? self.view
    coordinator.identity.view = self.view
    return coordinator.ask(.order(Control(order)), at: time)
  }

  mutating func order(_ order: WorkerOrder, view: UInt32? = nil) -> [WorkerCore.Effect] {
    tell(.received(envelope(order, view: view), from: .coordinator))
  }

  /// The answer to what the worker asked.
  func reply(to question: Envelope, _ message: Message, from peer: WorkerCore.Peer = .coordinator) -> Envelope {
    var preamble = coordinator.identity
    preamble.view = view
    preamble.request = question.preamble.request
    if case .server(let number) = peer {
      preamble.member = .server(number)
      preamble.incarnation = incarnations[number] ?? Sample.seat(number).incarnation
    }
    return Envelope(preamble, message)
  }

  mutating func answer(
    _ question: Envelope, _ message: Message, from peer: WorkerCore.Peer = .coordinator
  ) -> [WorkerCore.Effect] {
    tell(.received(reply(to: question, message, from: peer), from: peer))
  }

  mutating func answerFetches(_ effects: [WorkerCore.Effect], from articles: [[UInt8]]) throws -> [WorkerCore.Effect] {
    var answers: [WorkerCore.Effect] = []
    for envelope in effects.envelopes(to: .coordinator) {
      guard case .fetch(let fetch) = envelope.message else { continue }
      let article = try #require(articles.first { SHA256.hash($0) == fetch.digest })
      answers += answer(envelope, .piece(try #require(Piece(fetch.part, of: article, digest: fetch.digest))))
    }
    return answers
  }

  /// The coordinator does not know a process, or not any more.
  mutating func excludes(_ incarnation: UInt64) -> [WorkerCore.Effect] {
    coordinator.identity.view = view
    return tell(
      .received(Envelope(refusing: 0, .unknownMember(incarnation), as: coordinator.identity), from: .coordinator))
  }

  // MARK: The servers

  /// Answers all pulls among the effects, and returns what follows.
  mutating func answerPulls(
    _ effects: [WorkerCore.Effect], rows: (_ table: Int, _ rank: UInt64) -> [Float]
  ) -> [WorkerCore.Effect] {
    var answers: [WorkerCore.Effect] = []
    for case .send(let envelope, .server(let server)) in effects {
      guard case .pull(let pull) = envelope.message else { continue }
      answers += answer(envelope, .rows(Self.rows(for: pull, rows)), from: .server(server))
    }
    return answers
  }

  static func rows(for pull: Pull, _ rows: (_ table: Int, _ rank: UInt64) -> [Float]) -> Rows {
    withExtendedLifetime(pull.ranks) {
      let values = pull.ranks.elements(as: UInt64.self).flatMap { rows(pull.table, $0) }
      return Rows(values: values.withUnsafeBufferPointer(Frame.init(copying:)))
    }
  }

  /// Answers the wanted pushes among the effects, and returns what follows.
  mutating func answerPushes(
    _ effects: [WorkerCore.Effect], where isWanted: (Push) -> Bool = { _ in true }
  ) -> [WorkerCore.Effect] {
    var answers: [WorkerCore.Effect] = []
    for case .send(let envelope, .server(let server)) in effects {
      guard case .push(let push) = envelope.message, isWanted(push) else { continue }
      answers += answer(envelope, .pushed, from: .server(server))
    }
    return answers
  }
}
