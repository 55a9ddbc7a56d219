import Sharding
import Testing

@testable import ParamServer

@Suite("Slots that change tables")
struct RegroupingTests {
  private static let width = 4

  /// A table, and how the slots are dealt to it and others.
  private struct Fixture {
    let description: TableDescription
    let pool: [UInt64]
    let depth: Int
    var generator: SeededGenerator

    init(seed: Int, depth: Int) {
      generator = SeededGenerator(seed)
      self.depth = depth
      pool = crowdedRanks(200, slots: 12, using: &generator)
      var description = describeTable(width: RegroupingTests.width)
      if seed % 2 == 0 { description.admission = .init(sightings: 3, alwaysAdmitted: Array(pool.prefix(20))) }
      self.description = description
    }

    func table(clock: UInt64 = 0, totals: StepTotals = StepTotals()) throws -> Table {
      try Table(description, number: 1, seed: 4, clock: clock, totals: totals, undoDepth: depth)
    }

    mutating func step() -> Step { .random(pool, width: RegroupingTests.width, using: &generator) }
  }

  /// What a step has for some slots: gradients of others go elsewhere, samples and losses count everywhere.
  private func part(_ step: Step, of slots: [Range<Int>]) -> Step {
    let wanted = SlotSet(slots)
    let places = step.ranks.indices.filter { wanted.contains(Rank.slot(of: step.ranks[$0])) }
    var part = step
    part.ranks = places.map { step.ranks[$0] }
    part.values = places.flatMap { step.values[$0 * Self.width..<($0 + 1) * Self.width] }
    part.sightings = Sightings()
    for (rank, count) in zip(step.sightings.ranks, step.sightings.counts) where wanted.contains(Rank.slot(of: rank)) {
      part.sightings.append(rank: rank, count: count)
    }
    return part
  }

  @Test(
    "Tables that are merged, or split, are to the bit what one is that never moved: as they are, as they were, and undone",
    arguments: 1...6, [2, 8])
  func mergeAndSplit(seed: Int, depth: Int) throws {
    var fixture = Fixture(seed: seed, depth: depth)
    let (low, high) = ([0..<350, 600..<820], [350..<600, 820..<Rank.slots])
    var whole = try fixture.table()
    var left = try fixture.table()
    var right = try fixture.table()
    // Six steps apart, six together, six apart again but otherwise.
    for _ in 0..<6 {
      let step = fixture.step()
      whole.apply(step)
      left.apply(part(step, of: low))
      right.apply(part(step, of: high))
    }
    var merged = try fixture.table(clock: whole.clock, totals: whole.totals)
    merged.takeHistory([(left.log, low), (right.log, high)])
    merged.take(low, from: &left)
    merged.take(high, from: &right)
    #expect(left.slots.isEmpty && right.rowCount == 0 && left.candidateCount == 0)
    try expectSame(merged, whole, fixture.pool)
    for _ in 0..<2 {
      let clock = whole.earliestClock
      try merged.rollBack(to: clock)
      try whole.rollBack(to: clock)
      try expectSame(merged, whole, fixture.pool)
      for _ in 0..<depth + 1 {
        let step = fixture.step()
        whole.apply(step)
        merged.apply(step)
      }
      try expectSame(merged, whole, fixture.pool)
    }
    let (front, back) = ([0..<500], [500..<Rank.slots])
    var first = try fixture.table(clock: merged.clock, totals: merged.totals)
    first.takeHistory([(merged.log, front)])
    first.take(front, from: &merged)
    var second = try fixture.table(clock: merged.clock, totals: merged.totals)
    second.takeHistory([(merged.log, back)])
    second.take(back, from: &merged)
    try expectSame(first, whole, fixture.pool, in: front)
    try expectSame(second, whole, fixture.pool, in: back)
    let clock = whole.earliestClock
    try whole.rollBack(to: clock)
    try first.rollBack(to: clock)
    try second.rollBack(to: clock)
    try expectSame(first, whole, fixture.pool, in: front)
    try expectSame(second, whole, fixture.pool, in: back)
  }

  /// All that shows of some slots of two tables, at each clock that both know.
  private func expectSame(
    _ table: borrowing Table, _ whole: borrowing Table, _ pool: [UInt64], in slots: [Range<Int>] = [0..<Rank.slots]
  ) throws {
    let wanted = SlotSet(slots)
    let clock = whole.clock
    #expect(table.clock == clock && table.totals == whole.totals && table.earliestClock == whole.earliestClock)
    let held = whole.slots.filter(wanted.contains)
    #expect(table.slots == held)
    #expect(held.map { table.snapshot(slot: $0) } == held.map { whole.snapshot(slot: $0) })
    #expect(held.map { table.changes[$0] } == held.map { whole.changes[$0] })
    let ranks = pool.filter { wanted.contains(Rank.slot(of: $0)) }
    for past in whole.earliestClock...clock {
      #expect(try table.read(ranks, at: past).map(\.bitPattern) == whole.read(ranks, at: past).map(\.bitPattern))
    }
    #expect(table.rowCount == held.reduce(0) { $0 + table.snapshot(slot: $1).count })
  }

  @Test("Tables of logs that are not equally deep can be undone together as far as the shallowest")
  func shallowest() throws {
    var fixture = Fixture(seed: 1, depth: 4)
    let (low, high) = ([0..<600], [600..<Rank.slots])
    var left = try fixture.table()
    for _ in 0..<5 { left.apply(part(fixture.step(), of: low)) }
    var right = try fixture.table(clock: 3)
    for _ in 0..<2 { right.apply(part(fixture.step(), of: high)) }
    #expect(left.earliestClock == 1 && right.earliestClock == 3)
    var merged = try fixture.table(clock: 5)
    merged.takeHistory([(left.log, low), (right.log, high)])
    merged.take(low, from: &left)
    merged.take(high, from: &right)
    #expect(merged.earliestClock == 3)
    try merged.rollBack(to: 3)
    #expect(merged.clock == 3)
  }

  @Test("Moving slots copies no row, and memory is counted where it went")
  func memory() throws {
    var fixture = Fixture(seed: 1, depth: 0)
    var table = try fixture.table()
    for _ in 0..<4 { table.apply(fixture.step()) }
    let slot = try #require(table.slots.last)
    let rank = try #require(fixture.pool.last { Rank.slot(of: $0) == slot && table.rows.row(of: $0) != nil })
    let address = table.rows.row(of: rank)
    var other = try fixture.table(clock: 4)
    let (bytes, none) = (table.bytes, other.bytes)
    other.take([0..<Rank.slots], from: &table)
    #expect(other.rows.row(of: rank) == address && address != nil)
    #expect(other.bytes == bytes && table.bytes == none && table.rowCount == 0)
  }
}
