import Foundation

/// Pieces of work between uses, and how many are away. Who waits for one waits for computing, and through it for servers: see "Waits"
/// in ARCHITECTURE.md.
///
/// `@unchecked Sendable`: all state is read and written under the condition's lock.
final class WorkPool: @unchecked Sendable {
  private let condition = NSCondition()
  private var free: [StepWork] = []
  private var away = 0
  private var isClosed = false

  /// Waits while `most` pieces are away. Returns nil once the pool is closed.
  func take(most: Int) -> StepWork? {
    condition.lock()
    defer { condition.unlock() }
    while away >= most, !isClosed { condition.wait() }
    guard !isClosed else { return nil }
    away += 1
    return free.popLast() ?? StepWork()
  }

  /// Takes back a piece that is done.
  func give(_ work: StepWork) {
    condition.lock()
    defer { condition.unlock() }
    away -= 1
    free.append(work)
    condition.broadcast()
  }

  /// No more work: whoever waits for some is told.
  func close() {
    condition.lock()
    defer { condition.unlock() }
    isClosed = true
    condition.broadcast()
  }
}
