import ParamServer
import Sharding
import Testing
import Wire

@Suite("What a server answers workers")
struct ServingTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)

  @Test("A pull waits for the steps before it, is answered once they are applied, and once only")
  func parkedPull() throws {
    let rig = try Rig.serving(assign(slices: 2))
    let before = rig.ask(pull(ranks)).rows
    let early = rig.question(pull(ranks, clock: 1), from: 1)
    #expect(rig.receive(early, along: 9).isEmpty)
    #expect(rig.receive(early, along: 9).isEmpty, "a repetition waits with it")
    #expect(rig.ask(pull(ranks, clock: 2), from: 2).isEmpty)
    #expect(rig.parkedPulls == 2)
    #expect(rig.ask(push(ranks, ones, node: .init(level: 0, index: 1))).answers.map(\.name) == ["pushed"])
    let effects = rig.ask(push(ranks, ones, node: .init(level: 0, index: 0)))
    #expect(effects.answers.map(\.name) == ["pushed", "rows"])
    let answer = try #require(effects.sent.last)
    #expect(answer.route == Route(bytes: [9]) && answer.envelope.preamble.request == early.preamble.request)
    #expect(effects.rows[0].count == 9 && effects.rows != before)
    #expect(rig.parkedPulls == 1 && rig.clock == 1)
    #expect(rig.ask(push(ranks, ones, clock: 1, node: .init(level: 1, index: 0))).answers.count == 2)
  }

  @Test("A worker that speaks along another route is answered along it, for what it asked before too")
  func otherRoute() throws {
    let rig = try Rig.serving()
    #expect(rig.receive(rig.question(pull(ranks, clock: 1), from: 1), along: 8).isEmpty)
    _ = rig.receive(rig.question(pull(ranks), from: 1), along: 9)
    #expect(try rig.train(ranks, ones).sent.last?.route == Route(bytes: [9]))
  }

  @Test("A repeated pull is answered again with the same bits, while the step after it is applied")
  func repeatedPull() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    let question = rig.question(pull(ranks + [rank(9000)], clock: 1))
    let answer = rig.receive(question).rows
    #expect(rig.receive(question).rows == answer)
    for _ in 0..<2 {
      try rig.train([ranks[0], rank(9000)], [Float](repeating: 2, count: 6))
      #expect(rig.receive(question).rows == answer)
    }
    #expect(rig.ask(pull(ranks + [rank(9000)], clock: 3)).rows != answer)
  }

  @Test("What lies further back than the undo log is gone, and says so")
  func gone() throws {
    let rig = try Rig.serving()
    let question = rig.question(pull(ranks))
    #expect(rig.receive(question).refusals.isEmpty)
    for _ in 0..<3 { try rig.train(ranks, ones) }
    #expect(rig.receive(question).refusals == [.gone])
    #expect(rig.ask(pull(ranks, clock: 1)).refusals.isEmpty)
  }

  @Test("A key without a row reads as its start in training, as zeros in scoring, and no pull makes it a row")
  func absent() throws {
    let rig = try Rig.serving()
    let start = rig.ask(pull(ranks)).rows
    #expect(start[0].contains { $0 != 0 })
    #expect(rig.ask(pull(ranks, purpose: .scoring)).rows == [[UInt32](repeating: 0, count: 9)])
    #expect(rig.ask(pull(ranks)).rows == start)
    #expect(try rig.beat().load?.tables.map(\.rows) == [0])
    #expect(try rig.digests().isEmpty && rig.checkpoint(number: 1).isEmpty)
  }

  @Test("A push that repeats a step already applied is acknowledged and changes nothing", arguments: [1, 2, 7])
  func duplicatePush(slices: Int) throws {
    let rig = try Rig.serving(assign(slices: slices))
    let question = rig.question(push(ranks, ones, node: .root(of: slices)))
    #expect(rig.receive(question).answers.map(\.name) == ["pushed"])
    let state = try rig.state()
    #expect(rig.receive(question).answers.map(\.name) == ["pushed"])
    #expect(rig.ask(push(ranks, ones, node: .root(of: slices)), from: 1).answers.map(\.name) == ["pushed"])
    #expect(try rig.state() == state)
  }

  @Test("Slices that were pushed already do not count twice, alone or below a node")
  func overlappingPush() throws {
    let (rig, twin) = (try Rig.serving(assign(slices: 4)), try Rig.serving(assign(slices: 4)))
    let left = push(ranks, ones, node: .init(level: 1, index: 0))
    let right = push(ranks, ones, node: .init(level: 1, index: 1))
    let again = rig.question(left)
    for _ in 0..<2 { #expect(rig.receive(again).answers.map(\.name) == ["pushed"]) }
    #expect(rig.ask(push(ranks, ones, node: .init(level: 0, index: 1)), from: 1).answers.map(\.name) == ["pushed"])
    #expect(rig.clock == 0)
    _ = rig.ask(right)
    for message in [left, right] { _ = twin.ask(message) }
    #expect(rig.clock == 1)
    #expect(try rig.state() == twin.state())
    #expect(try rig.checkpoint(number: 1) == twin.checkpoint(number: 1))
  }

  @Test("Parts come in any order and any number of times, but what they hold ascends")
  func parts() throws {
    let rig = try Rig.serving()
    let ones = [Float](repeating: 1, count: 3)
    #expect(rig.ask(push([ranks[2]], ones, part: 1, parts: 2)).refusals.isEmpty)
    #expect(rig.ask(push([ranks[2]], ones, part: 0, parts: 2)).refusals.count == 1)
    for _ in 0..<2 { #expect(rig.ask(push([ranks[2]], ones, part: 1, parts: 3)).refusals.isEmpty) }
    #expect(rig.ask(push([], [], part: 2, parts: 3)).refusals.isEmpty)
    #expect(rig.clock == 0)
    #expect(rig.ask(push([ranks[1]], ones, part: 0, parts: 3)).refusals.isEmpty)
    #expect(rig.clock == 1)
    let twin = try Rig.serving()
    try twin.train([ranks[1], ranks[2]], ones + ones)
    #expect(try rig.state() == twin.state())
  }

  @Test("A step is applied when every table has all its slices, and counts once")
  func tables() throws {
    let rig = try Rig.serving(assign(tables: [describeTable(), describeTable(width: 5)], epochSteps: 2))
    #expect(rig.ask(pull([], clock: 1, table: 1), from: 1).isEmpty)
    #expect(rig.ask(push([], [], samples: 6, table: 0)).answers.count == 1)
    #expect(rig.clock == 0)
    #expect(rig.ask(push([], [], samples: 6, table: 1)).answers.count == 2)
    #expect(rig.clock == 1)
    #expect(try rig.beat().totals == StepTotals(rows: 6, lossSum: 0.5))
  }

  @Test("A step without samples applies nothing but counts")
  func emptyStep() throws {
    let rig = try Rig.serving()
    #expect(rig.ask(push([], [], samples: 0, lossSum: 0)).answers.map(\.name) == ["pushed"])
    #expect(rig.clock == 1)
    #expect(try rig.digests().isEmpty)
  }

  @Test("A server says which step it collects, and which slices it waits for")
  func activity() throws {
    let rig = try Rig.serving(assign(slices: 3))
    try rig.train(ranks, ones, slices: 3)
    _ = rig.ask(push([], [], clock: 1, node: .init(level: 0, index: 1)))
    let beat = try rig.beat()
    #expect(beat.activity == Activity(.collecting, step: 1, slices: [0, 2]))
    #expect(beat.clock == 1 && beat.done == 1)
  }

  /// Trains 20 steps on `servers` servers; returns all parameters' bits.
  private func train(servers: Int, workers: Int) throws -> [[UInt32]] {
    var generator = SeededGenerator(4)
    var order = SeededGenerator(servers * 10 + workers)
    let slices = 6
    let pool = crowdedRanks(120, slots: 160, using: &generator)
    let owners = SlotMap(servers: servers).owners()
    let rigs = try (0..<servers).map { try Rig.serving(assign(server: $0, of: servers, slices: slices)) }
    for step in 0..<20 {
      let steps = (0..<slices).map { _ in Step.random(pool, width: 3, using: &generator) }
      for worker in 0..<workers {
        let owned = (0..<slices).filter { $0 % workers == worker }
        for slice in owned.shuffled(using: &order) {
          // Slices one by one: what is summed before it is pushed is the worker's to prove.
          let all = steps[slice]
          for server in rigs.indices {
            let places = all.ranks.indices.filter { Int(owners[Rank.slot(of: all.ranks[$0])]) == server }
            let message = push(
              all.samples == 0 ? [] : places.map { all.ranks[$0] },
              all.samples == 0 ? [] : places.flatMap { all.values[$0 * 3..<$0 * 3 + 3] }, clock: UInt64(step),
              node: .init(level: 0, index: slice), samples: all.samples, lossSum: all.lossSum, group: server)
            #expect(rigs[server].ask(message, from: worker).refusals.isEmpty)
          }
        }
      }
    }
    #expect(Set(try rigs.map { try $0.beat().totals }).count == 1, "all servers count the same")
    return pool.map { rank in
      let server = Int(owners[Rank.slot(of: rank)])
      return rigs[server].ask(pull([rank], clock: 20, group: server)).rows[0]
    }
  }

  @Test(
    "Parameters are the same bit for bit on any number of servers, whoever pushes", arguments: [1, 2, 3], [1, 2, 3])
  func sameOnAnyServers(servers: Int, workers: Int) throws {
    #expect(try train(servers: servers, workers: workers) == train(servers: 1, workers: 1))
  }
}
