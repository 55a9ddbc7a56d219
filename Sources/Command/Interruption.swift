import Glibc
import Synchronization

/// Remembers that a person or the system asked the process to end.
enum Interruption {
  private static let signalled = Atomic<Bool>(false)

  static var isRequested: Bool { signalled.load(ordering: .relaxed) }

  /// Storing an atomic flag is all the handler does: that much is safe in a signal handler.
  static func install() {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { _ in Interruption.signalled.store(true, ordering: .relaxed) }
      sigaddset(&signals, number)
    }
    // Whoever started us may have blocked them in the thread it did it from.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
  }
}
