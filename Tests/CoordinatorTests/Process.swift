import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

/// A process that takes part, or wants to, played by hand: it speaks when the test says so, and remembers what it heard.
final class Process {
  let registration: Registration
  var route: Route
  private(set) var member: Member?
  private(set) var session: Session
  /// Orders that it has not answered.
  private(set) var orders: [(request: UInt64, message: Message)] = []
  private(set) var answers: [Message] = []
  private(set) var heard: [Message] = []

  init(_ registration: Registration, incarnation: UInt64, route: UInt8) {
    self.registration = registration
    self.route = Route(bytes: [route])
    var identity = Preamble()
    identity.incarnation = incarnation
    session = Session(identity, timing: Timing(), at: 0)
  }

  var incarnation: UInt64 { session.identity.incarnation }

  func hear(_ envelope: Envelope) {
    heard.append(envelope.message)
    switch session.receive(envelope, at: 0) {
    case .answer(.welcome(let member), to: .register):
      self.member = member
      session.identity.member = member
      session.identity.run = envelope.preamble.run
      session.identity.term = envelope.preamble.term
    case .question(let request, let message):
      orders.append((request, message))
      session.identity.view = envelope.preamble.view
    case .answer(let message, to: _): answers.append(message)
    case .repeated, .said, .nothing: break
    }
  }

  func register() -> Envelope { session.ask(.register(registration), at: 0) }
  func beat(_ beat: Beat = Beat()) -> Envelope { session.say(.beat(beat)) }
  func ask(_ message: Message) -> Envelope { session.ask(message, at: 0) }
  func say(_ message: Message) -> Envelope { session.say(message) }

  /// Answers the oldest order.
  func report(_ report: some Encodable) throws -> Envelope {
    let order = try #require(orders.first)
    orders.removeFirst()
    return session.answer(order.request, .report(Control(report)))
  }

  func forgetOrders() { orders.removeAll() }
}
