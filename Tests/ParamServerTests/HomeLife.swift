import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

/// A life of three servers, in which slots gain and lose homes, servers lose all that they hold, checkpoints are written and
/// gone back to, and messages are lost, doubled and late. Every row that is read, slot that is written and clock that is
/// told is held against one server that nothing befalls.
final class HomeLife {
  static let steps: UInt64 = 40
  private static let servers = 3
  /// Slots move in segments.
  private static let segments = 8
  private static let segment = Rank.slots / segments

  let play: ServerPlay
  let lag: Int
  let tables: [TableDescription]
  let pool: [UInt64]
  let past: Past
  /// By segment, the first home first.
  var homes: [[Int]]
  /// By group and table, the step that is pushed next.
  private var next: [[UInt64]] = []
  private let disk = LifeCheckpoint.Disk()
  private var checkpoint: LifeCheckpoint?
  private var numbers = 0
  /// By giver and receiver, segments whose copying is ordered.
  private var copied: [[Int]: Set<Int>] = [:]
  /// By server, what its disk says too late of what it read.
  private var late: [[ServerCore.Event]]
  private(set) var filled = 0
  private(set) var changes = 0
  private(set) var rewinds = 0
  var committed: Int { disk.committed.count }

  init(seed: Int, lag: Int) throws {
    self.lag = lag
    var generator = SeededGenerator(seed * 1000 + lag)
    pool = crowdedRanks(80, slots: 160, using: &generator)
    var sparse = describeTable()
    if seed % 2 == 0 { sparse.admission = .init(sightings: 3, alwaysAdmitted: Array(pool.prefix(10))) }
    sparse.eviction = .sample(seed)
    tables = [sparse, describeTable(width: 4)]
    homes = (0..<Self.segments).map { [$0 % 2, $0 % 2 == 0 ? 1 : 2] }
    play = try ServerPlay(Self.map(homes), servers: Self.servers, seed: seed * 1000 + lag)
    late = Array(repeating: [], count: Self.servers)
    play.loss = [0, 0.1, 0.3][seed % 3]
    past = try Past(tables, pool: pool, lag: lag, steps: Self.steps, using: &generator)
    try play.begin(tables: tables, lag: lag)
    begin(at: 0)
    play.write = { [disk] in disk.write($0, checkpoint: $1) }
  }

  private static func map(_ homes: [[Int]]) throws -> SlotMap {
    try SlotMap(
      runs: homes.enumerated().map { .init(first: $0 * segment, count: segment, homes: $1) })
  }

  private func begin(at clock: UInt64) {
    next = play.slots.groups.map { _ in tables.map { _ in clock } }
    copied = [:]
    checkpoint = nil
  }

  private func chance(_ probability: Double) -> Bool { .random(in: 0..<1, using: &play.generator) < probability }
  private var firsts: [Int] { Set(homes.map { $0[0] }).sorted() }

  /// What all first homes have come to.
  var clock: UInt64 { firsts.map { play.clocks[$0] }.min()! }

  // MARK: Living

  func live() throws {
    var rounds = 0
    while clock < Self.steps, rounds < 4000 {
      rounds += 1
      let isCalm = rounds > 1500
      push()
      try look()
      play.run(rounds: .random(in: 0..<8, using: &play.generator), turns: chance(0.7))
      if chance(0.03) { fill() }
      if chance(0.02), checkpoint == nil, clock + 3 < Self.steps { orderCheckpoint() }
      let committed = committed
      try listen()
      // What was just recorded is the first that may be missed.
      if !isCalm, chance(self.committed > committed ? 0.2 : 0.008) { try change() }
    }
    try end()
  }

  /// Pushes one step to one group, perhaps once more than is needed.
  private func push() {
    let group = play.slots.groups.randomElement(using: &play.generator)!
    let table = Int.random(in: 0..<tables.count, using: &play.generator)
    let step = next[group.number][table]
    guard step <= clock + UInt64(lag), step < Self.steps else { return }
    let before = chance(0.1) && step > 0 ? step - 1 : step
    let message = play.part(
      past.steps[Int(before)][table], of: group, clock: before, table: table, width: tables[table].gradientWidth)
    let refusals = play.ask(message, of: group.first).refusals
    #expect(refusals.isEmpty, "step \(before) of \(clock)")
    if before == step, refusals.isEmpty { next[group.number][table] += 1 }
  }

  /// Reads what a worker might read now.
  private func look() throws {
    let group = play.slots.groups.randomElement(using: &play.generator)!
    let table = Int.random(in: 0..<tables.count, using: &play.generator)
    let clock = clock
    let wanted = UInt64.random(in: clock - min(clock, UInt64(lag))...clock, using: &play.generator)
    let places = pool.indices.filter { place in
      group.slots.contains { $0.contains(Rank.slot(of: pool[place])) }
    }
    let effects = play.ask(
      pull(places.map { pool[$0] }, clock: wanted, table: table, group: group.number), of: group.first, from: 1)
    let width = tables[table].width
    let expected = places.flatMap { past.reads[Int(wanted)][table][$0 * width..<($0 + 1) * width] }
    #expect(effects.rows == [expected], "clock \(wanted) of \(clock)")
  }

  /// Has a first home copy segments of a group to somebody else.
  private func fill() {
    let giver = firsts.randomElement(using: &play.generator)!
    let receiver = (0..<Self.servers).randomElement(using: &play.generator)!
    let wanted = homes.indices.filter {
      homes[$0][0] == giver && !homes[$0].contains(receiver) && chance(0.7)
        && !(copied[[giver, receiver]]?.contains($0) ?? false)
    }
    guard receiver != giver, !wanted.isEmpty else { return }
    copied[[giver, receiver], default: []].formUnion(wanted)
    let slots = wanted.map { $0 * Self.segment..<($0 + 1) * Self.segment }
    play.order(.fill(FillOrder(slots: slots, to: receiver)), of: giver)
  }

  private func orderCheckpoint() {
    numbers += 1
    let clock = firsts.map { play.clocks[$0] }.max()! + .random(in: 0...2, using: &play.generator)
    checkpoint = LifeCheckpoint(number: numbers, clock: clock, base: disk.base, firsts: Set(firsts))
    for first in firsts {
      play.order(.checkpoint(CheckpointOrder(number: numbers, clock: clock, base: disk.base)), of: first)
    }
    for server in 0..<Self.servers { play.order(.settle(clock: clock), of: server) }
  }

  /// Hears what servers report, as a coordinator does.
  private func listen() throws {
    for server in 0..<Self.servers {
      for report in play.reports(of: server) {
        switch report {
        case .filled: filled += 1
        case .held(let totals):
          guard checkpoint?.held(totals, by: server) ?? false else { break }
          for first in firsts { play.order(.write(checkpoint: checkpoint!.number), of: first) }
        case .written(let part): checkpoint?.written(part, by: server)
        case .missed: checkpoint?.missed(by: server)
        case .settled(let settlement): checkpoint?.settled(settlement.totals, by: server)
        default: break
        }
      }
    }
    guard let checkpoint, checkpoint.isWritten || checkpoint.isMissed && checkpoint.waiting.isEmpty else { return }
    if !checkpoint.isMissed {
      guard checkpoint.settled.count == Self.servers else { return }
      try disk.commit(checkpoint, against: past)
    }
    self.checkpoint = nil
  }

  // MARK: Views

  /// Proposes views until one is adopted.
  private func change() throws {
    changes += 1
    while true {
      try listen()
      let proposal = play.skip()
      let standings = try play.rigs.map { try $0.propose(proposal) }
      for server in 0..<Self.servers { _ = play.reports(of: server) }
      checkpoint = nil
      play.run(rounds: .random(in: 0..<5, using: &play.generator))
      if chance(0.2) { continue }
      if chance(0.85), try goOn(with: standings) { return }
      if try rewind() { return }
    }
  }

  /// Who may be a home of each segment now, with the clock of what it holds, and how far it can go back.
  private func holders(
    _ standings: [ServerStanding], without dead: Int?
  ) -> [[(server: Int, held: ServerStanding.Holding)]] {
    homes.indices.map { segment in
      let slot = segment * Self.segment
      func covers(_ ranges: [Range<Int>]) -> Bool { ranges.contains { $0.contains(slot) } }
      var found: [(server: Int, held: ServerStanding.Holding)] = []
      for server in homes[segment] where server != dead {
        found += standings[server].holdings.filter { covers($0.slots) }.map { (server, $0) }
      }
      let giver = homes[segment][0]
      for order in standings[giver].filled where giver != dead && order.server != dead && covers(order.slots) {
        found += (standings[order.server].copies[giver] ?? [])
          .filter { covers($0.slots) && $0.clock >= disk.base?.clock ?? 0 }.map { (order.server, $0) }
      }
      return found
    }
  }

  private func goOn(with standings: [ServerStanding]) throws -> Bool {
    guard standings.allSatisfy({ $0.view == play.view }) else { return false }
    let dead = chance(0.3) ? Int.random(in: 0..<Self.servers, using: &play.generator) : nil
    let holders = holders(standings, without: dead)
    guard holders.allSatisfy({ !$0.isEmpty }) else { return false }
    let chosen = holders.map {
      Array($0.shuffled(using: &play.generator).prefix(.random(in: 1...2, using: &play.generator)))
    }
    let clock = chosen.joined().map(\.held.clock).min()!
    #expect(clock >= disk.base?.clock ?? 0, "a state that is recorded is lost")
    #expect(chosen.joined().allSatisfy { $0.held.earliest <= clock }, "\(clock): \(standings)")
    homes = chosen.map { $0.map(\.server) }
    play.slots = try Self.map(homes)
    try adopt(.held, clock: clock)
    return true
  }

  /// Goes back to the last checkpoint, or to the start; perhaps not all the way.
  private func rewind() throws -> Bool {
    rewinds += 1
    homes = homes.map { _ in
      Array((0..<Self.servers).shuffled(using: &play.generator).prefix(.random(in: 1...2, using: &play.generator)))
    }
    play.slots = try Self.map(homes)
    let isWhole = chance(0.7)
    guard let last = disk.committed.last else {
      try adopt(.fresh, clock: 0)
      return true
    }
    let restore = ServerAssignment.Restore(
      run: Rig.run, chain: [CheckpointFiles(number: last.number, clock: last.clock, base: nil, parts: [])],
      totals: last.totals[0])
    play.proceed()
    for rig in play.rigs {
      let assignment = play.assignment(
        rig.server, tables: tables, lag: lag, start: .restored(restore), clock: last.clock)
      if chance(0.5) { sayLate(rig) }
      play.perform(rig.order(.adopt(assignment), view: play.view), of: rig.server)
      sayLate(rig)
      let events = try disk.slots(heldBy: rig.server, in: play.slots).map(ServerCore.Event.slot) + [.restored]
      let heard = isWhole ? events.count : .random(in: 0..<events.count, using: &play.generator)
      for event in events[..<heard] { play.perform(rig.tell(event), of: rig.server) }
      late[rig.server] = Array(events[heard...])
    }
    begin(at: last.clock)
    return isWhole
  }

  /// What an interrupted reading still comes to is answered to nobody.
  private func sayLate(_ rig: Rig) {
    for event in late[rig.server] { #expect(play.perform(rig.tell(event), of: rig.server).reports.isEmpty) }
    late[rig.server] = []
  }

  private func adopt(_ start: ServerAssignment.Start, clock: UInt64) throws {
    play.proceed()
    for rig in play.rigs.shuffled(using: &play.generator) {
      let assignment = play.assignment(rig.server, tables: tables, lag: lag, start: start, clock: clock)
      if chance(0.5) { sayLate(rig) }
      let reports = play.perform(rig.order(.adopt(assignment), view: play.view), of: rig.server).reports
      guard case .adopted? = reports.first else { throw Missing() }
      sayLate(rig)
      // Others have not heard of the view yet.
      play.run(rounds: .random(in: 0..<4, using: &play.generator))
    }
    for server in 0..<Self.servers { _ = play.reports(of: server) }
    begin(at: clock)
  }

  // MARK: The end

  private func end() throws {
    play.run()
    try listen()
    #expect(clock == Self.steps)
    #expect(try play.digests() == past.digests)
    let proposal = play.skip()
    for rig in play.rigs { #expect(try rig.propose(proposal).holdings.allSatisfy { $0.clock == Self.steps }) }
  }
}
