import ParamServer
import Sharding
import Testing
import Wire

@Suite("A server under another coordinator")
struct ServerReignTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)

  @Test("It says what place it had, goes on serving its view, and takes nothing of the old reign")
  func reign() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    let old = rig.envelope(.digest)
    let effects = rig.reign(Rig.term + 1)
    let question = try #require(effects.told.first)
    guard case .register(let registration) = question.message else { throw Missing() }
    #expect(registration.standing == Registration.Standing(member: .server(0), view: 1))
    #expect(question.preamble.term == Rig.term + 1 && question.preamble.incarnation == Rig.incarnation)
    #expect(rig.tell(.ordered(old)).isEmpty && !rig.hasLongWork)
    // Workers go on in the view meanwhile, and those that wait are answered.
    #expect(rig.ask(pull(ranks, clock: 2), from: 1).isEmpty)
    #expect(try rig.train(ranks, ones).rows.count == 1 && rig.clock == 2)
    #expect(rig.order(.propose, view: 2).isEmpty, "it has no place yet")
    rig.leave(to: 1)
    _ = rig.answer(question, .welcome(.server(0)))
    #expect(try rig.train(ranks, ones).answers.count == 1)
    #expect(try rig.propose(2).holdings == [.init(slots: [0..<Rank.slots], clock: 3, earliest: 1)])
    #expect(rig.ask(pull(ranks, clock: 3)).refusals == [.notYet])
    try rig.adopt(assign(start: .held, clock: 2), view: 2)
    #expect(rig.clock == 2)
  }

  @Test("An order that the old coordinator gave is not answered to the new one, which may give its own")
  func orders() throws {
    let rig = try Rig.serving()
    #expect(rig.order(.settle(clock: 1)).isEmpty)
    let question = try #require(rig.reign(Rig.term + 1).told.first)
    _ = rig.answer(question, .welcome(.server(0)))
    _ = try rig.propose(2)
    try rig.adopt(assign(start: .held), view: 2)
    #expect(try rig.train(ranks, ones).reports.isEmpty)
    #expect(rig.order(.settle(clock: 1)).reports.count == 1)
  }

  @Test("What the old coordinator ordered and is done before the new one proposes is answered to neither")
  func doneBetweenReigns() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    #expect(rig.hold(1, at: 1).reports.count == 1)
    #expect(rig.order(.write(checkpoint: 1)).isEmpty && rig.order(.settle(clock: 2)).isEmpty)
    let (_, part) = rig.writeOn()
    let question = try #require(rig.reign(Rig.term + 1).told.first)
    _ = rig.answer(question, .welcome(.server(0)))
    // Under the same numbers the new one may ask for something else.
    #expect(try rig.tell(.finished(checkpoint: 1, #require(part))).told.isEmpty)
    #expect(try rig.train(ranks, ones).told.isEmpty)
  }

  @Test("Coordinators may follow each other before any has welcomed it: the last finds the same")
  func several() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    for term in 1...3 {
      let question = try #require(rig.reign(Rig.term + UInt32(term)).told.first)
      guard term == 3 else { continue }
      _ = rig.answer(question, .welcome(.server(0)))
    }
    #expect(try rig.propose(7).holdings.map(\.clock) == [1])
  }
}
