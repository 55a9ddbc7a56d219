import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

@Suite("Checkpoints while training goes on")
struct HoldTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)

  private func order(_ number: Int, at clock: UInt64, since: UInt64? = nil) -> ServerOrder {
    .checkpoint(CheckpointOrder(number: number, clock: clock, since: since))
  }

  @Test("A checkpoint holds the step after it until it is on the disk, and then lets it and its pulls go")
  func hold() throws {
    let (rig, twin) = (try Rig.serving(), try Rig.serving())
    for rig in [rig, twin] { for _ in 0..<2 { try rig.train(ranks, ones) } }
    #expect(rig.order(order(1, at: 3)).isEmpty && !rig.hasLongWork)
    for rig in [rig, twin] { try rig.train(ranks, ones) }
    #expect(rig.hasLongWork)
    #expect(rig.ask(pull(ranks, clock: 4), from: 1).isEmpty)
    #expect(rig.ask(push(ranks, ones, clock: 3)).answers.map(\.name) == ["pushed"])
    #expect(rig.clock == 3 && rig.parkedPulls == 1, "held")
    #expect(rig.ask(pull(ranks, clock: 3)).rows.count == 1, "who reads before it is answered")
    let (slots, _) = rig.write()
    #expect(rig.clock == 3)
    let effects = rig.tell(.synced(checkpoint: 1))
    guard case .written(let part)? = effects.reports.first else { throw Missing() }
    #expect(part.totals == StepTotals(rows: 3, lossSum: 1.5) && part.slots == 2)
    #expect(rig.clock == 4 && effects.rows.count == 1)
    #expect(try slots == twin.checkpoint(number: 1))
  }

  @Test("A clock that some table is past is missed, and nothing is held", arguments: [0, 1])
  func missed(ahead: Int) throws {
    let tables = [describeTable(), describeTable(width: 5)]
    let rig = try Rig.serving(assign(tables: tables))
    for table in 0..<2 { _ = rig.ask(push([], [], table: table)) }
    _ = rig.ask(push([], [], clock: 1, table: ahead))
    guard case .missed(clock: 2)? = rig.order(order(1, at: 1)).reports.first else { throw Missing() }
    _ = rig.ask(push([], [], clock: 1, table: 1 - ahead))
    #expect(rig.clock == 2 && !rig.hasLongWork)
    #expect(rig.order(order(2, at: 2)).isEmpty && rig.hasLongWork)
  }

  @Test("All tables come to the clock before any is written, and none goes past it")
  func tables() throws {
    let tables = [describeTable(), describeTable(width: 5)]
    let rig = try Rig.serving(assign(tables: tables))
    #expect(rig.order(order(1, at: 1)).isEmpty)
    for clock: UInt64 in 0..<2 { _ = rig.ask(push(ranks, ones, clock: clock)) }
    #expect(!rig.hasLongWork && rig.clock == 0)
    _ = rig.ask(push([], [], table: 1))
    #expect(rig.hasLongWork && rig.clock == 1)
    let slots = rig.write().slots
    #expect(slots.map(\.slot) == [3, 700])
    #expect(rig.tell(.synced(checkpoint: 1)).reports.count == 1)
    // The first table has gone on.
    guard case .missed(clock: 2)? = rig.order(order(2, at: 1)).reports.first else { throw Missing() }
  }

  @Test("Another checkpoint takes the place of one that is held, whose disk says nothing of it, and steps go on")
  func replaced() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    #expect(rig.order(order(1, at: 1)).isEmpty)
    guard case .write(_, checkpoint: 1)? = rig.tell(.turn).first else { throw Missing() }
    #expect(rig.ask(push(ranks, ones, clock: 1)).answers.count == 1 && rig.ask(pull([], clock: 2)).isEmpty)
    let effects = rig.order(order(2, at: 3))
    #expect(rig.clock == 2 && effects.rows.count == 1, "the step that was held")
    #expect(rig.tell(.written(checkpoint: 1)).isEmpty && rig.tell(.synced(checkpoint: 1)).isEmpty)
    try rig.train(ranks, ones)
    #expect(rig.hasLongWork && rig.write().slots.count == 2)
    guard case .written? = rig.tell(.synced(checkpoint: 2)).reports.first else { throw Missing() }
    // One that comes too late gives the place back too.
    #expect(rig.order(order(3, at: 3)).isEmpty && rig.ask(push(ranks, ones, clock: 3)).answers.count == 1)
    #expect(rig.clock == 3)
    guard case .missed(clock: 3)? = rig.order(order(4, at: 2)).reports.first else { throw Missing() }
    #expect(rig.clock == 4)
  }

  @Test("Each first home writes its groups, whatever it keeps for others; the parts together are the whole")
  func homes() throws {
    let play = try ServerPlay(SlotMap(servers: 3, replicas: 1), servers: 3)
    let reference = try Reference()
    let pool = crowdedRanks(100, slots: 160, using: &play.generator)
    try play.begin()
    for clock: UInt64 in 0..<6 {
      let step = Step.random(pool, width: 3, using: &play.generator)
      reference.push(step)
      _ = play.push(step, clock: clock)
      play.run()
    }
    let whole = try play.checkpoint(number: 1)
    #expect(try whole == reference.rig.checkpoint(number: 1) && Set(whole.map(\.slot)).count == whole.count)
    #expect(try play.checkpoint(number: 2, since: 4) == reference.rig.checkpoint(number: 2, since: 4))
  }
}
