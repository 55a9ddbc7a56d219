import Sharding
import Testing

@testable import ParamServer

@Suite("Tables")
struct TableTests {
  @Test("A table holds what a dictionary would, over random reads and updates", arguments: [2, 5, 11])
  func dictionaryModel(width: Int) throws {
    var generator = SeededGenerator(width)
    var table = try Table(describeTable(width: width, l2: 0), number: 0, seed: 5)
    var model: [UInt64: [Float]] = [:]
    for _ in 0..<200 {
      let ranks = Set((0..<100).map { _ in Rank.of(.random(in: 0..<3000, using: &generator)) }).sorted()
      let values = table.read(ranks)
      for (i, rank) in ranks.enumerated() {
        if let known = model[rank] { #expect(known == Array(values[i * width..<(i + 1) * width])) }
      }
      table.apply(ranks, (0..<ranks.count * width).map { _ in Float.random(in: -1...1, using: &generator) })
      let updated = table.read(ranks)
      for (i, rank) in ranks.enumerated() { model[rank] = Array(updated[i * width..<(i + 1) * width]) }
    }
    #expect(table.rowCount == model.count)
    let all = model.keys.sorted()
    #expect(table.read(all) == all.flatMap { model[$0]! })
  }

  @Test("A store holds what a dictionary would, over random insertions and removals")
  func removals() {
    var generator = SeededGenerator(3)
    var stores = SlotStores(stride: 1)
    var model: [UInt64: Float] = [:]
    let pool = crowdedRanks(300, slots: 3, using: &generator)
    for round in 0..<20_000 {
      let rank = pool.randomElement(using: &generator)!
      #expect(stores.row(of: rank)?.pointee == model[rank])
      if model.removeValue(forKey: rank) != nil {
        stores.remove(rank)
      } else if Int.random(in: 0..<round / 5000 + 1, using: &generator) == 0 {
        model[rank] = Float(round)
        stores.insert(rank).pointee = Float(round)
      }
    }
    #expect(stores.count == model.count && stores.filled.slots == Set(model.keys.map(Rank.slot)).sorted())
    for rank in pool { #expect(stores.row(of: rank)?.pointee == model[rank]) }
  }

  @Test("Ranks that share a slot are all found again as the slot grows")
  func oneSlotGrows() throws {
    var table = try Table(describeTable(), number: 0, seed: 5)
    let ranks = (0..<2000).map { Rank.first(ofSlot: 77) + UInt64($0) * 977 << 20 }
    let first = table.read(ranks)
    table.apply(ranks, [Float](repeating: 0, count: 6000))
    #expect(table.rowCount == 2000 && table.slots == [77])
    #expect(ranks.flatMap { table.read([$0]) } == table.read(ranks) && table.read(ranks).count == first.count)
  }

  @Test("Reading rows that are not there answers their starts, or zeros, and changes nothing")
  func readingChangesNothing() throws {
    var table = try Table(describeTable(l2: 0), number: 0, seed: 5)
    let ranks = (0..<50).map(Rank.of).sorted()
    let (state, bytes) = (table.state, table.bytes)
    #expect(table.read(ranks, absent: .zeros).allSatisfy { $0 == 0 })
    let starts = table.read(ranks)
    #expect(Set(starts).count > 90 && table.state == state && table.bytes == bytes)
    // A step without learning leaves rows at the starts that were read.
    table.apply(ranks, [Float](repeating: 0, count: 150))
    #expect(table.rowCount == 50 && table.read(ranks, absent: .zeros) == starts)
  }

  @Test("A slot knows when it changed last, and what has changed since a clock follows from it")
  func changes() throws {
    var table = try Table(describeTable(), number: 0, seed: 5, clock: 7)
    let (first, second) = (rank(3), rank(9))
    _ = table.read([first])
    #expect(table.slots(changedSince: nil).isEmpty)
    table.apply([first, second], [Float](repeating: 1, count: 6))
    table.apply([second], [1, 1, 1])
    #expect(table.slots(changedSince: nil) == [3, 9] && table.slots(changedSince: 7) == [3, 9])
    #expect(table.slots(changedSince: 8) == [9] && table.slots(changedSince: 9).isEmpty)
  }

  @Test("Totals add up over steps; a step of no samples moves the clock alone")
  func totals() throws {
    var table = try Table(describeTable(), number: 0, seed: 5, clock: 7, totals: StepTotals(rows: 10, lossSum: 1))
    table.apply(Step(samples: 5, lossSum: 0.5))
    table.apply(Step(samples: 0))
    #expect(table.totals == StepTotals(rows: 15, lossSum: 1.5) && table.clock == 9 && table.rowCount == 0)
  }

  @Test("A restored table is the same to the bit and goes on so; another model's takes its parameters alone")
  func restore() throws {
    var generator = SeededGenerator(1)
    let pool = crowdedRanks(200, slots: 10, using: &generator)
    var description = describeTable(width: 4)
    description.admission = .init(sightings: 3, alwaysAdmitted: Array(pool.prefix(50)))
    var table = try Table(description, number: 2, seed: 5, undoDepth: 1)
    for _ in 0..<5 { table.apply(.random(pool, width: 4, using: &generator)) }
    var again = try Table(description, number: 2, seed: 5, clock: table.clock, totals: table.totals, undoDepth: 1)
    for slot in table.slots {
      try again.restore(table.snapshot(slot: slot).bytes, slot: slot, changedAt: table.changes[slot])
    }
    #expect(again.state == table.state && again.earliestClock == again.clock)
    let step = Step.random(pool, width: 4, using: &generator)
    table.apply(step)
    again.apply(step)
    #expect(again.state == table.state)

    description.optimizer.rule = .ftrl(beta: 1, l1: 0, l2: 0)
    var other = try Table(description, number: 2, seed: 5)
    for slot in table.filledSlots {
      try other.restore(table.snapshot(slot: slot).bytes, slot: slot, onlyParameters: true)
    }
    #expect(other.filledSlots.map { other.digest(slot: $0) } == table.filledSlots.map { table.digest(slot: $0) })
    #expect(other.candidateCount == 0 && other.slots(changedSince: 0).isEmpty)
  }

  @Test("Making a table costs no time that grows with the slots")
  func cheapCreation() throws {
    let clock = ContinuousClock()
    let time = try clock.measure {
      for seed in 0..<2000 {
        let table = try Table(describeTable(), number: 0, seed: UInt64(seed), undoDepth: 2)
        #expect(table.slots.isEmpty && table.filledSlots.isEmpty)
      }
    }
    #expect(time < .seconds(4), "2,000 tables took \(time)")
  }

  static let contradictions: [TableDescription] = [
    TableDescription(name: "none", regions: [], optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "empty", regions: [.init(firstKey: 0, columns: [])], optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "negative", regions: [.init(firstKey: 0, columns: [.init(name: "a", width: -1, initializer: .zero)])],
      optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "uneven",
      regions: [
        .init(firstKey: 0, columns: [.init(name: "a", width: 2, initializer: .zero)]),
        .init(firstKey: 5, columns: [.init(name: "a", width: 3, initializer: .zero)]),
      ], optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "late", regions: [.init(firstKey: 1, columns: [.init(name: "a", width: 2, initializer: .zero)])],
      optimizer: .adam(learningRate: 1)),
    TableDescription(
      name: "unordered",
      regions: [
        .init(firstKey: 0, columns: [.init(name: "a", width: 2, initializer: .zero)]),
        .init(firstKey: 0, columns: [.init(name: "b", width: 2, initializer: .zero)]),
      ], optimizer: .adam(learningRate: 1)),
  ]

  @Test("A description that contradicts itself is refused and named", arguments: contradictions)
  func contradiction(description: TableDescription) {
    let error = #expect(throws: ServerError.self) { _ = try Table(description, number: 0, seed: 0) }
    #expect(error.map { "\($0)".contains("\"\(description.name)\"") } == true)
  }
}
