import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

/// What one server that nothing befalls was at each clock of some steps.
struct Past {
  /// By step and table.
  private(set) var steps: [[Step]] = []
  /// By clock and table: the rows of all ranks of a pool, as bits.
  private(set) var reads: [[[UInt32]]] = []
  /// By clock: all slots that it holds, as a checkpoint would have them, and the totals.
  private(set) var slots: [[SlotBytes]] = []
  private(set) var totals: [StepTotals] = []
  private(set) var digests: [SlotDigest] = []

  init(
    _ tables: [TableDescription], pool: [UInt64], lag: Int, steps count: UInt64,
    using generator: inout SeededGenerator
  ) throws {
    let reference = try Reference(tables, lag: lag)
    func note() throws {
      let clock = try #require(reference.rig.clock)
      reads.append(tables.indices.map { reference.rig.ask(pull(pool, clock: clock, table: $0)).rows[0] })
      slots.append(try reference.rig.checkpoint(number: Int(clock)))
      totals.append(try #require(reference.rig.beat().totals))
    }
    try note()
    for step in 0..<count {
      var parts: [Step] = []
      for table in tables {
        let some = pool.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }
        var part = Step.random(some, width: table.gradientWidth, using: &generator)
        // Every table sees the same samples.
        (part.samples, part.lossSum) = step % 6 == 5 ? (0, 0) : (10 + step, Double(step) / 3)
        parts.append(part)
      }
      for (table, part) in parts.enumerated() { reference.push(part, table: table) }
      steps.append(parts)
      try note()
    }
    digests = try reference.rig.digests()
  }

  func slot(_ slot: SlotBytes, at clock: UInt64) -> SlotBytes? {
    slots[Int(clock)].first { $0.table == slot.table && $0.slot == slot.slot }
  }
}
