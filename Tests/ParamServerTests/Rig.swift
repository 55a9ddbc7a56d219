import Checkpoint
import Foundation
import ParamServer
import Sharding
import Testing
import Wire

/// A server's core with a coordinator and workers played by hand: what it sends is read, what it hears is written, and
/// time goes on when the test says so. A class, since its core is never copied.
final class Rig {
  static let run: UInt64 = 7
  static let term: UInt32 = 3
  static let incarnation: UInt64 = Rig.server(0)

  let server: Int
  private var core: ServerCore
  var time = 0.0
  private(set) var view: UInt32 = 0
  private var coordinator: Session
  private var requests: UInt64 = 0

  /// - Parameter timeout: how long the coordinator may be silent.
  init(server: Int = 0, timeout: Seconds = 20) {
    self.server = server
    let registration = Registration(role: .server, host: "here", process: 1, endpoint: "tcp://here:1")
    core = ServerCore(
      incarnation: Self.server(server), registration: registration, coordinator: "tcp://there:7000",
      timing: Timing(timeout: timeout, coordinatorTimeout: timeout), at: 0)
    var identity = Preamble()
    identity.run = Self.run
    identity.term = Self.term
    identity.member = .coordinator
    identity.incarnation = 1000
    coordinator = Session(identity, timing: Timing(), at: 0)
  }

  /// One that was welcomed.
  static func welcomed(server: Int = 0, timeout: Seconds = 20) throws -> Rig {
    let rig = Rig(server: server, timeout: timeout)
    let question = try #require(rig.tell(.tick).told.first)
    _ = rig.answer(question, .welcome(.server(server)))
    return rig
  }

  /// One that serves.
  static func serving(_ assignment: ServerAssignment = assign(), timeout: Seconds = 20) throws -> Rig {
    let rig = try welcomed(server: assignment.server, timeout: timeout)
    try rig.adopt(assignment, view: 1)
    return rig
  }

  var clock: UInt64? { core.clock }
  var parkedPulls: Int { core.parkedPulls }
  var hasLongWork: Bool { core.hasLongWork }

  func tell(_ event: ServerCore.Event) -> [ServerCore.Effect] { core.receive(event, at: time) }

  /// Lets time go by, with ticks.
  func wait(_ seconds: Seconds, hearing: Bool = true) -> [ServerCore.Effect] {
    var effects: [ServerCore.Effect] = []
    let end = time + seconds
    while time < end {
      time += 0.1
      if hearing { effects += tell(.ordered(coordinator.say(.beat(Beat())))) }
      effects += tell(.tick)
    }
    return effects
  }

  // MARK: The coordinator

  func answer(_ question: Envelope, _ message: Message) -> [ServerCore.Effect] {
    var preamble = coordinator.identity
    preamble.request = question.preamble.request
    return tell(.ordered(Envelope(preamble, message)))
  }

  /// An order as it is sent, perhaps several times.
  func envelope(_ order: ServerOrder, view: UInt32? = nil) -> Envelope {
    self.view = view ?? self.view
    coordinator.identity.view = self.view
    return coordinator.ask(.order(Control(order)), at: time)
  }

  func order(_ order: ServerOrder, view: UInt32? = nil) -> [ServerCore.Effect] {
    tell(.ordered(envelope(order, view: view)))
  }

  /// What workers ask is of this view again.
  func leave(to view: UInt32) { self.view = view }

  /// From now on another coordinator reigns, which has met nobody: it says so to what it hears of this server.
  func reign(_ term: UInt32) -> [ServerCore.Effect] {
    coordinator.identity.term = term
    coordinator.identity.view = 0
    coordinator.identity.incarnation += 1
    return tell(.ordered(Envelope(refusing: 0, .unknownMember(Self.server(server)), as: coordinator.identity)))
  }

  func adopt(_ assignment: ServerAssignment, view: UInt32) throws {
    guard case .adopted? = order(.adopt(assignment), view: view).reports.first else {
      Issue.record("not adopted")
      return
    }
  }

  /// What it says that it holds when a view is proposed.
  func propose(_ view: UInt32) throws -> ServerStanding {
    guard case .standing(let standing)? = order(.propose, view: view).reports.first else { throw Missing() }
    return standing
  }

  /// Orders a checkpoint, and returns what is said to that at once.
  func hold(_ number: Int, at clock: UInt64, since: UInt64? = nil) -> [ServerCore.Effect] {
    let base = since.map { CheckpointOrder.Base(number: number - 1, clock: $0) }
    return order(.checkpoint(CheckpointOrder(number: number, clock: clock, base: base)))
  }

  /// Has what is held written, as far as the core wants to.
  func write(_ number: Int) -> (slots: [SlotBytes], part: CheckpointPart?) {
    #expect(order(.write(checkpoint: number)).isEmpty)
    return writeOn()
  }

  /// Takes what the core wants written; and the part, if it is complete then.
  func writeOn() -> (slots: [SlotBytes], part: CheckpointPart?) {
    var slots: [SlotBytes] = []
    var sum: PartSum?
    while hasLongWork {
      for effect in tell(.turn) {
        switch effect {
        case .write(let snapshots, let header):
          sum = sum ?? PartSum(header)
          for snapshot in snapshots { sum!.add(snapshot) }
          slots += snapshots.map(SlotBytes.init)
          #expect(tell(.written(checkpoint: header.checkpoint)).isEmpty)
        case .finish(let header): return (slots, (sum ?? PartSum(header)).part(at: header.name))
        default: Issue.record("\(effect)")
        }
      }
    }
    return (slots, nil)
  }

  /// A whole checkpoint.
  ///
  /// - Parameter since: the clock of the one that it stands on; nil: all slots are written.
  func checkpoint(number: Int, since: UInt64? = nil) throws -> [SlotBytes] {
    let clock = try #require(clock)
    guard case .held? = hold(number, at: clock, since: since).reports.first else { throw Missing("not held") }
    let (slots, part) = write(number)
    guard let part, case .written(part)? = tell(.finished(checkpoint: number, part)).reports.first else {
      throw Missing("not written")
    }
    #expect(part.slots == slots.count)
    return slots
  }

  func digests() throws -> [SlotDigest] {
    #expect(order(.digest).isEmpty)
    while hasLongWork {
      if case .digests(let digests)? = tell(.turn).reports.first { return digests.all }
    }
    throw Missing()
  }

  /// What it says of itself, asked for without waiting.
  func beat() throws -> Beat {
    let beats = wait(0.6).told.compactMap { if case .beat(let beat) = $0.message { beat } else { nil } }
    return try #require(beats.last)
  }

  /// All that shows of a server: what it would send, write, and say of itself, but for the bytes that its lists have room
  /// for, which depend on what memory was free.
  func state() throws -> ServerState {
    var beat = try beat()
    beat.done = 0
    for index in beat.load?.tables.indices ?? 0..<0 { beat.load!.tables[index].bytes = 0 }
    return ServerState(digests: try digests(), beat: beat, clock: clock, parked: parkedPulls)
  }

  // MARK: Workers

  /// A worker's question as it is sent, perhaps several times.
  func question(_ message: Message, from worker: Int = 0, role: Member.Role = .worker) -> Envelope {
    requests += 1
    var preamble = Preamble()
    preamble.run = Self.run
    preamble.term = Self.term
    preamble.view = view
    preamble.member = Member(role, worker)
    preamble.incarnation = role == .worker ? Rig.worker(worker) : Rig.server(worker)
    preamble.request = requests
    return Envelope(preamble, message)
  }

  func receive(_ envelope: Envelope, along route: UInt8 = 1) -> [ServerCore.Effect] {
    tell(.received(envelope, from: Route(bytes: [route])))
  }

  func ask(_ message: Message, from worker: Int = 0) -> [ServerCore.Effect] {
    receive(question(message, from: worker), along: UInt8(worker + 1))
  }

  /// A worker's incarnation.
  static func worker(_ number: Int) -> UInt64 { 200 + UInt64(number) }
  /// A server's.
  static func server(_ number: Int) -> UInt64 { 55 + UInt64(number) }

  /// Trains a step that all slices have gradients of, and returns the answers to it.
  @discardableResult func train(
    _ ranks: [UInt64], _ values: [Float], slices: Int = 1, group: Int = 0
  ) throws -> [ServerCore.Effect] {
    let effects = ask(push(ranks, values, clock: try #require(clock), node: .root(of: slices), group: group))
    #expect(effects.answers.first?.name == "pushed")
    return effects
  }
}

struct Missing: Error {
  let what: String
  init(_ what: String = "") { self.what = what }
}

struct ServerState: Equatable {
  var digests: [SlotDigest]
  var beat: Beat
  var clock: UInt64?
  var parked: Int
}

extension [ServerCore.Effect] {
  /// What goes to the coordinator.
  var told: [Envelope] { compactMap { if case .tell(let envelope) = $0 { envelope } else { nil } } }

  var reports: [ServerReport] {
    told.compactMap { if case .report(let control) = $0.message { try? control.decode() } else { nil } }
  }

  /// What goes to workers.
  var sent: [(envelope: Envelope, route: Route)] {
    compactMap { if case .send(let envelope, let route) = $0 { (envelope, route) } else { nil } }
  }

  var answers: [Message] { sent.map(\.envelope.message) }
  var refusals: [Refusal] { answers.compactMap { if case .refusal(let refusal) = $0 { refusal } else { nil } } }

  /// The rows of each answer, as bits.
  var rows: [[UInt32]] {
    answers.compactMap { message in
      guard case .rows(let rows) = message else { return nil }
      return withExtendedLifetime(rows.values) { [UInt32](rows.values.elements(as: UInt32.self)) }
    }
  }

  var said: [String] { compactMap { if case .say(let sentence) = $0 { sentence } else { nil } } }
  var hasEnded: Bool { contains { if case .end = $0 { true } else { false } } }

  var error: ServerError? {
    for case .end(let error) in self { return error }
    return nil
  }
}
