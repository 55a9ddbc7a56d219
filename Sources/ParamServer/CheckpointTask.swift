import Checkpoint

/// A checkpoint being written, a few slots at a time, so that the server keeps answering meanwhile.
struct CheckpointTask {
  let number: Int
  /// Steps before this one are in it.
  let clock: UInt64
  private var state = State.waiting
  private(set) var slots = 0
  private(set) var bytes = 0

  private enum State {
    case waiting
    /// What is left to write.
    case ready(ArraySlice<(table: Int, slot: Int)>)
    /// The edge is at it.
    case writing(ArraySlice<(table: Int, slot: Int)>)
    case syncing
  }

  enum Next {
    case write([SlotSnapshot])
    case sync
    /// This table's parameters are not numbers any more.
    case notNumbers(table: String)
  }

  /// A transaction's worth.
  private static let batchBytes = 4 << 20

  init(number: Int, clock: UInt64) {
    self.number = number
    self.clock = clock
  }

  var hasBegun: Bool { if case .waiting = state { false } else { true } }
  var wantsTurn: Bool { if case .ready = state { true } else { false } }

  /// Begins once all steps before the checkpoint's clock are applied.
  mutating func begin(_ shard: Shard) {
    guard case .waiting = state, shard.clock >= clock else { return }
    state = .ready(shard.dirtySlots[...])
  }

  /// What to do next. A slot counts as clean from the moment it is handed out.
  mutating func next(of shard: inout Shard) -> Next {
    guard case .ready(var remaining) = state else { return .sync }
    var batch: [SlotSnapshot] = []
    var size = 0
    while size < Self.batchBytes, let (table, slot) = remaining.popFirst() {
      let snapshot = shard.snapshot(table: table, slot: slot)
      guard snapshot.areNumbers else { return .notNumbers(table: shard.assignment.tables[table].name) }
      shard.markClean(table: table, slot: slot)
      size += snapshot.bytes.count
      batch.append(snapshot)
    }
    slots += batch.count
    bytes += size
    guard batch.isEmpty else {
      state = .writing(remaining)
      return .write(batch)
    }
    state = .syncing
    return .sync
  }

  mutating func written() {
    if case .writing(let remaining) = state { state = .ready(remaining) }
  }
}
