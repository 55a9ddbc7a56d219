import Checkpoint
import Sharding
import Wire

/// A table's state at a clock, held for a checkpoint while steps go on.
extension ServedTable {
  /// Bytes of old states that are kept beside a table at most: its next step waits until some of them are written.
  static let mostHeldBytes = 256 << 20

  /// Holds the table's state once it has come to a clock.
  func hold(_ hold: Hold) {
    table.dropHeld()
    holdsAt = hold
    holdIfDue()
  }

  func holdIfDue() {
    guard let due = holdsAt, due.clock == clock, isLevel else { return }
    holdsAt = nil
    table.hold(since: due.since, lag: due.lag)
  }

  var held: HeldState? { table.held }

  /// Whether the next step waits for what is written.
  var isFull: Bool { table.held.map { $0.bytes > Self.mostHeldBytes } ?? false }

  func takeHeld(slot: Int) -> SlotSnapshot? { table.takeHeld(slot: slot) }

  func dropHeld() {
    holdsAt = nil
    table.dropHeld()
  }
}
