import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Who is there")
struct MembershipTests {
  private var membership = Membership(
    run: 7, term: 3, incarnation: 99, mostWorkers: nil, isNumbered: false, timing: Timing(timeout: 20), at: 0)

  private static func process(_ role: Member.Role, host: String = "a", process: Int32) -> Process {
    Process(
      Registration(role: role, host: host, process: process), incarnation: UInt64(process), route: UInt8(process))
  }

  /// In no particular order.
  private let company = [
    process(.worker, host: "b", process: 3), process(.server, host: "b", process: 1),
    process(.worker, host: "a", process: 9), process(.server, host: "a", process: 10),
  ]

  private mutating func hear(_ envelope: Envelope, _ process: Process, at time: Seconds = 0) -> Membership.Heard {
    membership.receive(envelope, from: process.route, at: time)
  }

  /// It offers itself, and hears what it is answered.
  private mutating func register(_ process: Process, at time: Seconds = 0) -> Message? {
    switch hear(process.register(), process, at: time) {
    case .joined(_, let answer, let route), .send(let answer, let route):
      #expect(route == process.route)
      process.hear(answer)
      return answer.message
    default: return nil
    }
  }

  /// All register; everyone hears its welcome.
  private mutating func gather() {
    for process in company { _ = register(process) }
    for (welcome, route) in membership.number() { company.first { $0.route == route }?.hear(welcome) }
  }

  private static func refusal(_ heard: Membership.Heard) -> Refusal? {
    switch heard {
    case .send(let envelope, _), .joined(_, let envelope, _):
      if case .refusal(let refusal) = envelope.message { refusal } else { nil }
    default: nil
    }
  }

  /// Ticks ten times a second: all that is sent.
  private mutating func tick(to end: Seconds, from start: Seconds, counting: Bool = true) -> [(Envelope, Route)] {
    (Int(start * 10) + 1...Int(end * 10)).flatMap { step in
      membership.excuse(at: Double(step) / 10)
      return membership.tick(at: Double(step) / 10) { _ in counting }
    }
  }

  @Test("Processes are numbered by role, host and process, and welcomed when all are there")
  mutating func numbering() {
    for process in company {
      let heard = hear(process.register(), process)
      #expect(Self.refusal(heard) == .notYet)
      guard case .joined = heard else {
        Issue.record("not joined")
        return
      }
    }
    #expect(membership.count(.server) == 2 && membership.count(.worker) == 2)
    for (welcome, route) in membership.number() { company.first { $0.route == route }?.hear(welcome) }
    #expect(company.map(\.member) == [.worker(1), .server(1), .worker(0), .server(0)])
    #expect(membership.all.map { $0.member! } == [.server(0), .server(1), .worker(0), .worker(1)])
    #expect(membership.all.map(\.registration.host) == ["a", "b", "a", "b"])
    #expect(company.allSatisfy { $0.session.identity.run == 7 && $0.session.identity.term == 3 })
    #expect(membership.number().isEmpty, "once")
  }

  @Test("Who registers again has not heard yet: the answer is the same, along the newest connection")
  mutating func registrationAgain() {
    let first = company[0]
    let registration = first.register()
    for _ in 0..<3 { #expect(Self.refusal(hear(registration, first)) == .notYet) }
    #expect(membership.count(.worker) == 1, "it is one process")
    gather()
    first.route = Route(bytes: [99])
    guard case .send(let welcome, let route) = hear(registration, first),
      case .welcome(.worker(1)) = welcome.message
    else {
      Issue.record("not welcome")
      return
    }
    #expect(route == first.route && welcome.preamble.request == registration.preamble.request)
  }

  @Test("Whoever comes later gets the lowest number that is free, or the one that it had")
  mutating func vacancies() {
    gather()
    let third = Self.process(.server, process: 50)
    _ = register(third)
    #expect(third.member == .server(2))
    membership.forget([company[3].incarnation])
    let next = Self.process(.server, process: 51)
    next.registration.standing = .init(member: .server(1), view: 4)
    _ = register(next)
    #expect(next.member == .server(0), "what it had is another's")
    membership.forget([third.incarnation, next.incarnation])
    let returned = Self.process(.server, process: 52)
    returned.registration.standing = .init(member: .server(2), view: 4)
    _ = register(returned)
    #expect(returned.member == .server(2))
    let turncoat = Self.process(.worker, process: 53)
    turncoat.registration.standing = .init(member: .server(0), view: 4)
    _ = register(turncoat)
    #expect(turncoat.member == .worker(2))
  }

  @Test("Under a new coordinator the places of the last view's members are kept for them, for a while")
  mutating func seats() {
    membership = Membership(
      run: 7, term: 3, incarnation: 99, mostWorkers: nil, isNumbered: true, seats: [1: .server(0), 10: .server(1)],
      timing: Timing(timeout: 20), at: 0)
    let newcomer = Self.process(.server, process: 50)
    newcomer.registration.standing = .init(member: .server(0), view: 1)
    _ = register(newcomer)
    #expect(newcomer.member == .server(2))
    _ = register(company[1])
    #expect(company[1].member == .server(0), "though it says nothing of what it was")
    membership.releaseSeats()
    let other = Self.process(.server, process: 51)
    _ = register(other)
    #expect(other.member == .server(1))
  }

  @Test("The number of one that was told to leave is given to nobody else")
  mutating func retired() {
    gather()
    membership.drain(company[3].incarnation)
    membership.letGo(company[3].incarnation)
    #expect(membership.count(.server) == 1, "it does not count any more")
    membership.forget([company[3].incarnation])
    let next = Self.process(.server, process: 50)
    _ = register(next)
    #expect(next.member == .server(2))
  }

  @Test("What one that leaves was told is asked again in later views; what others were asked is not")
  mutating func leavesInAnotherView() {
    gather()
    for process in [company[3], company[1]] {
      _ = membership.ask(process.incarnation, .order(Control(["a": 1])), at: 0)
    }
    membership.letGo(company[3].incarnation)
    membership.enter(4)
    let orders = tick(to: 1, from: 0).filter { $0.0.message.name == "order" }
    #expect(!orders.isEmpty && orders.allSatisfy { $0.1 == company[3].route && $0.0.preamble.view == 4 })
  }

  @Test("A process that is in no view and falls silent is dropped; one of the view is not")
  mutating func lostCandidate() {
    let lost = Self.process(.server, process: 77)
    _ = register(lost)
    _ = tick(to: 5, from: 0, counting: false)
    #expect(membership.count(.server) == 1)
    _ = tick(to: 5.2, from: 5, counting: false)
    #expect(membership.count(.server) == 0)
    gather()
    _ = tick(to: 19, from: 5.2)
    #expect(membership.count(.server) == 2 && membership.silent(at: 19).isEmpty)
  }

  @Test("A run has the workers it takes, and no coordinator takes part as a member")
  mutating func full() {
    membership = Membership(
      run: 7, term: 3, incarnation: 99, mostWorkers: 2, isNumbered: true, timing: Timing(timeout: 20), at: 0)
    for process in company { _ = register(process) }
    let late = Self.process(.worker, process: 50)
    #expect(Self.refusal(hear(late.register(), late, at: 1)) == .full("this run has the 2 workers it takes"))
    #expect(Self.refusal(hear(late.register(), late, at: 2.6)) == .notYet, "one of them may be dead")
    let coordinator = Self.process(.coordinator, process: 51)
    #expect(Self.refusal(hear(coordinator.register(), coordinator)) == .malformed("a run has one coordinator"))
  }

  @Test("A stranger, and a member of another run, are refused")
  mutating func strangers() {
    let stranger = Self.process(.worker, process: 50)
    gather()
    #expect(Self.refusal(hear(stranger.saysBeat(), stranger)) == .otherRun)
    var beat = company[0].saysBeat()
    beat.preamble.incarnation = 50
    #expect(Self.refusal(hear(beat, stranger)) == .unknownMember(50))
    var other = company[0].ask(.failed("x"))
    other.preamble.run = 8
    let heard = hear(other, company[0])
    #expect(Self.refusal(heard) == .otherRun)
    guard case .send(let answer, _) = heard else { return }
    #expect(answer.preamble.request == other.preamble.request)
  }

  @Test("A question is asked until it is answered, once its member speaks along another connection too")
  mutating func questions() throws {
    gather()
    membership.enter(1)
    let asked = membership.ask(company[0].incarnation, .order(Control(["a": 1])), at: 0)
    #expect(asked.count == 1 && asked[0].1 == company[0].route && asked[0].0.preamble.view == 1)
    #expect(membership.openQuestions == 1 && membership.isWaiting)
    company[0].route = Route(bytes: [99])
    _ = hear(company[0].saysBeat(), company[0], at: 0.5)
    let again = tick(to: 1, from: 0.5).filter { $0.0.message.name == "order" }
    #expect(!again.isEmpty && again.allSatisfy { $0.1 == company[0].route })
    for (envelope, _) in again { company[0].hear(envelope) }
    #expect(company[0].orders.count == 1, "it is one question")
    guard case .answer(3, .report, to: .order) = hear(try company[0].report(["b": 2]), company[0], at: 1) else {
      Issue.record("not answered")
      return
    }
    #expect(membership.openQuestions == 0 && !membership.isWaiting)
    #expect(tick(to: 9, from: 1).allSatisfy { $0.0.message.name == "beat" })
  }

  @Test("What is given up is asked no more, and what it is answered is nothing")
  mutating func forgotten() throws {
    gather()
    let asked = membership.ask(company[3].incarnation, .order(Control(["a": 1])), at: 0)
    company[3].hear(asked[0].0)
    membership.enter(1)
    #expect(membership.openQuestions == 0)
    guard case .nothing = hear(try company[3].report(["b": 2]), company[3]) else {
      Issue.record("it counts")
      return
    }
  }

  @Test("What was said to an earlier coordinator shows that its speaker lives, and nothing else")
  mutating func earlierTerm() throws {
    gather()
    let asked = membership.ask(company[3].incarnation, .order(Control(["a": 1])), at: 0)
    company[3].hear(asked[0].0)
    var late = try company[3].report(["b": 2])
    late.preamble.term = 2
    guard case .nothing = hear(late, company[3], at: 9) else {
      Issue.record("it counts")
      return
    }
    #expect(membership.openQuestions == 1 && membership[.server(0)]?.session.silence(at: 9) == 0)
  }

  @Test("What a connection has no room for waits a little longer")
  mutating func congestion() {
    gather()
    let asked = membership.ask(company[3].incarnation, .order(Control(["a": 1])), at: 0)
    membership.holdBack(asked[0].0.preamble.request, along: asked[0].1, at: 0.15)
    func orders(_ sent: [(Envelope, Route)]) -> Int { sent.count { $0.0.message.name == "order" } }
    #expect(orders(membership.tick(at: 0.3) { _ in true }) == 0)
    #expect(orders(membership.tick(at: 0.36) { _ in true }) == 1)
  }

  @Test("Scores of an earlier view count for nothing, other answers carry their own numbers")
  mutating func earlierView() {
    gather()
    membership.enter(1)
    let scores = company[0].ask(.scores(Scores(round: 0, chunk: 0, firstRow: 0, labels: [], logits: [])))
    guard case .nothing = hear(scores, company[0], at: 9) else {
      Issue.record("they count")
      return
    }
    guard case .question(3, _, .failed) = hear(company[0].ask(.failed("x")), company[0], at: 9) else {
      Issue.record("what fails is heard in any view")
      return
    }
    #expect(membership[.worker(1)]?.session.silence(at: 9) == 0)
  }

  @Test("Members beat and are beaten to; one that is silent is missed")
  mutating func silence() {
    gather()
    var beats = 0
    for step in 1..<200 {
      let time = Double(step) / 10
      for process in company.dropFirst() { _ = hear(process.saysBeat(), process, at: time) }
      beats += membership.tick(at: time) { _ in true }.count { $0.0.message.name == "beat" }
      #expect(membership.silent(at: time).isEmpty)
    }
    #expect((140...160).contains(beats), "twice a second to each of four")
    #expect(membership.silent(at: 20).map(\.name) == ["worker-1 (process 3 on b)"])
  }

  @Test("When all stood still, a late tick is nobody's silence")
  mutating func lateTick() {
    gather()
    _ = tick(to: 10, from: 0)
    #expect(membership.excuse(at: 3600) == 3590)
    #expect(membership.silent(at: 3600).isEmpty)
    _ = tick(to: 3609, from: 3600)
    #expect(membership.silent(at: 3609).isEmpty)
    _ = tick(to: 3612, from: 3609)
    #expect(membership.silent(at: 3612).count == 4)
  }
}
