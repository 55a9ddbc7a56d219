import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Who takes part in a run")
struct MembershipTests {
  private var membership = Membership(servers: 2, workers: 2, run: 7, timing: Timing(timeout: 20), at: 0)

  private static func process(
    _ role: Member.Role, host: String = "a", process: Int32, incarnation: UInt64? = nil, route: UInt8? = nil
  ) -> Process {
    Process(
      Registration(role: role, host: host, process: process), incarnation: incarnation ?? UInt64(process),
      route: route ?? UInt8(process))
  }

  /// In no particular order.
  private let company = [
    process(.worker, host: "b", process: 3), process(.server, host: "b", process: 1),
    process(.worker, host: "a", process: 9), process(.server, host: "a", process: 10),
  ]

  private mutating func hear(_ envelope: Envelope, _ process: Process, at time: Seconds = 0) -> Membership.Heard {
    membership.receive(envelope, from: process.route, at: time)
  }

  /// All register; everyone hears its welcome.
  private mutating func gather() throws {
    for process in company {
      switch hear(process.register(), process) {
      case .send(let answer, let route):
        #expect(route == process.route)
        process.hear(answer)
      case .complete(let welcomes):
        #expect(process === company.last)
        for (welcome, route) in welcomes { company.first { $0.route == route }?.hear(welcome) }
      default: Issue.record("not registered")
      }
    }
  }

  private static func refusal(_ heard: Membership.Heard) -> Refusal? {
    guard case .send(let envelope, _) = heard, case .refusal(let refusal) = envelope.message else { return nil }
    return refusal
  }

  @Test("Processes are numbered by role, host and process, and welcomed when all are there")
  mutating func numbering() throws {
    #expect(membership.missing == "2 of 2 servers and 2 of 2 workers")
    for process in company.dropLast() {
      let heard = hear(process.register(), process)
      #expect(Self.refusal(heard) == .notYet)
    }
    #expect(membership.missing == "1 of 2 servers and 0 of 2 workers" && !membership.isComplete)
    let last = company[3]
    guard case .complete(let welcomes) = hear(last.register(), last) else {
      Issue.record("not complete")
      return
    }
    for (welcome, route) in welcomes { company.first { $0.route == route }?.hear(welcome) }
    #expect(company.map(\.member) == [.worker(1), .server(1), .worker(0), .server(0)])
    #expect(membership.isComplete && membership.members == [.server(0), .server(1), .worker(0), .worker(1)])
    #expect(membership.all.map(\.registration.host) == ["a", "b", "a", "b"])
    #expect(company.allSatisfy { $0.session.identity.run == 7 && $0.session.identity.term == 1 })
  }

  @Test("Who registers again has not heard yet: the answer is the same, along the newest connection")
  mutating func registrationAgain() throws {
    let first = company[0]
    let registration = first.register()
    for _ in 0..<3 {
      let heard = hear(registration, first)
      #expect(Self.refusal(heard) == .notYet)
    }
    #expect(membership.missing == "2 of 2 servers and 1 of 2 workers", "it is one process")
    try gather()
    first.route = Route(bytes: [99])
    guard case .send(let welcome, let route) = hear(registration, first) else {
      Issue.record("no answer")
      return
    }
    guard case .welcome(.worker(1)) = welcome.message else {
      Issue.record("\(welcome.message.name)")
      return
    }
    #expect(route == first.route && welcome.preamble.request == registration.preamble.request)
  }

  @Test("A candidate that falls silent loses its place to who comes next")
  mutating func lostCandidate() throws {
    let lost = Self.process(.server, process: 77)
    _ = hear(lost.register(), lost)
    _ = tick(to: 4, from: 0)
    _ = hear(company[1].register(), company[1], at: 4)
    #expect(
      Self.refusal(hear(company[3].register(), company[3], at: 4)) == .full("this run has the 2 servers it needs"))
    _ = tick(to: 6, from: 4)
    #expect(membership.missing == "1 of 2 servers and 2 of 2 workers")
    try gather()
    #expect(membership.isComplete && company[3].member == .server(0))
    #expect(Self.refusal(hear(lost.register(), lost, at: 6)) == .full("this run has the 2 servers it needs"))
  }

  @Test("A run has the members it needs, and no coordinator takes part as a member")
  mutating func full() throws {
    try gather()
    for role in [Member.Role.server, .worker, .coordinator] {
      let late = Self.process(role, process: 50)
      guard case .full? = Self.refusal(hear(late.register(), late)) else {
        Issue.record("\(role) is taken")
        return
      }
    }
  }

  @Test("A stranger, and a member of another run, are refused")
  mutating func strangers() throws {
    let stranger = Self.process(.worker, process: 50)
    #expect(Self.refusal(hear(company[0].beat(), company[0])) == .unknownMember, "nobody is a member yet")
    try gather()
    #expect(Self.refusal(hear(stranger.beat(), stranger)) == .unknownMember)
    var other = company[0].ask(.failed("x"))
    other.preamble.run = 8
    let heard = hear(other, company[0])
    #expect(Self.refusal(heard) == .otherRun)
    guard case .send(let answer, _) = heard else { return }
    #expect(answer.preamble.request == other.preamble.request)
  }

  @Test("A question is asked until it is answered, once its member speaks along another connection too")
  mutating func questions() throws {
    try gather()
    membership.advance()
    let asked = membership.ask(.worker(1), .order(Control(["a": 1])), at: 0)
    #expect(asked.count == 1 && asked[0].1 == company[0].route && asked[0].0.preamble.view == 1)
    #expect(membership.openQuestions == 1 && membership.isWaiting)
    company[0].route = Route(bytes: [99])
    _ = hear(company[0].beat(), company[0], at: 0.5)
    let again = tick(to: 1, from: 0.5).messages.filter { $0.0.message.name == "order" }
    #expect(!again.isEmpty && again.allSatisfy { $0.1 == company[0].route })
    for (envelope, _) in again { company[0].hear(envelope) }
    #expect(company[0].orders.count == 1, "it is one question")
    guard case .answer(.worker(1), .report, to: .order) = hear(try company[0].report(["b": 2]), company[0], at: 1)
    else {
      Issue.record("not answered")
      return
    }
    #expect(membership.openQuestions == 0 && !membership.isWaiting)
    #expect(tick(to: 9, from: 1).messages.allSatisfy { $0.0.message.name == "beat" })
  }

  @Test("What is given up is asked no more, and what it is answered is nothing")
  mutating func forgotten() throws {
    try gather()
    let asked = membership.ask(.server(0), .order(Control(["a": 1])), at: 0)
    company[3].hear(asked[0].0)
    membership.forgetQuestions()
    #expect(membership.openQuestions == 0)
    guard case .nothing = hear(try company[3].report(["b": 2]), company[3]) else {
      Issue.record("it counts")
      return
    }
  }

  @Test("What a connection has no room for waits a little longer")
  mutating func congestion() throws {
    try gather()
    let asked = membership.ask(.server(0), .order(Control(["a": 1])), at: 0)
    membership.holdBack(asked[0].0.preamble.request, along: asked[0].1, at: 0.15)
    func orders(_ tick: Membership.Tick) -> Int { tick.messages.count { $0.0.message.name == "order" } }
    #expect(orders(membership.tick(at: 0.3, gatherSeconds: 30)) == 0)
    #expect(orders(membership.tick(at: 0.36, gatherSeconds: 30)) == 1)
  }

  @Test("Scores of an earlier view count for nothing, other answers carry their own numbers")
  mutating func earlierView() throws {
    try gather()
    membership.advance()
    let scores = company[0].ask(.scores(Scores(round: 0, chunk: 0, firstRow: 0, labels: [], logits: [])))
    guard case .nothing = hear(scores, company[0], at: 9) else {
      Issue.record("they count")
      return
    }
    guard case .question(.worker(1), _, .failed) = hear(company[0].ask(.failed("x")), company[0], at: 9) else {
      Issue.record("what fails is heard in any view")
      return
    }
    #expect(membership[.worker(1)]?.session.silence(at: 9) == 0)
  }

  @Test("Members beat and are beaten to; one that is silent is named with host and process")
  mutating func silence() throws {
    try gather()
    var beats = 0
    for step in 1..<199 {
      let time = Double(step) / 10
      for process in company.dropFirst() { _ = hear(process.beat(), process, at: time) }
      let tick = membership.tick(at: time, gatherSeconds: 1)
      beats += tick.messages.count { $0.0.message.name == "beat" }
      #expect(tick.failure == nil)
    }
    #expect((140...160).contains(beats), "twice a second to each of four")
    for process in company.dropFirst() { _ = hear(process.beat(), process, at: 20) }
    #expect(
      membership.tick(at: 20, gatherSeconds: 1).failure
        == "worker-1 (process 3 on b) has been silent for 20 s. See its log, or the network between it and here")
  }

  @Test("When all stood still, a late tick is nobody's silence")
  mutating func lateTick() throws {
    try gather()
    _ = tick(to: 10, from: 0)
    #expect(membership.tick(at: 3600, gatherSeconds: 1).failure == nil)
    #expect(tick(to: 3609, from: 3600).failure == nil)
    #expect(tick(to: 3612, from: 3609).failure != nil)
  }

  @Test("Whom a run waits for is said every few seconds, then as an error")
  mutating func gathering() throws {
    _ = hear(company[1].register(), company[1])
    #expect(tick(to: 4.5, from: 0).sentence == nil)
    #expect(tick(to: 5, from: 4.5).sentence == "waiting for 1 of 2 servers and 2 of 2 workers")
    #expect(tick(to: 9.5, from: 5.1).sentence == nil)
    let failure = tick(to: 30, from: 9.5).failure
    #expect(failure?.hasPrefix("after 30 s still waiting for 2 of 2 servers and 2 of 2 workers. Start them") == true)
  }

  /// Ticks ten times a second; all messages, and the last sentence and failure.
  private mutating func tick(to end: Seconds, from start: Seconds) -> Membership.Tick {
    var all = Membership.Tick()
    for step in Int(start * 10) + 1...Int(end * 10) {
      let tick = membership.tick(at: Double(step) / 10, gatherSeconds: 30)
      all.messages += tick.messages
      all.sentence = tick.sentence ?? all.sentence
      all.failure = tick.failure ?? all.failure
    }
    return all
  }
}
