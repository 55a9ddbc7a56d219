import Sharding
import Testing

@testable import Wire

struct SessionTests {
  private let order = Message.order(Control(ServerOrder.digest))
  private let pull = Message.pull(Pull(group: 0, table: 0, clock: 1, purpose: .training, ranks: Frame([])))

  private func pair() -> (asker: Session, asked: Session) {
    var one = Preamble()
    one.incarnation = 1
    var other = Preamble()
    other.incarnation = 2
    return (Session(one, timing: Timing(), at: 0), Session(other, timing: Timing(), at: 0))
  }

  @Test("A question is asked again until it is answered, less and less often")
  func asksAgain() {
    var (asker, asked) = pair()
    let question = asker.ask(order, at: 0)
    var asks: [Seconds] = []
    for tick in 1...100 where !asker.due(at: Double(tick) * 0.1).isEmpty { asks.append(Double(tick) * 0.1) }
    #expect(asks.count >= 4 && asks[0] <= 0.3)
    #expect(zip(asks.dropFirst(), asks).allSatisfy { $0 - $1 <= Timing().mostResend + 0.11 })
    #expect(zip(asks.dropFirst(2), asks.dropFirst()).allSatisfy { $0 - $1 >= asks[1] - asks[0] - 0.11 })
    _ = asked.receive(question, at: 10)
    guard case .answer(.noted, to: .order) = asker.receive(asked.answer(1, .noted), at: 11) else {
      Issue.record("the answer was not taken")
      return
    }
    #expect(asker.due(at: 100).isEmpty && !asker.isWaiting)
  }

  @Test("An order that comes twice is carried out once, and answered as often as it comes")
  func carriesOutOnce() {
    var (asker, asked) = pair()
    let question = asker.ask(order, at: 0)
    guard case .question(1, _) = asked.receive(question, at: 0) else {
      Issue.record("not taken for news")
      return
    }
    guard case .nothing = asked.receive(question, at: 1) else {
      Issue.record("carried out twice")
      return
    }
    _ = asked.answer(1, .failed("first"))
    guard case .repeated(let answer) = asked.receive(question, at: 2), case .failed("first") = answer.message else {
      Issue.record("another answer")
      return
    }
    #expect(answer.preamble.request == 1)
  }

  @Test("Answers are kept until the asker has them, and no longer")
  func forgets() {
    var (asker, asked) = pair()
    for number in 1...1000 as ClosedRange<UInt64> {
      let question = asker.ask(order, at: 0)
      _ = asked.receive(question, at: 0)
      let answer = asked.answer(number, .noted)
      _ = asker.receive(answer, at: 0)
      // A late repetition of what was answered long ago changes nothing.
      if case .question = asked.receive(question, at: 0) { Issue.record("news from long ago") }
    }
    #expect(Mirror(reflecting: asked).descendant("answers", "known").map { ($0 as! [UInt64: Message?]).count } == 1)
  }

  @Test("A question that is idempotent is asked anew each time it comes")
  func idempotent() {
    var (asker, asked) = pair()
    let question = asker.ask(pull, at: 0)
    for _ in 0..<3 {
      guard case .question(1, .pull) = asked.receive(question, at: 0) else {
        Issue.record("not asked")
        return
      }
    }
  }

  @Test("The second answer to a question is nothing")
  func answeredTwice() {
    var (asker, asked) = pair()
    _ = asked.receive(asker.ask(pull, at: 0), at: 0)
    let answer = asked.answer(1, .rows(Rows(values: Frame([]))))
    guard case .answer = asker.receive(answer, at: 0), case .nothing = asker.receive(answer, at: 0) else {
      Issue.record("taken twice, or never")
      return
    }
  }

  @Test("Whoever is told «not yet» asks again")
  func notYet() {
    var (asker, asked) = pair()
    _ = asked.receive(asker.ask(pull, at: 0), at: 0)
    guard case .nothing = asker.receive(asked.answer(1, .refusal(.notYet)), at: 1) else {
      Issue.record("not yet is no answer")
      return
    }
    #expect(asker.isWaiting && asker.due(at: 2).count == 1)
  }

  @Test("A connection without room is tried again soon")
  func congestion() {
    var (asker, _) = pair()
    let question = asker.ask(pull, at: 0)
    asker.holdBack(question.preamble.request, at: 0)
    #expect(asker.due(at: Timing().firstResend).count == 1)
  }

  @Test("Time that stood still is no silence")
  func standstill() {
    var ticks = Ticks(at: 0)
    var (session, _) = pair()
    for tick in 1...100 { #expect(ticks.lateness(at: Double(tick) * 0.1) == 0) }
    let lateness = ticks.lateness(at: 70)
    #expect(lateness == 60)
    session.excuse(lateness)
    #expect(session.silence(at: 70) == 10)
  }

  @Test("What finds no room when a machine wakes is asked again soon, not as late as the machine slept")
  func congestionAfterStandstill() {
    var liaison = Liaison(
      incarnation: 5, registration: Registration(role: .worker, host: "h", process: 1), coordinator: "c",
      timing: Timing(), at: 0)
    _ = liaison.tick(at: 0.1, beat: Beat())
    liaison.excuse(at: 60)
    liaison.session.holdBack(1, at: 60)
    guard case .messages(let again, _) = liaison.tick(at: 60.5, beat: Beat()) else {
      Issue.record("silent")
      return
    }
    #expect(again.count == 1)
  }

  @Test("A process offers itself until it has a place, and takes no orders before")
  func registration() {
    var identity = Preamble()
    identity.incarnation = 5
    var liaison = Liaison(
      incarnation: 5, registration: Registration(role: .worker, host: "h", process: 1), coordinator: "c",
      timing: Timing(timeout: 3, coordinatorTimeout: 3), at: 0)
    var coordinator = Session(Preamble(), with: 5, timing: Timing(), at: 0)
    coordinator.identity.run = 77
    coordinator.identity.view = 1
    guard case .nothing = liaison.receive(coordinator.ask(order, at: 0), at: 0) else {
      Issue.record("took an order of nobody")
      return
    }
    guard case .messages(let first, _) = liaison.tick(at: 0.1, beat: Beat()), first.count == 1,
      case .register = first[0].message
    else {
      Issue.record("did not register")
      return
    }
    // Long after: still waiting, still asking, not silent.
    guard case .messages(let again, _) = liaison.tick(at: 1, beat: Beat()), again.count == 1 else {
      Issue.record("did not register again")
      return
    }
    _ = liaison.receive(coordinator.answer(1, .welcome(.worker(3))), at: 1)
    #expect(liaison.member == .worker(3) && liaison.session.identity.run == 77)
    guard case .order(_, _, view: 1) = liaison.receive(coordinator.ask(order, at: 1), at: 1) else {
      Issue.record("took no order")
      return
    }
    for tick in 11...39 {
      guard case .messages = liaison.tick(at: Double(tick) * 0.1, beat: Beat()) else {
        Issue.record("silent too soon")
        return
      }
    }
    guard case .silent = liaison.tick(at: 4.01, beat: Beat()) else {
      Issue.record("the coordinator's silence was not noticed")
      return
    }
  }

  @Test("A process that a run does not want hears why")
  func refused() {
    var liaison = Liaison(
      incarnation: 5, registration: Registration(role: .worker, host: "h", process: 1), coordinator: "c",
      timing: Timing(), at: 0)
    _ = liaison.tick(at: 0, beat: Beat())
    var preamble = Preamble()
    let other = Envelope(preamble, .refusal(.otherVersion(mine: Preamble.version, yours: Preamble.version + 1)))
    guard case .nothing = liaison.receive(other, at: 0) else {
      Issue.record("another process's version is not this one's trouble")
      return
    }
    preamble.request = 1
    let answer = Envelope(preamble, .refusal(.full("this run has the 2 workers it needs")))
    guard case .refused(let reason) = liaison.receive(answer, at: 0) else {
      Issue.record("not refused")
      return
    }
    #expect(reason.contains("2 workers"))
  }
}
