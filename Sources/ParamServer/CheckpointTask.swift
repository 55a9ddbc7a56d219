import Checkpoint
import Sharding

/// A checkpoint being written, a few slots at a time, so that the server keeps answering meanwhile. Its tables are held at its
/// clock until it is on the disk.
struct CheckpointTask {
  let order: CheckpointOrder
  private var state = State.waiting
  private(set) var slots = 0
  private(set) var bytes = 0

  private enum State {
    case waiting
    /// What is left to write.
    case ready(ArraySlice<Shard.SlotPlace>)
    /// The edge is at it.
    case writing(ArraySlice<Shard.SlotPlace>)
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

  init(_ order: CheckpointOrder) { self.order = order }

  var hasBegun: Bool { if case .waiting = state { false } else { true } }
  var wantsTurn: Bool { if case .ready = state { true } else { false } }

  /// Begins once all steps before the checkpoint's clock are applied.
  mutating func begin(_ shard: Shard) {
    guard case .waiting = state, shard.isAt(order.clock) else { return }
    state = .ready(shard.slots(changedSince: order.since)[...])
  }

  /// What to do next.
  mutating func next(of shard: Shard) -> Next {
    guard case .ready(var remaining) = state else { return .sync }
    var batch: [SlotSnapshot] = []
    var size = 0
    while size < Self.batchBytes, let place = remaining.popFirst() {
      guard let snapshot = shard.snapshot(place) else { continue }
      guard snapshot.areNumbers else { return .notNumbers(table: shard.assignment.tables[place.table].name) }
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
