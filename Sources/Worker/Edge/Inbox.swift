import Features
import Wire

/// What threads tell the core: the thread that owns the sockets is woken, and takes it.
package final class Inbox: Sendable {
  private let waker: Waker
  /// Far more than there are pieces of work under way.
  private let events = BoundedQueue<WorkerCore.Event>(capacity: 1 << 12)

  package init(waking waker: Waker) { self.waker = waker }

  package func put(_ event: WorkerCore.Event) {
    if events.push(event) { waker.wake() }
  }

  package func next() -> WorkerCore.Event? { events.tryPop() }

  /// Nobody listens any more, and nobody waits to be heard.
  package func close() { events.cancel() }
}
