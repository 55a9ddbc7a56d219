import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

@Suite("Reads that are some steps behind")
struct LagTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]

  private func values(_ step: UInt64) -> [Float] { (0..<9).map { Float((step + $0 * 7) % 11) - 5 } }

  /// A server's rows at each of some clocks, as it comes to them.
  private func history(_ steps: UInt64) throws -> [[[UInt32]]] {
    let rig = try Rig.serving()
    var history = [rig.ask(pull(ranks)).rows]
    for step in 0..<steps {
      try rig.train(ranks, values(step))
      history.append(rig.ask(pull(ranks, clock: step + 1)).rows)
    }
    return history
  }

  @Test("Pushes may be ahead by the lag, in any order, and are applied in theirs", arguments: [1, 3], 1...4)
  func ahead(lag: UInt64, seed: Int) throws {
    var generator = SeededGenerator(seed)
    let rig = try Rig.serving(assign(slices: 2, lag: Int(lag)))
    var waiting = (0..<UInt64(12)).flatMap { step in (0..<2).map { (step: step, slice: $0) } }
    while !waiting.isEmpty {
      let clock = try #require(rig.clock)
      let place = waiting.indices.filter { waiting[$0].step <= clock + lag + 1 }.randomElement(using: &generator)!
      let (step, slice) = waiting[place]
      let message = push(
        ranks, values(step).map { $0 / 2 }, clock: step, node: .init(level: 0, index: slice), samples: 1, lossSum: 0.25)
      let refusals = rig.ask(message).refusals
      if step > clock + lag {
        #expect(refusals == [.notYet])
      } else {
        #expect(refusals.isEmpty)
        waiting.remove(at: place)
      }
    }
    #expect(rig.clock == 12)
    #expect(try rig.beat().totals == StepTotals(rows: 24, lossSum: 6))
    let twin = try Rig.serving(assign(slices: 2))
    for step in 0..<UInt64(12) {
      for slice in 0..<2 {
        _ = twin.ask(
          push(
            ranks, values(step).map { $0 / 2 }, clock: step, node: .init(level: 0, index: slice), samples: 1,
            lossSum: 0.25))
      }
    }
    #expect(try rig.digests() == twin.digests())
  }

  @Test("A server answers for as many states as the lag and a change of view may ask for", arguments: [0, 1, 3])
  func behind(lag: Int) throws {
    let rig = try Rig.serving(assign(lag: lag))
    let history = try history(12)
    for step in 0..<UInt64(12) { try rig.train(ranks, values(step)) }
    let depth = UInt64(2 * lag + 2)
    for clock in 12 - depth...12 { #expect(rig.ask(pull(ranks, clock: clock)).rows == history[Int(clock)]) }
    #expect(rig.ask(pull(ranks, clock: 11 - depth)).refusals == [.gone])
    #expect(try rig.propose(2).holdings.map(\.earliest) == [12 - depth])
    // Whoever is furthest ahead goes back, and is asked for what was read by the steps that are made again.
    let clock = 12 - UInt64(lag) - 2
    try rig.adopt(assign(lag: lag, start: .held, clock: clock), view: 2)
    for past in clock - UInt64(lag)...clock { #expect(rig.ask(pull(ranks, clock: past)).rows == history[Int(past)]) }
  }

  @Test("Homes follow each other with a lag as without one, over a network that loses", arguments: 1...4)
  func homes(seed: Int) throws {
    let lag = 2
    let play = try ServerPlay(SlotMap(servers: 2, replicas: 1), servers: 2, seed: seed)
    let reference = try Reference()
    let pool = crowdedRanks(100, slots: 160, using: &play.generator)
    let steps = (0..<20).map { _ in Step.random(pool, width: 3, using: &play.generator) }
    try play.begin(lag: lag)
    play.loss = 0.3
    for step in steps { reference.push(step) }
    // Each group is pushed as far ahead as it may be.
    var next = [0, 0]
    while play.clocks.contains(where: { $0 < 20 }) {
      for group in play.slots.groups {
        let clock = play.clocks[group.first]
        while next[group.number] < 20, UInt64(next[group.number]) <= clock + UInt64(lag) {
          let message = play.part(steps[next[group.number]], of: group, clock: UInt64(next[group.number]))
          guard play.ask(message, of: group.first).refusals.isEmpty else { break }
          next[group.number] += 1
        }
      }
      play.run(rounds: Int.random(in: 1..<20, using: &play.generator))
    }
    play.run()
    #expect(try play.digests() == reference.rig.digests())
    try play.change(to: SlotMap(servers: [1, 0], replicas: 1), lag: lag)
    #expect(play.clocks == [20, 20])
    #expect(try play.digests() == reference.rig.digests())
  }
}
