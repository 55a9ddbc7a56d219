import ParamServer
import Sharding
import Wire

func assign(
  server: Int = 0, of servers: Int = 1, slots: SlotMap? = nil, slices: Int = 1,
  tables: [TableDescription] = [describeTable()], workers: Int = 3, database: String? = "own", epochSteps: UInt64 = 0,
  lag: Int = 0, start: ServerAssignment.Start = .fresh, clock: UInt64 = 0, committed: [Int] = []
) -> ServerAssignment {
  let slots = slots ?? SlotMap(servers: servers)
  let tables = tables.map { table in
    var table = table
    if !table.isAsync { table.staleness = lag }
    return table
  }
  let seats = (0...max(servers - 1, slots.servers.last!)).map {
    Seat(number: $0, incarnation: Rig.server($0), endpoint: "tcp://here:\($0)")
  }
  return ServerAssignment(
    server: server, slots: slots, servers: seats,
    workers: (0..<workers).map { Seat(number: $0, incarnation: Rig.worker($0)) }, tables: tables, slices: slices,
    seed: 1, epochs: EpochClock(steps: epochSteps), database: database, start: start, clock: clock,
    committed: committed)
}

/// An assignment to restore what checkpoints up to `number` hold, as of `clock`.
func restoring(
  _ number: Int, _ databases: [String], clock: UInt64, server: Int = 0, of servers: Int = 1,
  tables: [TableDescription] = [describeTable()], database: String? = "own", lag: Int = 0,
  totals: StepTotals = StepTotals(), onlyParametersOf: Int? = nil
) -> ServerAssignment {
  let restore = ServerAssignment.Restore(
    checkpoints: Array(1...number), databases: databases, totals: totals, onlyParametersOf: onlyParametersOf)
  return assign(
    server: server, of: servers, tables: tables, database: database, lag: lag, start: .restored(restore), clock: clock,
    committed: onlyParametersOf == nil ? restore.checkpoints : [])
}

/// A rank of a slot.
func rank(_ slot: Int, _ place: UInt64 = 0) -> UInt64 { Rank.first(ofSlot: slot) | place }

func frame<Element: BitwiseCopyable>(_ elements: [Element]) -> Frame {
  elements.withUnsafeBufferPointer { Frame(copying: $0) }
}

func pull(
  _ ranks: [UInt64], clock: UInt64 = 0, purpose: Pull.Purpose = .training, table: Int = 0, group: Int = 0
) -> Message {
  .pull(Pull(group: group, table: table, clock: clock, purpose: purpose, ranks: frame(ranks)))
}

func push(
  _ ranks: [UInt64], _ values: [Float], clock: UInt64 = 0, node: SliceNode = .init(level: 0, index: 0),
  samples: UInt64 = 1, lossSum: Double = 0.5, part: Int = 0, parts: Int = 1, table: Int = 0,
  sighted: [UInt64] = [], sightings: [UInt32] = [], group: Int = 0
) -> Message {
  .push(
    Wire.Push(
      group: group, table: table, clock: clock, node: node, part: part, parts: parts, samples: samples,
      lossSum: lossSum,
      ranks: frame(ranks), values: frame(values), sightedRanks: frame(sighted), sightings: frame(sightings)))
}
