import Foundation
import Synchronization

/// A thread under a name that debuggers and `top -H` show, which can be waited for.
///
/// Whoever starts one joins it before the process ends: a thread that still runs while a process exits may touch what
/// is gone already.
public final class NamedThread: Sendable {
  /// nil once it is joined.
  private let thread: Mutex<pthread_t?>

  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// Starts the thread.
  ///
  /// - Parameter name: the system keeps the first 15 bytes.
  public init(_ name: String, _ body: @escaping @Sendable () -> Void) {
    var new = pthread_t()
    let argument = Unmanaged.passRetained(Body(name, body)).toOpaque()
    let failure = pthread_create(
      &new, nil,
      { argument in
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        Thread.current.name = body.name
        body.run()
        return nil
      }, argument)
    precondition(failure == 0, "the system starts no more threads: \(String(cString: strerror(failure)))")
    thread = Mutex(new)
  }

  deinit {
    thread.withLock { if let thread = $0 { pthread_detach(thread) } }
  }

  /// Waits until the body has returned and the thread is gone. May be called again, and by several threads.
  public func join() {
    thread.withLock { thread in
      guard let running = thread else { return }
      pthread_join(running, nil)
      thread = nil
    }
  }
}
