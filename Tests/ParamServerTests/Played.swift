import ParamServer
import Sharding
import Wire

func assign(
  server: Int = 0, of servers: Int = 1, slots: SlotMap? = nil, slices: Int = 1,
  tables: [TableDescription] = [describeTable()], workers: Int = 3, folder: String? = "own", epochSteps: UInt64 = 0,
  lag: Int = 0, start: ServerAssignment.Start = .fresh, clock: UInt64 = 0, kept: [Int] = []
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
    seed: 1, epochs: EpochClock(steps: epochSteps), folder: folder, start: start, clock: clock, kept: kept)
}

/// An assignment to restore what checkpoints up to `number` hold, as of `clock`.
func restoring(
  _ number: Int, _ files: [String], clock: UInt64, server: Int = 0, of servers: Int = 1,
  tables: [TableDescription] = [describeTable()], folder: String? = "own", lag: Int = 0,
  totals: StepTotals = StepTotals(), onlyParametersOf: [Int]? = nil
) -> ServerAssignment {
  let parts = files.enumerated().map {
    CheckpointPart(server: $0, path: $1, slots: 0, rows: 0, bytes: 0, digest: SHA256.hash([]))
  }
  let restore = ServerAssignment.Restore(
    run: Rig.run, chain: [CheckpointFiles(number: number, clock: clock, base: nil, parts: parts)], totals: totals,
    onlyParametersOf: onlyParametersOf)
  return assign(
    server: server, of: servers, tables: tables, folder: folder, lag: lag, start: .restored(restore), clock: clock,
    kept: onlyParametersOf == nil ? [number] : [])
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

/// A whole step, of one slice.
func push(_ step: Step, clock: UInt64) -> Message {
  let isEmpty = step.samples == 0
  return push(
    isEmpty ? [] : step.ranks, isEmpty ? [] : step.values, clock: clock, samples: step.samples, lossSum: step.lossSum,
    sighted: isEmpty ? [] : step.sightings.ranks, sightings: isEmpty ? [] : step.sightings.counts)
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
