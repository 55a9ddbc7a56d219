import Foundation
import Run
import Synchronization

/// Remembers that a person or the system asked the process to end.
enum Interruption {
  private static let signalled = Atomic<Bool>(false)

  static var isRequested: Bool { signalled.load(ordering: .relaxed) }

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

extension Caller {
  /// Someone at a terminal, who looks at the console and ends the work with Ctrl-C.
  static func person(_ console: Console) -> Caller {
    Interruption.install()
    return Caller(observer: console, isInterrupted: { Interruption.isRequested })
  }
}

extension LocalCluster {
  /// Of this very program, whatever its name.
  static var ownChildren: LocalCluster {
    LocalCluster(tool: URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path)
  }
}
