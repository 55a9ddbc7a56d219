import ParamServer
import Sharding
import Testing
import Wire

@Suite("Async tables")
struct AsyncTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)

  /// Without L2: what each slice is charged of it depends on how many touch a row.
  private static func table(_ rule: OptimizerDescription.Rule = .sgd, staleness: Int? = nil) -> TableDescription {
    var table = describeTable(l2: 0)
    table.optimizer = OptimizerDescription(rule, learningRate: 0.5)
    table.staleness = staleness
    return table
  }

  private func leaf(
    _ slice: Int, _ step: UInt64, _ values: [Float]? = nil, samples: UInt64 = 2
  ) -> Message {
    push(
      ranks, values ?? ones, clock: step, node: .init(level: 0, index: slice), samples: samples,
      lossSum: Double(samples))
  }

  private func floats(_ rig: Rig, clock: UInt64 = 0) -> [Float] {
    rig.ask(pull(ranks, clock: clock)).rows.flatMap { $0 }.map(Float.init(bitPattern:))
  }

  @Test("SGD goes where it goes in sync mode, if all slices read the same", arguments: 1...5)
  func sgd(seed: Int) throws {
    var generator = SeededGenerator(seed)
    let gradients = (0..<4).map { _ in (0..<9).map { _ in Float.random(in: -1...1, using: &generator) } }
    let (sync, rig) = (
      try Rig.serving(assign(slices: 4, tables: [Self.table(staleness: 0)])),
      try Rig.serving(assign(slices: 4, tables: [Self.table()]))
    )
    for slice in 0..<4 { _ = sync.ask(leaf(slice, 0, gradients[slice])) }
    for slice in [2, 0, 3, 1] { #expect(rig.ask(leaf(slice, 0, gradients[slice])).refusals.isEmpty) }
    #expect(sync.clock == 1 && rig.clock == 1)
    #expect(zip(floats(sync, clock: 1), floats(rig)).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(floats(rig) != (try floats(Rig.serving(assign(slices: 4, tables: [Self.table()])))))
  }

  @Test("What training reads is what is there; what is scored is a settled clock")
  func pulls() throws {
    let rig = try Rig.serving(assign(slices: 2, tables: [Self.table()]))
    let start = floats(rig)
    _ = rig.ask(leaf(1, 0))
    #expect(rig.clock == 0 && floats(rig) != start)
    #expect(!rig.ask(pull(ranks, clock: 40)).rows.isEmpty)
    #expect(rig.ask(pull(ranks, clock: 0, purpose: .scoring)).refusals == [.gone], "one slice is ahead of it")
    #expect(rig.ask(pull(ranks, clock: 1, purpose: .scoring)).rows.isEmpty && rig.parkedPulls == 1)
    #expect(rig.ask(leaf(0, 0)).rows.count == 1 && rig.parkedPulls == 0)
  }

  @Test("A slice counts once, in the order of its steps, whole, and never as a node of the tree")
  func order() throws {
    let rig = try Rig.serving(assign(slices: 2, tables: [Self.table()]))
    let start = floats(rig)
    // What comes too early is kept, within bounds.
    #expect(rig.ask(leaf(0, 8)).refusals == [.notYet])
    for _ in 0..<2 { #expect(rig.ask(leaf(0, 1)).refusals.isEmpty && floats(rig) == start) }
    _ = rig.ask(leaf(0, 0))
    let once = floats(rig)
    for step in 0..<2 { #expect(rig.ask(leaf(0, UInt64(step))).refusals.isEmpty && floats(rig) == once) }
    let parts = (0..<3).map { part in
      push(
        [ranks[part]], [1, 1, 1], clock: 2, node: .init(level: 0, index: 0), samples: 2, lossSum: 2, part: part,
        parts: 3)
    }
    for part in [2, 0, 0] { #expect(rig.ask(parts[part]).refusals.isEmpty && floats(rig) == once) }
    #expect(rig.ask(parts[1]).refusals.isEmpty && floats(rig) != once)
    let node = push(ranks, ones, clock: 3, node: .root(of: 2), samples: 2, lossSum: 2)
    guard case .malformed? = rig.ask(node).refusals.first else { throw Missing("it takes nodes") }
    guard case .malformed? = rig.ask(leaf(2, 3)).refusals.first else { throw Missing("it takes any slice") }
  }

  @Test("A checkpoint keeps slices that are past it until those are there that are not, and then lets them go")
  func checkpoint() throws {
    let rig = try Rig.serving(assign(slices: 2, tables: [Self.table()]))
    _ = rig.ask(leaf(0, 0))
    #expect(rig.hold(1, at: 1).reports.isEmpty)
    let before = floats(rig)
    #expect(rig.ask(leaf(0, 1)).refusals.isEmpty && floats(rig) == before, "it waits")
    guard case .held(let totals)? = rig.ask(leaf(1, 0)).reports.first else { throw Missing("not held") }
    let state = floats(rig)
    #expect(totals.rows == 4 && state != before, "what waited goes on")
    _ = rig.ask(leaf(1, 1))
    let slots = rig.write(1).slots
    let twin = try Rig.serving(assign(slices: 2, tables: [Self.table()]))
    for slice in 0..<2 { _ = twin.ask(leaf(slice, 0)) }
    #expect(try slots == twin.checkpoint(number: 1), "of its clock, whatever came since")
    // One slice has gone past the next.
    guard case .missed(2)? = rig.hold(2, at: 1, since: 1).reports.first else {
      throw Missing("not missed")
    }
  }

  @Test("Nothing is rolled back, and what comes again in the next view is dropped, and counted")
  func nextView() throws {
    let assignment = assign(slices: 2, tables: [Self.table()], epochSteps: 2)
    let rig = try Rig.serving(assignment)
    for step in 0..<2 { _ = rig.ask(leaf(0, UInt64(step))) }
    var next = assignment
    next.start = .held
    try rig.adopt(next, view: 2)
    let before = floats(rig)
    for step in 0..<2 { #expect(rig.ask(leaf(0, UInt64(step))).refusals.isEmpty && floats(rig) == before) }
    _ = rig.order(.settle(clock: 2))
    _ = rig.ask(leaf(1, 0))
    guard case .settled(let settlement)? = rig.ask(leaf(1, 1)).reports.first else { throw Missing("not settled") }
    #expect(settlement.totals == StepTotals(rows: 8, lossSum: 8))
    #expect(settlement.staleness[0]?.repeatedRows == 4)
  }

  @Test("How stale a slice is counts in steps' worth of slices since its worker read")
  func staleness() throws {
    let rig = try Rig.serving(assign(slices: 2, tables: [Self.table()], epochSteps: 4))
    _ = rig.ask(pull(ranks, clock: 0))
    for slice in 0..<2 { _ = rig.ask(leaf(slice, 0)) }
    // For step 1 it read before anything else; for the others after step 1 of the other slice too.
    for step in 1..<UInt64(4) { _ = rig.ask(pull(ranks, clock: step)) }
    for step in 1..<UInt64(4) { for slice in 0..<2 { _ = rig.ask(leaf(slice, step)) } }
    guard case .settled(let settlement)? = rig.order(.settle(clock: 4)).reports.first else {
      throw Missing("not settled")
    }
    #expect(settlement.staleness[0]?.slices == [4, 2, 2])
  }
}
