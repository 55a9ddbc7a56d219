import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

/// A process that takes part, or wants to, played by hand: it speaks when the test says so, and remembers what it heard.
final class Process {
  struct Order {
    let request: UInt64
    let message: Message
    let view: UInt32
  }

  var registration: Registration
  var route: Route
  private(set) var member: Member?
  private(set) var session: Session
  /// Orders that it has not answered.
  private(set) var orders: [Order] = []
  private(set) var answers: [Message] = []
  private(set) var heard: [Message] = []
  /// Whether it answers proposals, adoptions and what only needs an answer as soon as it hears them.
  var isWilling = true
  var isDead = false
  /// What it says of itself in beats.
  var beat = Beat()
  /// Of a server: what it holds, and how far that is.
  var view: UInt32 = 0
  var held: [Range<Int>] = []
  var clock: UInt64 = 0
  var earliest: UInt64 = 0
  var copies: [Int: [ServerStanding.Holding]] = [:]
  var filled: [FillOrder] = []
  /// Slots that were really copied here.
  var copied: Set<Int> = []
  private(set) var assignment: ServerAssignment?
  /// What it was told to hold that it does not, or to go back to that it cannot.
  private(set) var faults: [String] = []

  init(_ registration: Registration, incarnation: UInt64, route: UInt8) {
    self.registration = registration
    self.route = Route(bytes: [route])
    var identity = Preamble()
    identity.incarnation = incarnation
    session = Session(identity, timing: Timing(), at: 0)
  }

  var incarnation: UInt64 { session.identity.incarnation }
  var role: Member.Role { registration.role }

  func hear(_ envelope: Envelope) {
    guard !isDead else { return }
    heard.append(envelope.message)
    switch session.receive(envelope, at: 0) {
    case .answer(.welcome(let member), to: .register):
      self.member = member
      session.identity.member = member
      session.identity.run = envelope.preamble.run
      session.identity.term = envelope.preamble.term
    case .question(let request, let message):
      orders.append(Order(request: request, message: message, view: envelope.preamble.view))
    case .answer(let message, to: _): answers.append(message)
    case .repeated, .said, .nothing: break
    }
  }

  func register() -> Envelope { session.ask(.register(registration), at: 0) }
  func saysBeat() -> Envelope { session.say(.beat(beat)) }
  func ask(_ message: Message) -> Envelope { session.ask(message, at: 0) }
  func say(_ message: Message) -> Envelope { session.say(message) }

  /// Answers the oldest order.
  func report(_ report: some Encodable) throws -> Envelope {
    let order = try #require(orders.first)
    return answer(order, .report(Control(report)))
  }

  func answer(_ order: Order, _ message: Message) -> Envelope {
    orders.removeAll { $0.request == order.request }
    return session.answer(order.request, message)
  }

  func forgetOrders() { orders.removeAll() }

  /// Goes through steps, as a server does.
  func advance(to clock: UInt64) {
    self.clock = clock
    earliest = max(earliest, clock > 2 ? clock - 2 : 0)
    (beat.clock, beat.done) = (clock, clock)
  }

  /// Hears of another coordinator: says what place it had.
  func returns() {
    var identity = Preamble()
    identity.incarnation = incarnation
    session = Session(identity, timing: Timing(), at: 0)
    registration.standing = member.map { .init(member: $0, view: view) }
    orders = []
  }

  // MARK: What it does by itself

  var standing: ServerStanding {
    let holdings = held.isEmpty ? [] : [ServerStanding.Holding(slots: held, clock: clock, earliest: earliest)]
    return ServerStanding(view: view, holdings: holdings, copies: copies, filled: filled)
  }

  /// The answers to what it is willing to do.
  func obey() -> [Envelope] {
    guard isWilling, !isDead else { return [] }
    return orders.compactMap { order in
      guard case .order(let control) = order.message else { return nil }
      return (role == .server ? obeyAsServer(control, order) : obeyAsWorker(control, order)).map {
        answer(order, .report($0))
      }
    }
  }

  private func obeyAsServer(_ control: Control, _ order: Order) -> Control? {
    switch try? control.decode(ServerOrder.self) {
    case .propose:
      orders.removeAll { $0.view < order.view }
      return Control(ServerReport.standing(standing))
    case .adopt(let assignment):
      adopt(assignment, order.view)
      return Control(ServerReport.adopted)
    case .checkpoint: return Control(ServerReport.held(StepTotals(rows: 40, lossSum: 20)))
    case .remove: return Control(ServerReport.done)
    case .stop:
      defer { isDead = true }
      return Control(ServerReport.done)
    default: return nil
    }
  }

  private func adopt(_ assignment: ServerAssignment, _ view: UInt32) {
    if case .held = assignment.start { check(assignment) }
    self.assignment = assignment
    self.view = view
    session.identity.view = view
    held = assignment.slots.runs(heldBy: assignment.server)
    if case .held = assignment.start { earliest = min(earliest, assignment.clock) } else { earliest = assignment.clock }
    clock = assignment.clock
    (copies, filled, copied) = ([:], [], [])
  }

  private func check(_ assignment: ServerAssignment) {
    let wanted = Set(assignment.slots.runs(heldBy: assignment.server).joined())
    if !wanted.isSubset(of: copied.union(held.joined())) {
      faults.append("\(member!) holds \(held) of view \(view), and is dealt others")
    }
    let clocks = (held.isEmpty ? [] : [clock]) + copies.values.flatMap { $0.map(\.clock) }
    if !wanted.isEmpty, !held.isEmpty, !(earliest...clock).contains(assignment.clock) {
      faults.append("\(member!) is at \(clocks), from \(earliest) on, and is to go on at \(assignment.clock)")
    }
  }

  private func obeyAsWorker(_ control: Control, _ order: Order) -> Control? {
    switch try? control.decode(WorkerOrder.self) {
    case .propose:
      orders.removeAll { $0.view < order.view }
      return Control(WorkerReport.standing(view: view))
    case .adopt:
      view = order.view
      session.identity.view = view
      return Control(WorkerReport.adopted)
    case .stop:
      defer { isDead = true }
      return Control(WorkerReport.done)
    default: return nil
    }
  }

  func enter(_ view: UInt32) {
    self.view = view
    session.identity.view = view
  }
}
