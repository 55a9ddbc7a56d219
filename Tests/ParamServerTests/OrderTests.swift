import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

@Suite("What the coordinator orders of a server")
struct OrderTests {
  private let ranks = [rank(3), rank(3, 9), rank(700)]
  private let ones = [Float](repeating: 1, count: 9)

  @Test("An order to settle is answered when the clock is there, once, with what the epoch came to")
  func settle() throws {
    let rig = try Rig.serving(assign(epochSteps: 2))
    let order = rig.envelope(.settle(clock: 2))
    for _ in 0..<3 { #expect(rig.tell(.ordered(order)).isEmpty) }
    #expect(try rig.train(ranks, ones).reports.isEmpty)
    let effects = try rig.train(ranks, ones)
    guard case .settled(let told)? = effects.reports.first, effects.reports.count == 1 else {
      Issue.record("\(effects.reports)")
      return
    }
    #expect(told.totals == StepTotals(rows: 2, lossSum: 1) && told.staleness.isEmpty)
    #expect(effects.told.first?.preamble.request == order.preamble.request)
    #expect(try rig.train(ranks, ones).reports.isEmpty, "it was answered")
    // The report was lost: the repetition gets the same, though totals began anew.
    let again = rig.tell(.ordered(order))
    guard case .settled(told)? = again.reports.first else {
      Issue.record("\(again.reports)")
      return
    }
    #expect(again.told.first?.preamble.request == order.preamble.request)
    guard case .settled(let now)? = rig.order(.settle(clock: 1)).reports.first else {
      Issue.record("a clock that is there already")
      return
    }
    #expect(now.totals == StepTotals(rows: 1, lossSum: 0.5))
  }

  @Test("A checkpoint waits for its clock, is held, and is reported when it is written and complete")
  func checkpoint() throws {
    let rig = try Rig.serving()
    let order = rig.envelope(.checkpoint(CheckpointOrder(number: 4, clock: 1, base: nil)))
    #expect(rig.tell(.ordered(order)).isEmpty && !rig.hasLongWork)
    let held = try rig.train(ranks, ones)
    guard case .held(StepTotals(rows: 1, lossSum: 0.5))? = held.reports.first else { throw Missing() }
    #expect(held.told.first?.preamble.request == order.preamble.request && !rig.hasLongWork)
    guard case .held? = rig.tell(.ordered(order)).reports.first else { throw Missing("no repetition") }
    let write = rig.envelope(.write(checkpoint: 4))
    #expect(rig.tell(.ordered(write)).isEmpty && rig.hasLongWork)
    let effects = rig.tell(.turn)
    guard case .write(let slots, let header)? = effects.first, effects.count == 1 else { throw Missing("\(effects)") }
    #expect(header == PartHeader(run: Rig.run, checkpoint: 4, clock: 1, base: nil, server: 0))
    #expect(slots.map(\.slot) == [3, 700] && slots.map(\.count) == [2, 1])
    #expect(!rig.hasLongWork && rig.tell(.turn).isEmpty, "the disk is at it")
    #expect(rig.tell(.ordered(write)).isEmpty, "a repetition begins nothing")
    #expect(rig.tell(.written(checkpoint: 3)).isEmpty && !rig.hasLongWork, "that was another's")
    #expect(rig.tell(.written(checkpoint: 4)).isEmpty)
    let finish = rig.tell(.turn)
    guard case .finish(header)? = finish.first, finish.count == 1 else { throw Missing("\(finish)") }
    #expect(!rig.hasLongWork && rig.tell(.turn).isEmpty)
    let part = PartSum(header).part(at: "part")
    #expect(rig.tell(.finished(checkpoint: 3, part)).isEmpty)
    let written = rig.tell(.finished(checkpoint: 4, part))
    guard case .written(part)? = written.reports.first else { throw Missing("\(written)") }
    #expect(written.told.first?.preamble.request == write.preamble.request)
    #expect(rig.tell(.finished(checkpoint: 4, part)).isEmpty, "once")
    guard case .written(part)? = rig.tell(.ordered(write)).reports.first else { throw Missing("no repetition") }
  }

  @Test(
    "A checkpoint holds what has changed since the one it stands on, written or not, and nothing is nothing to wait for"
  )
  func delta() throws {
    let rig = try Rig.serving()
    try rig.train(ranks, ones)
    #expect(try rig.checkpoint(number: 1).map(\.slot) == [3, 700])
    #expect(try rig.checkpoint(number: 2, since: 1).isEmpty)
    try rig.train([rank(700)], [1, 1, 1])
    #expect(try rig.checkpoint(number: 3, since: 1).map(\.slot) == [700])
    #expect(try rig.checkpoint(number: 4, since: 1).map(\.slot) == [700], "the third was never committed")
    #expect(try rig.checkpoint(number: 5).map(\.slot) == [3, 700])
  }

  @Test("Files of checkpoints that are not kept are removed, once")
  func remove() throws {
    let rig = try Rig.serving()
    let order = rig.envelope(.remove(files: ["a", "b"]))
    let effects = rig.tell(.ordered(order))
    guard case .remove(files: ["a", "b"])? = effects.first, case .done? = effects.reports.first else {
      throw Missing("\(effects)")
    }
    #expect(rig.tell(.ordered(order)).count == 1, "once")
  }

  @Test("A digest covers the parameters, in turns, and is answered once")
  func digest() throws {
    let rig = try Rig.serving()
    let many = (0..<600).map { rank($0 * 20) }
    try rig.train(many, [Float](repeating: 1, count: 1800))
    let order = rig.envelope(.digest)
    for _ in 0..<2 { #expect(rig.tell(.ordered(order)).isEmpty) }
    var turns = 0
    var report: [ServerReport] = []
    while rig.hasLongWork {
      turns += 1
      report += rig.tell(.turn).reports
    }
    guard case .digests(let digests)? = report.first, report.count == 1 else {
      Issue.record("\(report.count) reports")
      return
    }
    #expect(turns > 1 && digests.all.map(\.slot) == (0..<600).map { $0 * 20 })
    guard case .digests(digests)? = rig.tell(.ordered(order)).reports.first else {
      Issue.record("no repetition")
      return
    }
    try rig.train([many[7]], [1, 1, 1])
    let other = try rig.digests()
    #expect(zip(digests.all, other).filter { $0 != $1 }.map(\.0.slot) == [140])
  }

  @Test("Parameters that are not numbers end the run before they are written", arguments: [Float.nan, .infinity])
  func notNumbers(poison: Float) throws {
    let rig = try Rig.serving(assign(tables: [describeTable(), sgd()]))
    _ = rig.ask(push([], [], samples: 0, lossSum: 0, table: 0))
    _ = rig.ask(push([rank(9)], [poison, 0], table: 1))
    #expect(rig.clock == 1)
    #expect(rig.hold(1, at: 1).reports.count == 1 && rig.order(.write(checkpoint: 1)).isEmpty)
    let effects = rig.tell(.turn)
    guard case .notNumbers(table: "dense", clock: 1)? = effects.error else {
      Issue.record("\(effects)")
      return
    }
    guard case .failed(let sentence)? = effects.told.first?.message else {
      Issue.record("the coordinator is not told")
      return
    }
    #expect(sentence.contains("\"dense\"") && sentence.contains("--lr"))
    #expect(rig.tell(.turn).isEmpty && !effects.contains { if case .write = $0 { true } else { false } })
  }

  private func sgd() -> TableDescription {
    TableDescription(
      name: "dense", regions: [.init(firstKey: 0, columns: [.init(name: "block", width: 2, initializer: .zero)])],
      optimizer: .init(.sgd, learningRate: 1))
  }

  @Test("A server without a directory to write to is not asked for a checkpoint")
  func noFolder() throws {
    let rig = try Rig.serving(assign(folder: nil))
    #expect(rig.hold(1, at: 0).error != nil)
  }

  @Test("A file that cannot be read ends the server with its reason")
  func unreadable() throws {
    let rig = try Rig.serving()
    let effects = rig.tell(.failed(.file(.file(path: "own", reason: "disk full"))))
    guard case .failed(let sentence)? = effects.told.first?.message else {
      Issue.record("\(effects)")
      return
    }
    #expect(sentence.contains("own: disk full") && effects.hasEnded)
    #expect(effects.told[0].preamble.request > 0, "it is asked again until it is heard")
  }

  @Test("Adopting a later view replaces everything that was under way in the one before")
  func laterView() throws {
    let rig = try Rig.serving(assign(slices: 2))
    try rig.train(ranks, ones, slices: 2)
    _ = rig.ask(pull(ranks, clock: 2), from: 1)
    _ = rig.ask(push(ranks, ones, clock: 1))
    #expect(
      rig.order(.settle(clock: 5)).isEmpty && rig.hold(1, at: 2).isEmpty)
    #expect(rig.order(.digest).isEmpty && rig.hasLongWork)
    let stale = rig.question(pull(ranks, clock: 1))
    let old = rig.envelope(.digest)
    try rig.adopt(assign(slices: 1, workers: 1), view: 2)
    #expect(rig.clock == 0 && rig.parkedPulls == 0 && !rig.hasLongWork)
    #expect(rig.receive(stale).refusals == [.staleView(now: 2)])
    #expect(rig.tell(.ordered(old)).isEmpty, "an order of a view that is over")
    #expect(rig.ask(pull([]), from: 1).refusals == [.unknownMember(Rig.worker(1))], "there is one worker now")
    let twin = try Rig.serving(assign(slices: 1, workers: 1))
    #expect(try rig.state() == twin.state())
    for rig in [rig, twin] { try rig.train(ranks, ones) }
    #expect(try rig.state() == twin.state() && rig.checkpoint(number: 1) == twin.checkpoint(number: 1))
  }

  @Test("A repeated order to adopt starts nothing anew")
  func adoptAgain() throws {
    let rig = try Rig.welcomed()
    let order = rig.envelope(.adopt(assign()), view: 1)
    #expect(rig.tell(.ordered(order)).reports.count == 1)
    try rig.train(ranks, ones)
    let again = rig.tell(.ordered(order))
    #expect(again.count == 1 && again.reports.count == 1)
    #expect(rig.clock == 1)
  }
}
