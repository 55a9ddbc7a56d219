import Checkpoint
import Sharding

/// A checkpoint of what this server is the first home of: its tables hold their state at the clock as they come to it, and it is
/// written a few slots at a time, while the server keeps answering and later steps go on.
struct CheckpointTask {
  let order: CheckpointOrder
  /// What is to be answered once the state is held, and once it is written.
  private(set) var holding: ServerCore.Asked?
  private(set) var writing: ServerCore.Asked?
  private var state = State.waiting
  /// Whether it was said that steps wait for it.
  var hasSaidFull = false

  private enum State {
    /// For the clock, or to be told to write.
    case waiting
    /// What is left to write.
    case ready(ArraySlice<Shard.SlotPlace>)
    /// The edge is at it.
    case writing(ArraySlice<Shard.SlotPlace>)
    case finishing
  }

  enum Next {
    case write([SlotSnapshot])
    case finish
    /// This table's parameters are not numbers any more.
    case notNumbers(table: String)
  }

  /// A transaction's worth: no step waits longer than copying this takes.
  private static let batchBytes = 1 << 20

  init(_ order: CheckpointOrder, _ asked: ServerCore.Asked) {
    self.order = order
    holding = asked
  }

  var isBeingWritten: Bool { writing != nil }
  var wantsTurn: Bool { if case .ready = state { true } else { false } }

  /// What to answer, if all tables hold their state by now and that was not said.
  mutating func held(by shard: Shard) -> ServerCore.Asked? {
    guard let asked = holding, shard.isHeld else { return nil }
    holding = nil
    return asked
  }

  mutating func write(_ asked: ServerCore.Asked, _ shard: Shard) {
    writing = asked
    state = .ready(shard.heldSlots[...])
  }

  /// What to do next.
  mutating func next(of shard: Shard) -> Next {
    guard case .ready(var remaining) = state else { return .finish }
    var batch: [SlotSnapshot] = []
    var size = 0
    while size < Self.batchBytes, let place = remaining.popFirst() {
      guard let snapshot = shard.takeHeld(place), !snapshot.isEmpty else { continue }
      guard snapshot.areNumbers else { return .notNumbers(table: shard.assignment.tables[place.table].name) }
      size += snapshot.bytes.count
      batch.append(snapshot)
    }
    state = batch.isEmpty ? .finishing : .writing(remaining)
    return batch.isEmpty ? .finish : .write(batch)
  }

  mutating func written() {
    if case .writing(let remaining) = state { state = .ready(remaining) }
  }
}
