import Checkpoint
import Sharding
import Testing
import Wire

@testable import ParamServer

@Suite("Checkpoints while training goes on")
struct HoldTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)

  @Test("A checkpoint is of its clock, though steps and pulls go on before any of it is written, and while it is")
  func live() throws {
    let (rig, twin) = (try Rig.serving(), try Rig.serving())
    for rig in [rig, twin] { for _ in 0..<2 { try rig.train(ranks, ones) } }
    #expect(rig.hold(1, at: 3).isEmpty && !rig.hasLongWork)
    let effects = try rig.train(ranks, ones)
    try twin.train(ranks, ones)
    guard case .held(StepTotals(rows: 3, lossSum: 1.5))? = effects.reports.first else { throw Missing() }
    #expect(!rig.hasLongWork, "nobody told it to write")
    let others = [rank(3), rank(3, 50), rank(900)]
    for _ in 0..<2 { try rig.train(others, ones) }
    #expect(rig.order(.write(checkpoint: 1)).isEmpty && rig.hasLongWork)
    guard case .write(let snapshots, let header)? = rig.tell(.turn).first else { throw Missing() }
    try rig.train(ranks, ones)
    #expect(rig.clock == 6 && rig.ask(pull(ranks, clock: 6)).rows.count == 1)
    #expect(rig.tell(.written(checkpoint: 1)).isEmpty)
    let (more, part) = rig.writeOn()
    #expect(header.clock == 3 && part?.slots == nil || more.isEmpty)
    #expect(try snapshots.map(SlotBytes.init) + more == twin.checkpoint(number: 1))
  }

  @Test(
    "What a later step changes while a checkpoint is held is in the next one, and nothing else is", arguments: 1...8)
  func deltas(seed: Int) throws {
    var generator = SeededGenerator(seed)
    let pool = crowdedRanks(60, slots: 90, using: &generator)
    var table = describeTable()
    if seed % 2 == 0 { table.admission = .init(sightings: 3, alwaysAdmitted: Array(pool.prefix(9))) }
    table.eviction = .sample(seed % 3)
    let lag = seed % 3
    let rig = try Rig.serving(assign(tables: [table], lag: lag))
    let past = try Reference([table], lag: lag)
    var disk: [[Int]: SlotSnapshot] = [:]
    var base: UInt64?
    func train() throws {
      let step = Step.random(pool, width: 3, using: &generator)
      past.push(step)
      _ = rig.ask(ParamServerTests.push(step, clock: rig.clock!))
    }
    for number in 1...5 {
      for _ in 0..<Int.random(in: 1...6, using: &generator) { try train() }
      guard case .held? = rig.hold(number, at: rig.clock!, since: base).reports.first else { throw Missing() }
      base = rig.clock
      let wanted = try past.rig.checkpoint(number: number)
      for _ in 0..<Int.random(in: 0...4, using: &generator) { try train() }
      #expect(rig.order(.write(checkpoint: number)).isEmpty)
      var part: CheckpointPart?
      while part == nil {
        for effect in rig.tell(.turn) {
          switch effect {
          case .write(let snapshots, _):
            for snapshot in snapshots {
              let place = [snapshot.table, snapshot.slot]
              disk[place] = try disk[place].map { try snapshot.laid(over: $0) } ?? snapshot
            }
            _ = rig.tell(.written(checkpoint: number))
          case .finish(let header): part = PartSum(header).part(at: "")
          default: Issue.record("\(effect)")
          }
        }
        if Bool.random(using: &generator) { try train() }
      }
      guard case .written? = rig.tell(.finished(checkpoint: number, part!)).reports.first else { throw Missing() }
      let found = disk.values.map(SlotBytes.init).compactMap(\.withoutEvicted).sorted { $0.slot < $1.slot }
      #expect(found.map { $0.rows() } == wanted.compactMap(\.withoutEvicted).map { $0.rows() })
    }
  }

  @Test("A clock that some table is past is missed, and nothing is held", arguments: [0, 1])
  func missed(ahead: Int) throws {
    let tables = [describeTable(), describeTable(width: 5)]
    let rig = try Rig.serving(assign(tables: tables))
    for table in 0..<2 { _ = rig.ask(push([], [], table: table)) }
    _ = rig.ask(push([], [], clock: 1, table: ahead))
    guard case .missed(clock: 2)? = rig.hold(1, at: 1).reports.first else { throw Missing() }
    _ = rig.ask(push([], [], clock: 1, table: 1 - ahead))
    #expect(rig.clock == 2)
    guard case .held? = rig.hold(2, at: 2).reports.first else { throw Missing() }
  }

  @Test("Each table is held as it comes to the clock, and goes on; it is said when all are")
  func tables() throws {
    let tables = [describeTable(), describeTable(width: 5)]
    let rig = try Rig.serving(assign(tables: tables))
    #expect(rig.hold(1, at: 1).isEmpty)
    for clock: UInt64 in 0..<2 { #expect(rig.ask(push(ranks, ones, clock: clock)).reports.isEmpty) }
    #expect(rig.clock == 0)
    guard case .held? = rig.ask(push([], [], table: 1)).reports.first else { throw Missing() }
    let twin = try Rig.serving(assign(tables: tables))
    for table in 0..<2 { _ = twin.ask(push(table == 0 ? ranks : [], table == 0 ? ones : [], table: table)) }
    #expect(try rig.write(1).slots == twin.checkpoint(number: 1))
  }

  @Test("Another checkpoint takes the place of one that is held, whose disk says nothing of it")
  func replaced() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    guard case .held? = rig.hold(1, at: 1).reports.first else { throw Missing() }
    #expect(rig.order(.write(checkpoint: 1)).isEmpty)
    guard case .write(_, let header)? = rig.tell(.turn).first else { throw Missing() }
    let effects = rig.hold(2, at: 2)
    guard case .abandon(header)? = effects.first else { throw Missing() }
    #expect(rig.tell(.written(checkpoint: 1)).isEmpty)
    let part = PartSum(header).part(at: "")
    #expect(rig.tell(.finished(checkpoint: 1, part)).isEmpty && rig.tell(.unwritten(checkpoint: 1, "")).isEmpty)
    guard case .held? = try rig.train(ranks, ones).reports.first else { throw Missing() }
    #expect(rig.write(2).slots.count == 2)
    // One that comes too late gives the place back too.
    try rig.train(ranks, ones)
    guard case .missed(clock: 3)? = rig.hold(3, at: 2).reports.first else { throw Missing() }
    guard case .refusal? = rig.order(.write(checkpoint: 2)).told.first?.message else { throw Missing() }
  }

  @Test("A part that cannot be written is reported, and the server goes on, with all of it in the next")
  func unwritten() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    guard case .held? = rig.hold(1, at: 1).reports.first else { throw Missing() }
    #expect(rig.order(.write(checkpoint: 1)).isEmpty)
    guard case .write? = rig.tell(.turn).first else { throw Missing() }
    let effects = rig.tell(.unwritten(checkpoint: 1, "own: the disk is full."))
    guard case .unwritten("own: the disk is full.")? = effects.reports.first, !effects.hasEnded else { throw Missing() }
    #expect(!rig.hasLongWork)
    try rig.train(ranks, ones)
    #expect(try rig.checkpoint(number: 2).count == 2)
  }

  @Test("Steps wait where more would be kept than there is room for, which is said once, and go on as it is written")
  func full() throws {
    let wide = 1 << 18
    let table = TableDescription(
      name: "wide", regions: [.init(firstKey: 0, columns: [.init(name: "v", width: wide, initializer: .zero)])],
      optimizer: .init(.sgd, learningRate: 1))
    let rig = try Rig.serving(assign(tables: [table]))
    // 260 rows of a MiB each.
    let many = (0..<260).map { rank($0 * 20) }
    let values = [Float](repeating: 1, count: wide)
    func train(_ rank: UInt64) throws { _ = rig.ask(push([rank], values, clock: try #require(rig.clock))) }
    for rank in many { try train(rank) }
    let clock = UInt64(many.count)
    guard case .held? = rig.hold(1, at: clock).reports.first else { throw Missing() }
    for rank in many where rig.clock == clock + UInt64(many.firstIndex(of: rank)!) { try train(rank) }
    let reached = try #require(rig.clock)
    #expect(reached > clock + 200 && reached < clock + 260, "\(reached)")
    #expect(rig.order(.write(checkpoint: 1)).isEmpty)
    let effects = rig.tell(.turn)
    #expect(effects.said.count == 1 && effects.said[0].contains("256 MiB") && rig.clock == reached + 1)
    _ = rig.tell(.written(checkpoint: 1))
    #expect(rig.tell(.turn).said.isEmpty)
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
