import Checkpoint
import Sharding
import Testing

@testable import ParamServer

@Suite("Rows that go again")
struct EvictionTests {
  private typealias Eviction = TableDescription.Eviction

  private func table(_ rule: Eviction.Rule, every: UInt64 = 1, kept: [UInt64] = [], admitAfter: Int? = nil) throws
    -> Table
  {
    var table = describeTable()
    table.optimizer = .init(.sgd, learningRate: 1)
    table.eviction = Eviction(rule, every: every, kept: kept)
    table.admission = admitAfter.map { .init(sightings: $0, alwaysAdmitted: kept) }
    return try Table(table, number: 0, seed: 1, undoDepth: 2)
  }

  @Test("Each slot is looked through once in so many steps", arguments: [1, 2, 3, 7, 100, 16384, 20000, 1 << 32])
  func sweep(every: UInt64) {
    let eviction = Eviction(.norm(below: 1), every: every)
    let first: UInt64 = every > 20000 ? every - 1 : 0
    var next = eviction.slots(of: first).lowerBound
    for step in first..<min(every, first + 20000) {
      let slots = eviction.slots(of: step + 3 * every)
      #expect(slots.lowerBound == next)
      next = slots.upperBound
    }
    #expect(next == Rank.slots)
  }

  @Test("A row that no step has changed for so many goes, and begins anew when it is met")
  func unseen() throws {
    var table = try table(.unseen(steps: 3), kept: [9])
    let fresh = table.read([5])
    table.apply([5, 7, 9], [Float](repeating: 1, count: 9))
    let once = table.read([5])
    table.apply([7], [1, 1, 1])
    table.apply([7], [1, 1, 1])
    #expect(table.rowCount == 3 && table.read([5]) != fresh)
    table.apply([7], [1, 1, 1])
    #expect(table.rowCount == 2 && table.read([5]) == fresh && table.evicted == 1)
    let before = try table.read([5], at: 3)
    #expect(before != fresh)
    table.apply([5], [1, 1, 1])
    #expect(table.rowCount == 3 && table.read([5]) == once)
    // Steps without rows count too.
    for _ in 0..<4 { table.apply(Step(samples: 0)) }
    #expect(table.rowCount == 1 && table.read([9]) != fresh)
    try table.rollBack(to: 7)
    #expect(table.rowCount == 2 && table.evicted == 2)
  }

  @Test("A row of a short vector goes, but not in the step that changed it")
  func norm() throws {
    var table = try table(.norm(below: 2))
    table.apply([5, 7], [3, 0, 0, 1, 0, 0])
    #expect(table.rowCount == 2)
    table.apply([], [])
    #expect(table.rowCount == 1 && table.read([5])[0] == -3)
  }

  @Test("What shows and clicks are worth fades, and is what is asked for")
  func score() throws {
    let score = Eviction.Score(below: 0.5, showWeight: 0.1, clickWeight: 1, decay: 0.5, steps: 2, unseen: 100)
    var table = try table(.score(score))
    #expect(table.width == 3 && table.gradientWidth == 5 && table.stride == 6)
    // Ten shows are worth 1, one click as much, four shows less than is asked for.
    table.apply([5, 7, 9], [0, 0, 0, 10, 0, 0, 0, 0, 1, 1, 0, 0, 0, 4, 0])
    #expect(table.rowCount == 3)
    table.apply([], [])
    #expect(table.rowCount == 2, "0.4 is not enough")
    table.apply([5], [0, 0, 0, 3, 0])
    #expect(table.rowCount == 2, "a half is just enough")
    table.apply([], [])
    #expect(table.rowCount == 1, "the click has faded; 10 shows are 5, and 3 were added")
    table.apply([], [])
    #expect(table.rowCount == 0 && table.evicted == 3)
  }

  @Test("A key that goes must be met as often as before to come back, and one that is not met for long is forgotten")
  func admission() throws {
    var table = try table(.unseen(steps: 2), admitAfter: 2)
    table.apply([], [], sightings: Sightings(ranks: [5, 7], counts: [2, 1]))
    #expect(table.rowCount == 1 && table.candidateCount == 1 && !table.isAbsent(5))
    for _ in 0..<2 { table.apply([], []) }
    #expect(table.rowCount == 0 && table.isAbsent(5) && table.sightings(of: 7) == 0)
    table.apply([], [], sightings: Sightings(ranks: [5, 7], counts: [1, 1]))
    #expect(table.isAbsent(5) && table.isAbsent(7) && table.sightings(of: 5) == 1)
    table.apply([], [], sightings: Sightings(ranks: [5], counts: [1]))
    #expect(table.isAbsent(5) == false)
  }

  @Test("What went is kept until a committed checkpoint has told of it")
  func told() throws {
    var table = try table(.unseen(steps: 1))
    table.apply([5, 7], [1, 1, 1, 1, 1, 1])
    table.hold(since: nil, lag: 0)
    let whole = table.takeHeld(slot: 0)
    #expect(whole?.count == 2)
    table.dropHeld()
    table.apply([], [])
    #expect(table.rowCount == 0 && table.candidateCount == 2)
    table.hold(since: 1, lag: 0)
    let delta = table.takeHeld(slot: 0)
    #expect(delta?.count == 0 && delta?.candidates == 2)
    table.dropHeld()
    table.apply([], [])
    #expect(table.candidateCount == 2, "nobody said that it was committed")
    table.hold(since: 2, lag: 0)
    #expect(table.held?.left.isEmpty == true)
    table.dropHeld()
    table.apply([], [])
    #expect(table.candidateCount == 0)
    table.hold(since: nil, lag: 0)
    #expect(table.held?.left.isEmpty == true)
  }

  @Test("Tables that contradict themselves are refused")
  func refused() {
    #expect(throws: ServerError.self) { _ = try table(.norm(below: 1), every: 0) }
    #expect(throws: ServerError.self) {
      var table = describeTable()
      table.eviction = .sample(1)
      table.staleness = nil
      _ = try Table(table, number: 0, seed: 1)
    }
  }
}
