import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

@Suite("From one view to the next")
struct ViewTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)
  private let whole = [0..<Rank.slots]

  @Test("A proposal freezes a server: it says what it holds, cancels its orders, and applies nothing until it adopts")
  func freeze() throws {
    let rig = try Rig.serving(assign(slices: 2))
    for clock: UInt64 in 0..<3 { _ = rig.ask(push(ranks, ones, clock: clock, node: .root(of: 2))) }
    _ = rig.ask(push(ranks, ones, clock: 3))
    for order: ServerOrder in [
      .settle(clock: 9), .checkpoint(CheckpointOrder(number: 1, clock: 4, base: nil)), .digest,
    ] { #expect(rig.order(order).isEmpty) }
    #expect(rig.hasLongWork)
    let (late, pulled) = (
      rig.question(push(ranks, ones, clock: 3, node: .init(level: 0, index: 1))), rig.question(pull(ranks, clock: 3))
    )
    let standing = try rig.propose(2)
    #expect(standing == ServerStanding(view: 1, holdings: [.init(slots: whole, clock: 3, earliest: 1)]))
    #expect(!rig.hasLongWork && rig.tell(.turn).isEmpty)
    #expect(rig.receive(late).refusals == [.staleView(now: 2)])
    #expect(rig.receive(pulled).refusals == [.staleView(now: 2)])
    #expect(rig.ask(pull(ranks, clock: 3)).refusals == [.notYet], "of the view that is proposed")
    #expect(rig.clock == 3 && rig.wait(30).reports.isEmpty)
    // An order in a view that is promised and not adopted.
    guard case .refusal(.malformed)? = rig.order(.digest).told.first?.message else {
      Issue.record("a server that does not stand in a view works in it")
      return
    }
    #expect(try rig.propose(5) == standing)
    #expect(rig.order(.adopt(assign(start: .held, clock: 3)), view: 4).isEmpty, "a later one is promised")
    try rig.adopt(assign(slices: 2, start: .held, clock: 3), view: 6)
    _ = rig.ask(push(ranks, ones, clock: 3))
    #expect(rig.clock == 3, "half a step's tree was forgotten")
    _ = rig.ask(push(ranks, ones, clock: 3, node: .init(level: 0, index: 1)))
    #expect(rig.clock == 4)
  }

  @Test("A proposal that comes again is answered again, and cancels nothing of the view after it")
  func proposedAgain() throws {
    let rig = try Rig.serving()
    let proposal = rig.envelope(.propose, view: 2)
    let first = rig.tell(.ordered(proposal))
    #expect(rig.tell(.ordered(proposal)).reports.count == 1 && first.reports.count == 1)
    try rig.adopt(assign(start: .held), view: 2)
    #expect(rig.order(.digest).isEmpty)
    #expect(rig.tell(.ordered(proposal)).reports.count == 1)
    #expect(rig.hasLongWork && rig.ask(pull(ranks)).rows.count == 1)
  }

  @Test("A server without an assignment, or that is not done restoring, holds nothing")
  func nothingHeld() throws {
    let rig = try Rig.welcomed()
    #expect(try rig.propose(1) == ServerStanding(view: 0))
    _ = rig.order(.adopt(restoring(1, ["a"], clock: 4)), view: 1)
    #expect(try rig.propose(2) == ServerStanding(view: 0))
    // It holds it when all is read, though nobody is told of an order that is void by now.
    #expect(rig.tell(.restored).reports.isEmpty)
    let standing = ServerStanding(view: 1, holdings: [.init(slots: whole, clock: 4, earliest: 4)])
    #expect(try rig.propose(3) == standing)
  }

  @Test(
    "Adopting a view at an earlier clock takes steps back, and they come to the same bits again", arguments: [0, 1, 2])
  func rollBack(steps back: UInt64) throws {
    let (rig, twin) = (try Rig.serving(assign(epochSteps: 3)), try Rig.serving(assign(epochSteps: 3)))
    var generator = SeededGenerator(4)
    let steps = (0..<8).map { _ in (0..<9).map { _ in Float.random(in: -1...1, using: &generator) } }
    for step in steps[..<5] { try rig.train(ranks, step) }
    for step in steps[..<5].dropLast(Int(back)) { try twin.train(ranks, step) }
    #expect(try rig.propose(2).holdings.map(\.earliest) == [3])
    try rig.adopt(assign(epochSteps: 3, start: .held, clock: 5 - back), view: 2)
    #expect(rig.clock == 5 - back)
    #expect(try rig.digests() == twin.digests() && rig.beat().totals == twin.beat().totals)
    for step in steps.dropFirst(5 - Int(back)) {
      try rig.train(ranks, step)
      try twin.train(ranks, step)
    }
    #expect(try rig.checkpoint(number: 1, since: 4) == twin.checkpoint(number: 1, since: 4))
  }

  @Test("A clock that the undo log does not reach, or slots that are not held, end the server with a sentence")
  func impossible() throws {
    for (assignment, word) in [
      (assign(start: .held, clock: 2), "knows its states from step 3 on"),
      (assign(start: .held, clock: 6), "not that of step 6"),
    ] {
      let rig = try Rig.serving()
      for _ in 0..<5 { try rig.train(ranks, ones) }
      _ = try rig.propose(2)
      let effects = rig.order(.adopt(assignment), view: 2)
      #expect(effects.error.map { "\($0)" }?.contains(word) == true, "\(effects)")
    }
    let rig = try Rig.serving(assign(of: 2))
    _ = try rig.propose(2)
    let effects = rig.order(.adopt(assign(start: .held)), view: 2)
    #expect(effects.error.map { "\($0)" }?.contains("does not hold all of them") == true)
  }

  @Test("A server that the run went on without begins anew: empty, as another incarnation, and says so")
  func excluded() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    _ = rig.hold(1, at: 1)
    var exclusion = rig.envelope(.digest, view: 3)
    exclusion.message = .refusal(.unknownMember(Rig.incarnation + 7))
    #expect(rig.tell(.ordered(exclusion)).isEmpty, "that is another")
    exclusion.message = .refusal(.unknownMember(Rig.incarnation))
    let effects = rig.tell(.ordered(exclusion))
    #expect(effects.said.count == 1 && effects.error == nil && rig.clock == nil && !rig.hasLongWork)
    #expect(
      effects.contains { if case .open(folder: nil, kept: []) = $0 { true } else { false } }
        && effects.contains { if case .connect(servers: []) = $0 { true } else { false } })
    #expect(rig.ask(pull([], clock: 1)).refusals == [.notYet])
    let question = try #require(rig.wait(0.2, hearing: false).told.first { $0.message.name == "register" })
    guard case .register(let registration) = question.message else { return }
    #expect(question.preamble.incarnation == Rig.incarnation + 1 && question.preamble.member == nil)
    #expect(registration.standing == nil)
    _ = rig.answer(question, .welcome(.server(2)))
    #expect(try rig.propose(4) == ServerStanding(view: 0))
    try rig.adopt(assign(server: 2, of: 3), view: 4)
    #expect(rig.clock == 0)
    #expect(try rig.digests().isEmpty)
  }

  @Test("What is being written when a view ends is none of the next one's checkpoint")
  func writtenLate() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    _ = rig.hold(1, at: 1)
    _ = rig.order(.write(checkpoint: 1))
    guard case .write(_, let header)? = rig.tell(.turn).first else { throw Missing() }
    let part = PartSum(header).part(at: "")
    let proposed = rig.order(.propose, view: 2)
    guard case .abandon(header)? = proposed.first, case .standing? = proposed.reports.first else { throw Missing() }
    #expect(rig.tell(.written(checkpoint: 1)).isEmpty && rig.tell(.finished(checkpoint: 1, part)).isEmpty)
    try rig.adopt(assign(start: .held, clock: 1), view: 2)
    _ = rig.hold(2, at: 1)
    _ = rig.order(.write(checkpoint: 2))
    guard case .write(let slots, _)? = rig.tell(.turn).first else { throw Missing() }
    #expect(slots.count == 2 && rig.tell(.finished(checkpoint: 1, part)).isEmpty)
    #expect(rig.tell(.written(checkpoint: 1)).isEmpty && !rig.hasLongWork)
    #expect(rig.tell(.written(checkpoint: 2)).isEmpty && rig.hasLongWork)
  }

  @Test(
    "Slots of several groups that become one, and of one that become several, keep their bits and their history",
    arguments: 1...4)
  func regrouping(seed: Int) throws {
    let tables = [describeTable(), describeTable(width: 5)]
    let maps = try [
      [(0, 5000, [0]), (5000, 3000, [1, 0]), (8000, 4000, [0, 1]), (12_000, 4384, [1])],
      [(0, 8000, [0]), (8000, 8384, [1])], [(0, 8000, [0]), (8000, 8384, [1, 0])],
      [(0, 2000, [0]), (2000, 3000, [0, 1]), (5000, 3000, [0]), (8000, 4000, [0, 1]), (12_000, 4384, [1])],
    ].map { try SlotMap(runs: $0.map { SlotMap.Run(first: $0.0, count: $0.1, homes: $0.2) }) }
    // A view may only deal what is held: each map asks for more homes than the one before has at times, so it begins anew.
    for (before, after) in [(0, 1), (2, 1), (3, 1), (0, 0), (3, 3)] {
      let reference = try Reference(tables)
      let play = try ServerPlay(maps[before], servers: 2, seed: seed)
      let pool = crowdedRanks(150, slots: 160, using: &play.generator)
      try play.begin(tables: tables)
      var steps: [[Step]] = []
      func train(_ clock: UInt64) {
        if clock == steps.count {
          steps.append(tables.map { Step.random(pool, width: $0.width, using: &play.generator) })
          for table in 1..<tables.count {
            (steps[Int(clock)][table].samples, steps[Int(clock)][table].lossSum) = (
              steps[Int(clock)][0].samples, steps[Int(clock)][0].lossSum
            )
          }
        }
        for (table, step) in steps[Int(clock)].enumerated() {
          _ = play.push(step, clock: clock, table: table, width: tables[table].width)
        }
      }
      for clock: UInt64 in 0..<6 {
        train(clock)
        play.run()
      }
      // One server is ahead.
      steps.append(tables.map { Step.random(pool, width: $0.width, using: &play.generator) })
      (steps[6][1].samples, steps[6][1].lossSum) = (steps[6][0].samples, steps[6][0].lossSum)
      for (table, step) in steps[6].enumerated() {
        for group in play.slots.groups where group.first == 0 {
          _ = play.ask(
            play.part(step, of: group, clock: 6, table: table, width: tables[table].width), of: 0)
        }
      }
      let standings = try play.change(to: maps[after], tables: tables)
      #expect(standings[0].holdings.map(\.slots) == play.held(by: 0, in: maps[before]))
      #expect(play.clocks == [6, 6])
      for clock: UInt64 in 6..<9 {
        train(clock)
        play.run()
      }
      // Undo works on what was regrouped.
      try play.change(tables: tables)
      train(9)
      play.run()
      for step in steps { for (table, part) in step.enumerated() { reference.push(part, table: table) } }
      #expect(play.clocks == [10, 10] && reference.rig.clock == 10)
      #expect(try play.digests() == reference.rig.digests())
      #expect(try play.checkpoint(number: 1) == reference.rig.checkpoint(number: 1))
      #expect(try play.checkpoint(number: 2, since: 7) == reference.rig.checkpoint(number: 2, since: 7))
      #expect(Set(try (play.rigs + [reference.rig]).map { try $0.beat().totals }).count == 1)
    }
  }
}

extension ServerPlay {
  /// The groups that a server is a home of, as it says what it holds.
  func held(by server: Int, in map: SlotMap) -> [[Range<Int>]] {
    map.groups.filter { $0.homes.contains(server) }.map(\.slots).sorted { $0[0].lowerBound < $1[0].lowerBound }
  }
}
