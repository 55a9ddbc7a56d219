import ParamServer
import Sharding
import Testing
import Wire

@Suite("Homes of a slot")
struct HomeTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)

  /// Group 0 is first at server 0, group 1 at server 1; each is a replica of the other's.
  private func play(seed: Int = 1) throws -> ServerPlay {
    try ServerPlay(SlotMap(servers: 2, replicas: 1), servers: 2, seed: seed)
  }

  @Test("A first home applies a step only when the other has applied the one before, which acknowledges no sooner")
  func chain() throws {
    let play = try play()
    try play.begin()
    let early = play.rigs[0].question(pull(ranks, clock: 2), from: 1)
    #expect(play.perform(play.rigs[0].receive(early), of: 0).isEmpty)
    #expect(play.ask(push(ranks, ones), of: 0).answers.map(\.name) == ["pushed"])
    #expect(play.clocks == [1, 0], "the first step waits for none")
    #expect(play.ask(push(ranks, ones, clock: 1), of: 0).answers.map(\.name) == ["pushed"])
    #expect(play.clocks[0] == 1 && play.rigs[0].parkedPulls == 1)
    #expect(try play.rigs[0].beat().activity == Activity(.collecting, step: 1, waitsFor: [.server(1)]))
    #expect(play.parcels.count == 2, "both roots are on their way")
    // They overtake each other: what cannot be applied yet is not acknowledged.
    let first = try #require(play.take())
    play.deliver(try #require(play.take()))
    guard case .refusal(.notYet)? = play.parcels.last?.envelope.message else { throw Missing() }
    play.deliver(try #require(play.take()))
    #expect(play.clocks[0] == 1)
    play.deliver(first)
    #expect(try play.rigs[1].propose(9).holdings.map(\.clock) == [1, 0])
    let acknowledgement = try #require(play.take())
    #expect(acknowledgement.envelope.message.name == "pushed")
    for _ in 0..<2 { play.deliver(acknowledgement) }
    #expect(play.clocks[0] == 2 && play.rows.count == 1, "the pull for step 2 is answered")
  }

  @Test("A step is sent to every other home, and applied when the slowest has applied the one before")
  func severalHomes() throws {
    let map = try SlotMap(runs: [.init(first: 0, count: Rank.slots, homes: [0, 2, 1])])
    let play = try ServerPlay(map, servers: 3)
    try play.begin()
    for clock: UInt64 in 0..<2 { _ = play.ask(push(ranks, ones, clock: clock), of: 0) }
    #expect(play.parcels.map(\.to).sorted() == [1, 1, 2, 2])
    while let parcel = play.take(where: { $0.to != 1 && $0.from != 1 }) { play.deliver(parcel) }
    #expect(play.clocks == [1, 0, 2])
    #expect(try play.rigs[0].beat().activity.waitsFor == [.server(1)])
    play.run()
    #expect(play.clocks == [2, 2, 2])
  }

  @Test("What is lost, doubled and late between homes costs time and no bit, in both roles", arguments: 1...5)
  func lossy(seed: Int) throws {
    var description = describeTable()
    let play = try play(seed: seed)
    let pool = crowdedRanks(120, slots: 160, using: &play.generator)
    if seed % 2 == 0 { description.admission = .init(sightings: 3, alwaysAdmitted: Array(pool.prefix(20))) }
    let reference = try Reference([description])
    try play.begin(tables: [description])
    play.loss = 0.4
    for clock: UInt64 in 0..<20 {
      let step = Step.random(pool, width: 3, using: &play.generator)
      reference.push(step)
      _ = play.push(step, clock: clock)
      play.run { play.clocks == [clock + 1, clock + 1] }
      #expect(play.clocks == [clock + 1, clock + 1])
    }
    for server in 0..<2 { play.order(.settle(clock: 20), of: server) }
    play.run()
    #expect(play.reports(of: 0).count == 1 && play.reports(of: 1).count == 1)
    let expected = try reference.rig.digests()
    #expect(try play.digests() == expected)
    // The roles are swapped: what was a replica answers now.
    let swapped = SlotMap(servers: [1, 0], replicas: 1)
    let standings = try play.change(to: swapped, tables: [description])
    #expect(standings.flatMap { $0.holdings.map(\.clock) } == [20, 20, 20, 20])
    #expect(try play.digests() == expected)
    #expect(try play.checkpoint(number: 1) == reference.rig.checkpoint(number: 1))
    play.loss = 0
    let step = Step.random(pool, width: 3, using: &play.generator)
    reference.push(step)
    _ = play.push(step, clock: 20)
    play.run()
    #expect(try play.digests() == reference.rig.digests())
  }

  @Test("A root travels in parts, all of which are acknowledged, and the last when it is applied")
  func parts() throws {
    let wide = describeTable(width: 1 << 18)
    let play = try play()
    try play.begin(tables: [wide])
    let ranks = (0..<4).map { rank(5, $0) }
    let values = [Float](repeating: 0.5, count: 4 << 18)
    // One row is a quarter of what a message may hold.
    for part in 0..<2 {
      let rows = part * 2..<part * 2 + 2
      _ = play.ask(
        push(Array(ranks[rows]), Array(values[..<(2 << 18)]), part: part, parts: 2), of: 0)
    }
    #expect(play.parcels.count == 2)
    play.deliver(try #require(play.take()))
    #expect(play.parcels.last?.envelope.message.name == "pushed")
    #expect(try play.rigs[1].propose(9).holdings[0].clock == 0)
  }

  @Test("Roots in parts come to the same bits, whatever is lost, doubled and late of them", arguments: [0, 1], 1...2)
  func lossyParts(lag: Int, seed: Int) throws {
    let wide = describeTable(width: 1 << 18)
    let play = try play(seed: seed)
    try play.begin(tables: [wide], lag: lag)
    play.loss = 0.4
    let reference = try Reference([wide], lag: lag)
    let ranks = (0..<5).map { rank(5, $0) }
    for clock: UInt64 in 0..<4 {
      let values = (0..<5 << 18).map { Float(($0 + Int(clock)) % 17) - 8 }
      let step = Step(ranks: ranks, values: values, samples: 2, lossSum: 1)
      for (part, rows) in [0..<3, 3..<5].enumerated() {
        let message = push(
          Array(ranks[rows]), Array(values[rows.lowerBound << 18..<rows.upperBound << 18]), clock: clock, samples: 2,
          lossSum: 1, part: part, parts: 2)
        _ = play.ask(message, of: 0)
        _ = reference.rig.ask(message)
      }
      _ = play.ask(play.part(step, of: play.slots.groups[1], clock: clock, width: 1 << 18), of: 1)
      play.run { play.clocks == [clock + 1, clock + 1] }
      #expect(play.clocks == [clock + 1, clock + 1])
    }
    play.loss = 0
    play.run()
    try play.change(to: SlotMap(servers: [1, 0], replicas: 1), tables: [wide], lag: lag)
    #expect(play.clocks == [4, 4])
    #expect(try play.digests() == reference.rig.digests())
  }

  @Test("Steps of no samples go through all homes too")
  func emptySteps() throws {
    let play = try play()
    try play.begin()
    for clock: UInt64 in 0..<5 {
      _ = play.push(Step(samples: 0), clock: clock)
      play.run()
    }
    #expect(play.clocks == [5, 5])
    #expect(try play.rigs.map { try $0.propose(2).holdings.map(\.clock) } == [[5, 5], [5, 5]])
  }

  @Test("A clock is settled when all homes have reached it")
  func settled() throws {
    let play = try play()
    try play.begin()
    play.order(.settle(clock: 1), of: 1)
    _ = play.ask(push([], [], group: 1), of: 1)
    #expect(play.clocks[1] == 1 && play.reports(of: 1).isEmpty, "what it keeps for the other is behind")
    _ = play.ask(push(ranks, ones), of: 0)
    play.run()
    guard case .settled? = play.reports(of: 1).first else { throw Missing() }
  }

  @Test("Other homes take roots, of the group's first home, and nothing of workers")
  func strangers() throws {
    let play = try play()
    try play.begin()
    #expect(play.ask(push(ranks, ones), of: 1).refusals == [.notOwner(slot: 0)])
    #expect(play.ask(pull(ranks), of: 1).refusals == [.notOwner(slot: 0)])
    func tell(_ message: Message, _ change: (inout Preamble) -> Void = { _ in }) -> Refusal? {
      var question = play.rigs[1].question(message, from: 0, role: .server)
      change(&question.preamble)
      return play.rigs[1].receive(question, along: 100).refusals.first
    }
    func isMalformed(_ refusal: Refusal?) -> Bool { if case .malformed? = refusal { true } else { false } }
    #expect(isMalformed(tell(push([rank(9000)], [1, 2, 3], group: 1))), "server 0 is not its first home")
    #expect(tell(push([rank(9000)], [1, 2, 3])) == .notOwner(slot: 9000))
    #expect(isMalformed(tell(push(ranks, ones, node: .init(level: 1, index: 0)))))
    #expect(isMalformed(tell(pull(ranks))))
    #expect(tell(push(ranks, ones)) { $0.incarnation += 7 } == .unknownMember(Rig.server(0) + 7))
    #expect(tell(push(ranks, ones)) { $0.member = .server(1) } == .unknownMember(Rig.server(0)))
    #expect(tell(push(ranks, ones)) { $0.view = 0 } == .staleView(now: 1))
    #expect(tell(push(ranks, ones, clock: 1)) == .notYet)
    #expect(
      isMalformed(tell(.copy(Copy(group: 0, table: 0, slot: 5, clock: 0, totals: StepTotals(), bytes: frame([1]))))))
    #expect(play.clocks == [0, 0] && tell(push(ranks, ones)) == nil)
  }

  @Test("A full connection to another home costs time alone; one that has not adopted the view is asked again soon")
  func congestion() throws {
    let play = try play()
    try play.begin()
    _ = play.ask(push(ranks, ones), of: 0)
    let root = try #require(play.take())
    play.perform(play.rigs[0].tell(.congestedServer(1, request: root.envelope.preamble.request)), of: 0)
    play.rigs[0].time = 0.3
    play.perform(play.rigs[0].tell(.tick), of: 0)
    let again = try #require(play.take())
    #expect(again.envelope.preamble.request == root.envelope.preamble.request)
    // Answered in another view: it is early, no more.
    var early = root
    (early.from, early.to, early.isAnswer) = (1, 0, true)
    early.envelope.message = .refusal(.notYet)
    (early.envelope.preamble.incarnation, early.envelope.preamble.view) = (Rig.server(1), 0)
    early.envelope.preamble.addressee = Rig.server(0)
    play.deliver(early)
    play.rigs[0].time = 0.55
    play.perform(play.rigs[0].tell(.tick), of: 0)
    #expect(play.parcels.count == 1)
    // An acknowledgement of another view is none.
    early.envelope.message = .pushed
    play.deliver(early)
    _ = play.ask(push(ranks, ones, clock: 1), of: 0)
    #expect(play.clocks[0] == 1)
    play.run()
    #expect(play.clocks[0] == 2)
  }

  @Test("Questions are counted on from view to view, so that no late answer passes for another")
  func lateAnswer() throws {
    let play = try play()
    try play.begin()
    _ = play.ask(push(ranks, ones), of: 0)
    let root = try #require(play.take())
    try play.change()
    _ = play.ask(push(ranks, ones, clock: 0), of: 0)
    let next = try #require(play.take())
    #expect(next.envelope.preamble.request > root.envelope.preamble.request)
    play.deliver(root)
    guard case .refusal(.staleView(now: 2))? = play.parcels.last?.envelope.message else { throw Missing() }
  }
}
