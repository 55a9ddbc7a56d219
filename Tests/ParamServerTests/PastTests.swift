import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

@Suite("What a restored server knows of the past")
struct PastTests {
  /// One server from the start, with the rows of all ranks at each of its clocks.
  private struct Life {
    let rig: Rig
    let pool: [UInt64]
    let lag: Int
    var reads: [[[UInt32]]] = []
    var steps: [Step] = []
    var generator: SeededGenerator
    let tables: [TableDescription]

    init(lag: Int, seed: Int) throws {
      generator = SeededGenerator(seed)
      pool = crowdedRanks(100, slots: 160, using: &generator)
      self.lag = lag
      var table = describeTable()
      if seed % 2 == 0 { table.admission = .init(sightings: 3, alwaysAdmitted: Array(pool.prefix(20))) }
      table.eviction = .sample(seed % 3)
      tables = [table]
      rig = try Rig.serving(assign(tables: tables, lag: lag))
      reads.append(rig.ask(pull(pool)).rows)
    }

    /// Few rows change in a step.
    mutating func train(_ count: Int) {
      for _ in 0..<count {
        let some = pool.filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }
        let step = Step.random(some, width: 3, using: &generator)
        steps.append(step)
        _ = rig.ask(PastTests.message(of: step, clock: UInt64(steps.count - 1)))
        reads.append(rig.ask(pull(pool, clock: UInt64(steps.count))).rows)
      }
    }
  }

  private static func message(of step: Step, clock: UInt64) -> Message {
    let isEmpty = step.samples == 0
    return push(
      isEmpty ? [] : step.ranks, isEmpty ? [] : step.values, clock: clock, samples: step.samples,
      lossSum: step.lossSum, sighted: isEmpty ? [] : step.sightings.ranks,
      sightings: isEmpty ? [] : step.sightings.counts)
  }

  /// Each slot as the last of a chain of checkpoints left it, in the order of the slots.
  private static func whole(_ checkpoints: [[SlotBytes]]) throws -> [SlotBytes] {
    var whole: [Int: SlotSnapshot] = [:]
    for slot in checkpoints.joined() {
      let snapshot = try slot.snapshot(width: 3)
      whole[slot.slot] = try whole[slot.slot].map { try snapshot.laid(over: $0) } ?? snapshot
    }
    return whole.values.map(SlotBytes.init).sorted { $0.slot < $1.slot }
  }

  private static func restored(
    _ slots: [SlotBytes], number: Int, clock: UInt64, lag: Int, tables: [TableDescription]
  ) throws -> Rig {
    let rig = try Rig.welcomed()
    _ = rig.order(.adopt(restoring(number, ["a"], clock: clock, tables: tables, lag: lag)), view: 1)
    for slot in slots {
      #expect(rig.tell(.slot(.init(path: "a", table: slot.table, slot: slot.slot, bytes: slot.bytes))).isEmpty)
    }
    #expect(rig.tell(.restored).reports.count == 1)
    return rig
  }

  @Test(
    "Whoever goes on from a checkpoint reads the states before it as if it had always been there, and writes what follows alike",
    arguments: [1, 3], 1...4)
  func restore(lag: Int, seed: Int) throws {
    var life = try Life(lag: lag, seed: seed)
    var written: [[SlotBytes]] = []
    var since: UInt64?
    var last: (rig: Rig, clock: Int)?
    // Checkpoints that are further apart than the lag, and closer.
    for (number, count) in [lag == 1 ? 1 : 2, 5, 1, 1, 4].enumerated() {
      life.train(count)
      let clock = UInt64(life.steps.count)
      if let (rig, restored) = last {
        for step in restored..<life.steps.count { _ = rig.ask(Self.message(of: life.steps[step], clock: UInt64(step))) }
        #expect(try rig.checkpoint(number: 100) == life.rig.checkpoint(number: 100), "what was restored goes on alike")
      }
      written.append(try life.rig.checkpoint(number: number + 1, since: since))
      since = clock
      let rig = try Self.restored(
        Self.whole(written), number: number + 1, clock: clock, lag: lag, tables: life.tables)
      for past in clock - min(clock, UInt64(lag))...clock {
        #expect(rig.ask(pull(life.pool, clock: past)).rows == life.reads[Int(past)], "\(past) of \(clock)")
      }
      if clock > UInt64(lag) { #expect(rig.ask(pull([], clock: clock - UInt64(lag) - 1)).refusals == [.gone]) }
      #expect(try rig.digests() == life.rig.digests())
      last = (rig, life.steps.count)
    }
  }

  @Test("States of before a checkpoint are read, but never gone back to: the checkpoint is recorded")
  func floor() throws {
    var life = try Life(lag: 2, seed: 1)
    life.train(6)
    let slots = try life.rig.checkpoint(number: 1)
    let rig = try Self.restored(slots, number: 1, clock: 6, lag: 2, tables: life.tables)
    #expect(try rig.propose(2).holdings.map(\.earliest) == [6])
    // A new view deals the slots anew; what is known of the past goes with them.
    var assignment = assign(of: 2, tables: life.tables, lag: 2, start: .held, clock: 6)
    try rig.adopt(assignment, view: 2)
    let half = life.pool.filter { Rank.slot(of: $0) < 8192 }
    for past: UInt64 in 4...6 {
      let expected = zip(life.pool, life.reads[Int(past)][0].chunked(3)).filter { $0.0 < rank(8192) }.flatMap(\.1)
      #expect(rig.ask(pull(half, clock: past)).rows == [expected])
    }
    #expect(try rig.propose(3).holdings.map(\.earliest) == [6])
    assignment.clock = 5
    guard case .tooFarBack? = rig.order(.adopt(assignment), view: 3).error else {
      Issue.record("it went back")
      return
    }
  }

  @Test("A checkpoint that knows less of the past than the lag asks for is restored, and what it lacks is gone")
  func shallow() throws {
    var life = try Life(lag: 1, seed: 3)
    life.train(6)
    let slots = try life.rig.checkpoint(number: 1)
    let rig = try Self.restored(slots, number: 1, clock: 6, lag: 3, tables: life.tables)
    #expect(rig.ask(pull(life.pool, clock: 5)).rows == life.reads[5])
    #expect(rig.ask(pull(life.pool, clock: 4)).refusals == [.gone])
  }

  @Test("A stage that begins with no rows, or with another model's, was always so for those that read behind")
  func start() throws {
    let fresh = try Rig.serving(assign(lag: 2, clock: 9))
    let ranks = [rank(3), rank(700)]
    let start = fresh.ask(pull(ranks, clock: 9)).rows
    for clock: UInt64 in 7...8 { #expect(fresh.ask(pull(ranks, clock: clock)).rows == start) }
    #expect(fresh.ask(pull(ranks, clock: 6)).refusals == [.gone])
    #expect(try fresh.propose(2).holdings.map(\.earliest) == [9])

    var life = try Life(lag: 2, seed: 1)
    life.train(4)
    let rig = try Rig.welcomed()
    _ = rig.order(.adopt(restoring(1, ["a"], clock: 9, tables: life.tables, lag: 2, onlyParametersOf: [0])), view: 1)
    for slot in try life.rig.checkpoint(number: 1) {
      _ = rig.tell(.slot(.init(path: "a", table: slot.table, slot: slot.slot, bytes: slot.bytes)))
    }
    _ = rig.tell(.restored)
    for clock: UInt64 in 7...9 { #expect(rig.ask(pull(life.pool, clock: clock)).rows == life.reads[4]) }
  }

  @Test("Without a lag checkpoints hold nothing of the past")
  func sync() throws {
    var life = try Life(lag: 0, seed: 1)
    life.train(4)
    for slot in try life.rig.checkpoint(number: 1) {
      let snapshot = try SlotSnapshot(slot.bytes, table: 0, slot: slot.slot, width: 3, stride: nil)
      #expect(snapshot.steps == 0 && snapshot.earliest == 4)
    }
  }

  @Test("Slots that come out of order, or twice, with what they were are refused")
  func order() throws {
    var life = try Life(lag: 3, seed: 1)
    life.train(6)
    let slots = try life.rig.checkpoint(number: 1)
    let rig = try Rig.welcomed()
    _ = rig.order(.adopt(restoring(1, ["a"], clock: 6, tables: life.tables, lag: 3)), view: 1)
    var error: ServerError?
    for slot in slots.reversed() where error == nil {
      error = rig.tell(.slot(.init(path: "a", table: slot.table, slot: slot.slot, bytes: slot.bytes))).error
    }
    #expect(error.map { "\($0)".contains("slots before it have come already") } == true)
  }
}

extension Array {
  fileprivate func chunked(_ size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min(count, $0 + size)]) }
  }
}
