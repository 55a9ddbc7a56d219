import Checkpoint
import Sharding
import Wire

/// What a shard has come to: clocks, loads, slots.
extension Shard {
  /// The table that is furthest behind: of those that workers ask; of all, where there are none.
  private var last: ServedTable? {
    var last: ServedTable?
    func look(at holding: Holding) {
      for case let table? in holding.tables where table.clock < last?.clock ?? .max { last = table }
    }
    if firstHoldings.isEmpty {
      for number in holdings.keys.sorted() { look(at: holdings[number]!) }
    } else {
      for holding in firstHoldings { look(at: holding) }
    }
    return last
  }

  /// Steps that all tables have applied, of groups that this server is the first home of.
  var clock: UInt64 { last?.clock ?? assignment.clock }
  /// Steps that everything has applied, whatever this server is to it.
  var settledClock: UInt64 {
    (Mutant.settleFirstHomes.isActive ? firstHoldings : Array(holdings.values)).map(\.clock).min() ?? .max
  }

  var parkedPulls: Int { holdings.values.reduce(0) { $0 + $1.served.reduce(0) { $0 + $1.parkedPulls } } }

  /// Of the table whose clock is ours.
  var totals: StepTotals { last?.table.totals ?? StepTotals() }

  var settlement: Settlement {
    var tables = assignment.tables.map { _ in TableSize() }
    for holding in firstHoldings {
      for (number, served) in holding.served.enumerated() { tables[number] += served.table.size }
    }
    return Settlement(totals: totals, staleness: staleness, tables: tables)
  }

  /// By number, what async tables met with that this server is the first home of.
  private var staleness: [Int: StalenessReport] {
    var reports: [Int: StalenessReport] = [:]
    for holding in firstHoldings {
      for (number, table) in holding.served.enumerated() where table.isAsync {
        reports[number, default: StalenessReport()].add(table.staleness.report)
      }
    }
    return reports
  }

  var activity: Activity {
    guard let last else { return Activity(.idle) }
    if let server = last.waitsFor { return Activity(.collecting, step: clock, waitsFor: [.server(server)]) }
    return Activity(.collecting, step: clock, slices: last.missingSlices)
  }

  /// What slots are worth of which this server is the first home.
  var loads: SlotLoads {
    let slots = assignment.slots.runs(firstAt: assignment.server)
    var memory = [Int](repeating: 0, count: Rank.slots)
    for holding in firstHoldings {
      for table in holding.served { for slot in holding.group.slots.joined() { memory[slot] += table.bytes(of: slot) } }
    }
    let all = Array(slots.joined())
    return SlotLoads(slots: slots, memory: all.map { memory[$0] }, traffic: all.map { 4 * traffic[$0] })
  }

  /// What is held, for a proposal.
  func standing(view: UInt32, filled: [FillOrder]) -> ServerStanding {
    var standing = ServerStanding(view: view, holdings: holdings.values.map(\.standing), filled: filled)
    standing.holdings.sort { $0.slots[0].lowerBound < $1.slots[0].lowerBound }
    for copy in copies.values where copy.isComplete {
      standing.copies[copy.group.first, default: []].append(copy.standing)
    }
    return standing
  }

  // MARK: Slots

  var load: ServerLoad {
    var tables = assignment.tables.map { ServerLoad.Table(name: $0.name, rows: 0, bytes: 0) }
    for holding in Array(holdings.values) + Array(copies.values) {
      for (number, served) in holding.tables.enumerated() {
        tables[number].rows += served?.table.rowCount ?? 0
        tables[number].bytes += served?.table.bytes ?? 0
      }
    }
    return ServerLoad(tables: tables)
  }

  /// A table's slot of which this server is the first home.
  struct SlotPlace {
    var group: Int
    var table: Int
    var slot: Int
  }

  /// Slots that hold rows, of first homes.
  var filledSlots: [SlotPlace] { places { $0.filledSlots } }

  private func places(_ slots: (borrowing Table) -> [Int]) -> [SlotPlace] {
    firstHoldings.flatMap { holding in
      holding.served.enumerated().flatMap { number, served in
        served.slots(slots).map { SlotPlace(group: holding.group.number, table: number, slot: $0) }
      }
    }
  }

  func digest(_ place: SlotPlace) -> SlotDigest? {
    guard let table = holdings[place.group]?.tables[place.table] else { return nil }
    return SlotDigest(table: place.table, slot: place.slot, digest: table.table.digest(slot: place.slot))
  }

  /// Puts a stored slot where it was. From another model's checkpoint only the parameters are taken: its optimizer starts
  /// anew.
  ///
  /// - Throws: `SnapshotError` where the bytes are not a slot of this table.
  func restore(_ slot: ServerCore.StoredSlot) throws {
    guard case .restored(let restore) = assignment.start else { return }
    let only = restore.onlyParametersOf
    guard only?.contains(slot.table) ?? true else { return }
    guard assignment.tables.indices.contains(slot.table),
      let holding = holdings.values.first(where: { $0.group.slots.contains { $0.contains(slot.slot) } })
    else { throw SnapshotError.otherTable }
    try holding.tables[slot.table]?.restore(
      slot.bytes, slot: slot.slot, onlyParameters: only != nil, history: only == nil)
  }

  // MARK: Checkpoints

  private var firstTables: [ServedTable] { firstHoldings.flatMap(\.served) }

  /// Has all tables hold their state at a clock. Returns the clock of one that is past it, if there is one; nothing is held then.
  func hold(_ order: CheckpointOrder) -> UInt64? {
    releaseHeld()
    if let past = firstTables.map(\.foremost).max(), past > order.clock { return past }
    for table in firstTables {
      table.hold(.init(clock: order.clock, since: order.base?.clock, lag: assignment.lag))
    }
    return nil
  }

  func releaseHeld() { for table in firstTables { table.dropHeld() } }

  /// Whether all tables hold their state.
  var isHeld: Bool { firstTables.allSatisfy { $0.held != nil } }
  var heldTotals: StepTotals { firstTables.first?.held?.totals ?? StepTotals() }
  /// Whether a step waits until some of it is written.
  var isFull: Bool { firstTables.contains(where: \.isFull) }

  /// Slots of the state that is held, in ascending order of tables and slots.
  var heldSlots: [SlotPlace] {
    firstHoldings.flatMap { holding in
      holding.served.enumerated().flatMap { number, table in
        (table.held?.left.slots ?? []).map { SlotPlace(group: holding.group.number, table: number, slot: $0) }
      }
    }.sorted { ($0.table, $0.slot) < ($1.table, $1.slot) }
  }

  func takeHeld(_ place: SlotPlace) -> SlotSnapshot? {
    holdings[place.group]?.tables[place.table]?.takeHeld(slot: place.slot)
  }
}

extension ServedTable {
  func slots(_ body: (borrowing Table) -> [Int]) -> [Int] { body(table) }
}
