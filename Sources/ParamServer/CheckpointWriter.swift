import Checkpoint

/// Writes a checkpoint a few slots at a time, so that the server keeps answering meanwhile.
struct CheckpointWriter {
  let number: Int
  private var remaining: ArraySlice<(table: Int, slot: Int)>
  private(set) var slots = 0
  private(set) var bytes = 0

  /// A transaction's worth.
  private static let batchBytes = 4 << 20

  init(number: Int, core: ServerCore) {
    self.number = number
    remaining = core.dirtySlots[...]
  }

  /// Writes the next slots. Returns true when all are written and on the disk.
  mutating func writeSome(of core: ServerCore, to database: ShardDatabase) throws -> Bool {
    var batch: [SlotSnapshot] = []
    var size = 0
    while size < Self.batchBytes, let (table, slot) = remaining.popFirst() {
      let snapshot = core.snapshot(table: table, slot: slot)
      size += snapshot.bytes.count
      batch.append(snapshot)
    }
    if !batch.isEmpty { try database.write(batch, checkpoint: number) }
    for snapshot in batch { core.markClean(table: snapshot.table, slot: snapshot.slot) }
    slots += batch.count
    bytes += size
    guard remaining.isEmpty else { return false }
    try database.sync()
    return true
  }
}
