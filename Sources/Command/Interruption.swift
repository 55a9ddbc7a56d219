import Glibc
import Synchronization

/// Remembers that a person or the system asked the process to end.
enum Interruption {
  private static let signalled = Atomic<Bool>(false)

  static var isRequested: Bool { signalled.load(ordering: .relaxed) }

  /// To be called between pieces of long work.
  static func check() throws {
    if isRequested { throw RunFailure(sentence: "interrupted.", status: 130) }
  }

  /// For a child of a launcher that tells it when to stop: a Ctrl-C in the terminal they share is not for it.
  static func leaveToLauncher() {
    for number in [SIGINT, SIGHUP] { signal(number, SIG_IGN) }
  }

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
