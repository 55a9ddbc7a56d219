import Foundation
import Synchronization

/// A thread under a name that debuggers and `top -H` show, which can be waited for.
///
/// Whoever starts one joins it before the process ends: a thread that still runs while a process exits may touch what
/// is gone already.
public final class NamedThread: Sendable {
  private let name: String
  /// nil once it is joined.
  private let thread: Mutex<pthread_t?>

  /// Seconds that a thread may take that was told to end: to compute what it has begun, or to read it. Beyond that it may hang.
  private static let patience = 60
  /// Signalled when the body has returned.
  private let ended = DispatchSemaphore(value: 0)

  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void
    let ended: DispatchSemaphore

    init(_ name: String, _ run: @escaping @Sendable () -> Void, _ ended: DispatchSemaphore) {
      self.name = name
      self.run = run
      self.ended = ended
    }
  }

  /// Starts the thread.
  ///
  /// - Parameter name: the system keeps the first 15 bytes.
  public init(_ name: String, _ body: @escaping @Sendable () -> Void) {
    var new = pthread_t()
    let argument = Unmanaged.passRetained(Body(name, body, ended)).toOpaque()
    let failure = pthread_create(
      &new, nil,
      { argument in
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        Thread.current.name = body.name
        body.run()
        body.ended.signal()
        return nil
      }, argument)
    precondition(failure == 0, "the system starts no more threads: \(String(cString: strerror(failure)))")
    self.name = name
    thread = Mutex(new)
  }

  deinit {
    thread.withLock { if let thread = $0 { pthread_detach(thread) } }
  }

  /// Waits until the body has returned and the thread is gone, however long its work takes. May be called again, and by several
  /// threads.
  public func join() { finish(within: .distantFuture) }

  /// Waits for the end of a thread that was told to end; one that hangs in a read is left behind after a while, and named on
  /// standard error.
  public func end() {
    guard !finish(within: .now() + .seconds(Self.patience)) else { return }
    FileHandle.standardError.write(
      Data("deepfm: the thread \(name) has not ended for \(Self.patience) s, and is left behind\n".utf8))
  }

  @discardableResult private func finish(within deadline: DispatchTime) -> Bool {
    thread.withLock { thread in
      guard let running = thread else { return true }
      guard ended.wait(timeout: deadline) == .success else { return false }
      pthread_join(running, nil)
      thread = nil
      return true
    }
  }
}
