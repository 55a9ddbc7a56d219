import Foundation

/// How many files, pipes and sockets this process may have open, its children being given the same.
enum FileLimit {
  /// What a coordinator needs beside its members: files of its own, ZeroMQ's descriptors.
  private static let reserve = 64

  /// Raises the soft limit as far as the system lets us, and refuses to begin where that is too little.
  ///
  /// - Parameter members: servers and workers.
  /// - Throws: `RunFailure.failed` with the command that raises the limit.
  static func allow(members: Int) throws {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    let wanted = rlim_t(reserve + 4 * members)
    if limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 4 * wanted))
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
    guard limit.rlim_cur >= wanted else {
      throw RunFailure.failed(
        "this shell lets a process have \(limit.rlim_cur) files open, and \(members) servers and workers need \(wanted). "
          + "Raise it with `ulimit -n \(wanted)` or more.")
    }
  }
}
