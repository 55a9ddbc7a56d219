import Sharding
import Testing

@testable import ParamServer

@Suite("Undoing steps")
struct UndoTests {
  static let rules: [OptimizerDescription.Rule] = [
    .sgd, .momentum(beta: 0.9), .adagrad(epsilon: 1e-6), .rmsProp(decay: 0.9, epsilon: 1e-6),
    .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01), .ftrl(beta: 1, l1: 0.01, l2: 0.1),
  ]

  private func describe(_ rule: Int, admission: Int?, eviction: Int = 0, pool: [UInt64]) -> TableDescription {
    var table = describeTable(width: 4)
    table.optimizer = OptimizerDescription(Self.rules[rule], learningRate: 0.1, warmUp: 5)
    table.admission = admission.map { .init(sightings: $0, alwaysAdmitted: Array(pool.prefix(5))) }
    table.eviction = .sample(eviction)
    return table
  }

  @Test(
    "After rolling back, everything is as it was, and steps applied again come to the same bits",
    arguments: rules.indices, [nil, 1, 3])
  func rollBack(rule: Int, admission: Int?) throws {
    for eviction in 0..<4 { try rollBack(rule, admission, eviction) }
  }

  private func rollBack(_ rule: Int, _ admission: Int?, _ eviction: Int) throws {
    var generator = SeededGenerator(rule * 10 + (admission ?? 0))
    let pool = crowdedRanks(150, slots: 8, using: &generator)
    let depth = 3
    let description = describe(rule, admission: admission, eviction: eviction, pool: pool)
    var table = try Table(description, number: 1, seed: 4, undoDepth: depth)
    var plain = try Table(description, number: 1, seed: 4)
    var went = 0
    var states = [table.state]
    var reads = [table.read(pool)]
    var steps: [Step] = []
    for _ in 0..<60 {
      let back = Int.random(in: 0...min(depth, steps.count, table.log.steps.count), using: &generator)
      let clock = steps.count - back
      for past in clock...steps.count {
        #expect(try table.read(pool, at: UInt64(past)).map(\.bitPattern) == reads[past].map(\.bitPattern))
      }
      try table.rollBack(to: UInt64(clock))
      #expect(table.state == states[clock])
      #expect(table.read(pool).map(\.bitPattern) == reads[clock].map(\.bitPattern))
      // Half of the undone steps are taken again, the others are others.
      let again = Bool.random(using: &generator) ? Array(steps[clock...]) : []
      steps.removeLast(back)
      states.removeLast(back)
      reads.removeLast(back)
      for step in again + [Step.random(pool, width: table.gradientWidth, using: &generator)] {
        table.apply(step)
        went += table.log.steps.last!.evicted
        steps.append(step)
        states.append(table.state)
        reads.append(table.read(pool))
      }
    }
    for step in steps { plain.apply(step) }
    #expect(plain.state == table.state && plain.log.bytes == 0)
    #expect(eviction == 0 || went > 0, "\(went) rows went")
  }

  @Test("Rows of an earlier state are read as they were, a subset of them and in zeros too")
  func subset() throws {
    var generator = SeededGenerator(7)
    let pool = crowdedRanks(400, slots: 40, using: &generator)
    var table = try Table(describe(4, admission: nil, pool: pool), number: 1, seed: 4, undoDepth: 8)
    var expected: [([UInt64], [Float], [Float])] = []
    for _ in 0..<8 {
      let some = pool.filter { _ in Int.random(in: 0..<5, using: &generator) == 0 }
      expected.append((some, table.read(some), table.read(some, absent: .zeros)))
      table.apply(.random(pool, width: 4, using: &generator))
    }
    for (clock, (some, starts, zeros)) in expected.enumerated() {
      #expect(try table.read(some, at: UInt64(clock)) == starts)
      #expect(try table.read(some, at: UInt64(clock), absent: .zeros) == zeros)
      #expect(try table.read([], at: UInt64(clock)).isEmpty)
    }
  }

  @Test(
    "Beyond the depth there is an error that says from where states are known, and nothing changes", arguments: 0...3)
  func tooFar(depth: Int) throws {
    var table = try Table(describeTable(), number: 0, seed: 1, clock: 10, undoDepth: depth)
    for _ in 0..<5 { table.apply([5], [1, 1, 1]) }
    let state = table.state
    #expect(table.earliestClock == UInt64(15 - depth))
    for clock in [0, UInt64(14 - depth), 16, .max] {
      let error = UndoError(table: "sparse", wanted: clock, earliest: UInt64(15 - depth), clock: 15)
      do throws(UndoError) {
        try table.rollBack(to: clock)
        Issue.record("went back to \(clock)")
      } catch let thrown { #expect(thrown == error) }
      do throws(UndoError) {
        _ = try table.read([5], at: clock)
        Issue.record("read \(clock)")
      } catch let thrown { #expect(thrown == error) }
    }
    #expect(table.state == state)
    try table.rollBack(to: UInt64(15 - depth))
    #expect(table.clock == UInt64(15 - depth))
  }

  @Test("When a slot changed last is undone too: it has changed since what was written before, and no more")
  func changes() throws {
    var table = try Table(describeTable(), number: 0, seed: 1, undoDepth: 3)
    let slot = Rank.slot(of: 5)
    for _ in 0..<3 { table.apply([5], [1, 1, 1]) }
    #expect(table.slots(changedSince: 2) == [slot])
    try table.rollBack(to: 2)
    #expect(table.slots(changedSince: 2).isEmpty && table.slots(changedSince: 1) == [slot])
    try table.rollBack(to: 0)
    #expect(table.slots.isEmpty && table.changes[slot] == 0)
  }

  @Test("The log's memory is used again")
  func memory() throws {
    var table = try Table(describeTable(), number: 0, seed: 1, undoDepth: 2)
    let ranks = (0..<1000).map { UInt64($0) << 52 }
    let values = [Float](repeating: 1, count: 3000)
    for _ in 0..<4 { table.apply(ranks, values) }
    let bytes = table.bytes
    for _ in 0..<4 {
      for _ in 0..<4 { table.apply(ranks, values) }
      try table.rollBack(to: table.clock - 2)
    }
    #expect(table.bytes == bytes)
    table.forgetHistory()
    #expect(table.earliestClock == table.clock)
  }
}
