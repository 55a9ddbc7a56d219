import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

@Suite("Slots that gain a home")
struct FillTests {
  private static let depth: UInt64 = 2

  /// Server 0 holds everything but what server 1 does; server 2 holds one slot.
  private static func map() throws -> SlotMap {
    try SlotMap(runs: [
      .init(first: 0, count: 6000, homes: [0]), .init(first: 6000, count: 6000, homes: [0, 1]),
      .init(first: 12_000, count: 4383, homes: [0]), .init(first: 16_383, count: 1, homes: [2]),
    ])
  }

  private static let ordered = [0..<3000, 5000..<9000]

  /// The map after it: server 2 is first for what was copied to it.
  private static func mapAfter() throws -> SlotMap {
    try SlotMap(runs: [
      .init(first: 0, count: 3000, homes: [2, 0]), .init(first: 3000, count: 2000, homes: [0]),
      .init(first: 5000, count: 1000, homes: [2]), .init(first: 6000, count: 3000, homes: [0, 2]),
      .init(first: 9000, count: 3000, homes: [1, 0]), .init(first: 12_000, count: 4383, homes: [0]),
      .init(first: 16_383, count: 1, homes: [2]),
    ])
  }

  private func isFilled(_ reports: [ServerReport]) -> Bool {
    reports.count == 1 && reports.contains { if case .filled = $0 { true } else { false } }
  }

  @Test(
    "A copy made while training goes on, over a network that loses and doubles, is what the giver holds to the bit",
    arguments: 1...6)
  func underTraining(seed: Int) throws {
    let play = try ServerPlay(try Self.map(), servers: 3, seed: seed)
    let pool = crowdedRanks(250, slots: 160, using: &play.generator)
    var tables = [describeTable(), describeTable(width: 7)]
    if seed % 2 == 0 { tables[0].admission = .init(sightings: 3, alwaysAdmitted: Array(pool.prefix(20))) }
    let reference = try Reference(tables)
    try play.begin(tables: tables)
    play.loss = seed % 3 == 0 ? 0 : 0.3
    var clock: UInt64 = 0
    func train(_ rounds: Int = 4000) {
      for (table, description) in tables.enumerated() {
        var step = Step.random(pool, width: description.width, using: &play.generator)
        (step.samples, step.lossSum) = (clock % 5 == 4 ? 0 : 10 + clock, clock % 5 == 4 ? 0 : 3)
        reference.push(step, table: table)
        for group in play.slots.groups {
          let message = play.part(step, of: group, clock: clock, table: table, width: description.width)
          // Whoever is told that it is too early asks again, as a worker would.
          while !play.ask(message, of: group.first).refusals.isEmpty { play.run(rounds: 40) }
        }
      }
      clock += 1
      play.run(rounds: rounds) { play.clocks == [clock, clock, clock] }
      #expect(play.clocks == [clock, clock, clock])
    }
    for _ in 0..<4 { train() }
    play.order(.fill(FillOrder(slots: Self.ordered, to: 2)), of: 0)
    #expect(play.rigs[0].hasLongWork)
    var steps = 0
    var reports: [ServerReport] = []
    while reports.isEmpty, steps < 30 {
      train()
      play.run(rounds: 30)
      steps += 1
      reports += play.reports(of: 0)
    }
    #expect(isFilled(reports) && steps >= Int(Self.depth))
    for _ in 0..<3 { train() }
    play.run()
    let standings = try play.change(to: try Self.mapAfter(), tables: tables)
    #expect(standings[0].filled == [FillOrder(slots: Self.ordered, to: 2)])
    let copies = try #require(standings[2].copies[0])
    #expect(copies.allSatisfy { $0.clock == clock && $0.earliest <= clock - Self.depth })
    #expect(standings[2].copies.count == 1 && standings[1].copies.isEmpty)
    #expect(try play.digests() == reference.rig.digests())
    #expect(try play.checkpoint(number: 1) == reference.rig.checkpoint(number: 1))
    for _ in 0..<3 { train() }
    play.run()
    #expect(try play.checkpoint(number: 2, since: clock - 2) == reference.rig.checkpoint(number: 2, since: clock - 2))
  }

  /// A play in which server 0 has trained some steps, and copies one slot of two to server 1.
  private func oneSlot(_ slots: [Range<Int>] = [0..<8000]) throws -> ServerPlay {
    let play = try ServerPlay(
      try SlotMap(runs: [.init(first: 0, count: 16_383, homes: [0]), .init(first: 16_383, count: 1, homes: [1])]),
      servers: 2)
    try play.begin()
    for clock: UInt64 in 0..<3 { step(play, clock) }
    play.order(.fill(FillOrder(slots: slots, to: 1)), of: 0)
    return play
  }

  private let ranks = [rank(3), rank(3, 9), rank(9000)]

  private func step(_ play: ServerPlay, _ clock: UInt64) {
    _ = play.push(Step(ranks: ranks, values: [Float](repeating: 0.5, count: 9), samples: 1, lossSum: 0.5), clock: clock)
  }

  @Test("From the first copy on the giver waits for whoever it is made for, as for a home")
  func waiting() throws {
    let play = try oneSlot()
    play.perform(play.rigs[0].tell(.turn), of: 0)
    let first = try #require(play.take { $0.envelope.message.name == "copy" })
    let copy = try #require(play.take { $0.envelope.message.name == "copy" })
    #expect(play.parcels.isEmpty, "one slot that has rows is in the order, and the first, with which the table begins")
    #expect(!play.rigs[0].hasLongWork)
    step(play, 3)
    #expect(play.clocks[0] == 3 && play.parcels.isEmpty, "the copy it would be applied to has not arrived")
    #expect(try play.rigs[0].beat().activity.waitsFor == [.server(1)])
    for _ in 0..<2 { play.deliver(copy) }
    play.deliver(try #require(play.take()))
    #expect(play.clocks[0] == 3)
    _ = play.take()
    play.deliver(first)
    play.deliver(try #require(play.take()))
    #expect(play.clocks[0] == 4, "its root is on its way")
    let root = try #require(play.take { $0.envelope.message.name == "push" })
    guard case .push(let push) = root.envelope.message else { return }
    #expect(push.count == 2 && push.samples == 1, "what is not copied is not sent")
    step(play, 4)
    #expect(play.clocks[0] == 4, "the step before is not applied there")
    play.deliver(root)
    play.deliver(copy)
    play.run()
    #expect(play.clocks[0] == 5 && isFilled(play.reports(of: 0)))
    let standing = try play.rigs[1].propose(2)
    #expect(standing.copies[0]?.map(\.clock) == [5] && standing.copies[0]?.map(\.earliest) == [3])
  }

  @Test("A copy is reported when as many steps have gone through it as can be undone, and not before")
  func depth() throws {
    let play = try oneSlot()
    play.run()
    #expect(play.reports(of: 0).isEmpty && !play.rigs[0].hasLongWork)
    for clock: UInt64 in 3..<3 + Self.depth {
      #expect(play.reports(of: 0).isEmpty)
      step(play, clock)
      play.run()
    }
    #expect(isFilled(play.reports(of: 0)))
  }

  @Test("Slots without rows are copied too: the first rows that they get are there as well")
  func emptySlots() throws {
    let play = try oneSlot([10..<20])
    for clock: UInt64 in 3..<6 {
      play.run()
      _ = play.push(
        Step(ranks: [rank(12), rank(50)], values: [1, 1, 1, 1, 1, 1], samples: 1, lossSum: 0.5), clock: clock)
    }
    play.run()
    #expect(isFilled(play.reports(of: 0)))
    let digests = try play.digests()
    try play.change(
      to: SlotMap(runs: [
        .init(first: 0, count: 10, homes: [0]), .init(first: 10, count: 10, homes: [1]),
        .init(first: 20, count: 16_363, homes: [0]), .init(first: 16_383, count: 1, homes: [1]),
      ]))
    #expect(try play.digests() == digests && play.rigs[1].digests().map(\.slot) == [12])
  }

  @Test("A slot larger than a message is copied in parts, in any order and however often they come")
  func parts() throws {
    let wide = describeTable(width: 1 << 17)
    let play = try ServerPlay(
      try SlotMap(runs: [.init(first: 0, count: 16_383, homes: [0]), .init(first: 16_383, count: 1, homes: [1])]),
      servers: 2)
    try play.begin(tables: [wide])
    for clock: UInt64 in 0..<2 {
      _ = play.push(
        Step(ranks: [rank(3), rank(4)], values: [Float](repeating: 1, count: 2 << 17), samples: 1), clock: clock,
        width: 1 << 17)
    }
    play.order(.fill(FillOrder(slots: [0..<100], to: 1)), of: 0)
    play.perform(play.rigs[0].tell(.turn), of: 0)
    var copies: [ServerPlay.Parcel] = []
    while let copy = play.take() { copies.append(copy) }
    #expect(copies.count > 1)
    for copy in copies.reversed() + copies { play.deliver(copy) }
    for clock: UInt64 in 2..<5 {
      play.run()
      _ = play.push(
        Step(ranks: [rank(3)], values: [Float](repeating: 1, count: 1 << 17), samples: 1), clock: clock, width: 1 << 17)
    }
    play.run()
    #expect(isFilled(play.reports(of: 0)))
    let digests = try play.digests()
    let after = try SlotMap(runs: [
      .init(first: 0, count: 100, homes: [1]), .init(first: 100, count: 16_283, homes: [0]),
      .init(first: 16_383, count: 1, homes: [1]),
    ])
    try play.change(to: after, tables: [wide])
    #expect(try play.digests() == digests && play.rigs[1].digests().count == 2)
  }

  @Test("A copy gets done though steps follow each other as fast as they can", arguments: [0, 1, 3])
  func steadyStream(lag: Int) throws {
    // A row with its optimizer's state is most of what a turn copies.
    let wide = describeTable(width: 1 << 16)
    let play = try ServerPlay(
      try SlotMap(runs: [.init(first: 0, count: 16_383, homes: [0]), .init(first: 16_383, count: 1, homes: [1])]),
      servers: 2)
    try play.begin(tables: [wide], lag: lag)
    let ranks = (0..<6).map { rank($0 * 10) }
    let all = Step(ranks: ranks, values: [Float](repeating: 1, count: 6 << 16), samples: 1)
    _ = play.push(all, clock: 0, width: 1 << 16)
    play.order(.fill(FillOrder(slots: [0..<100], to: 1)), of: 0)
    play.perform(play.rigs[0].tell(.turn), of: 0)
    var step: UInt64 = 1
    for _ in 0..<80 {
      // All that may be ahead is there before anything is answered.
      while step <= play.clocks[0] + UInt64(lag) {
        _ = play.push(Step(samples: 1), clock: step, width: 1 << 16)
        step += 1
      }
      if let parcel = play.take() { play.deliver(parcel) }
      if play.rigs[0].hasLongWork { play.perform(play.rigs[0].tell(.turn), of: 0) }
    }
    let reports = play.reports(of: 0)
    #expect(isFilled(reports) && step > 5)
  }

  @Test("A proposal drops a copy that is under way: it is not reported, and counts for nothing after the next view")
  func dropped() throws {
    let play = try oneSlot()
    play.run()
    let standings = try play.change()
    #expect(standings[0].filled.isEmpty && standings[1].copies[0]?.map(\.slots) == [[0..<16_383]])
    for clock: UInt64 in 3..<8 {
      step(play, clock)
      play.run()
    }
    #expect(play.reports(of: 0).allSatisfy { if case .filled = $0 { false } else { true } })
    #expect(try play.rigs[1].propose(9).copies.isEmpty)
  }

  @Test(
    "Slots of another server, or for one that has them or is not there, cannot be copied, and nothing waits for it",
    arguments: [
      ([0..<10], 0), ([0..<10], 7), ([16_383..<16_384], 1), ([6000..<6010], 1), ([0..<6010], 1), ([], 1),
      ([0..<20_000], 1), ([-5..<3], 2),
    ])
  func refused(slots: [Range<Int>], server: Int) throws {
    let play = try ServerPlay(try Self.map(), servers: 3)
    try play.begin()
    guard
      case .refusal(.malformed)? = play.rigs[0].order(.fill(FillOrder(slots: slots, to: server))).told.first?.message
    else {
      Issue.record("an order to copy \(slots) to \(server)")
      return
    }
    _ = play.push(Step(samples: 1), clock: 0)
    #expect(!play.rigs[0].hasLongWork && play.clocks[0] == 1)
  }
}
