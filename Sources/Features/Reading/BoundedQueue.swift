import Foundation

/// Hands elements from thread to thread, at most `capacity` of them waiting. It waits as long as the other thread takes: see
/// "Waits" in ARCHITECTURE.md for who notices when that is too long.
///
/// `@unchecked Sendable`: all state is read and written under the condition's lock.
public final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private let capacity: Int
  private var elements: [Element] = []
  private var first = 0
  private var isClosed = false

  public init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
  }

  private var count: Int { elements.count - first }

  /// Waits while the queue is full. Returns false, and drops the element, if it is closed.
  public func push(_ element: Element) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while count >= capacity, !isClosed { condition.wait() }
    guard !isClosed else { return false }
    elements.append(element)
    condition.broadcast()
    return true
  }

  /// Waits while the queue is empty. Returns nil when it is closed and empty.
  public func pop() -> Element? {
    condition.lock()
    defer { condition.unlock() }
    while count == 0, !isClosed { condition.wait() }
    return take()
  }

  /// The next element, if one waits.
  public func tryPop() -> Element? {
    condition.lock()
    defer { condition.unlock() }
    return take()
  }

  private func take() -> Element? {
    guard count > 0 else { return nil }
    let element = elements[first]
    first += 1
    if first == elements.count || first > 1024 {
      elements.removeFirst(first)
      first = 0
    }
    condition.broadcast()
    return element
  }

  /// No more elements come; those that wait are still handed out.
  public func close() {
    condition.lock()
    isClosed = true
    condition.broadcast()
    condition.unlock()
  }

  /// As `close`, and what waits is dropped.
  public func cancel() {
    condition.lock()
    isClosed = true
    elements.removeAll()
    first = 0
    condition.broadcast()
    condition.unlock()
  }
}
