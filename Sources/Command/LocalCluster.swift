import Foundation

/// Servers and workers as child processes on this machine, for a coordinator in this one.
final class LocalCluster {
  private struct Child {
    let name: String
    let process: Process
    let log: String
    /// Closing it ends the child, and so does our own end.
    let lifeline: Pipe
  }

  private var children: [Child] = []
  private let logs: String

  init(logs: String) { self.logs = logs }

  deinit { kill() }

  /// - Parameter files: by worker, the data that only it reads; empty where all read all.
  func launch(
    servers: Int, workers: Int, coordinator: String, timeout: Double, threads: Int, files: [[String]]
  ) throws {
    let common = ["--coordinator", coordinator, "--timeout", "\(timeout)", "--lifeline"]
    for number in 0..<servers { try launch("server-\(number)", ["server"] + common) }
    for number in 0..<workers {
      let own = files.isEmpty ? [] : ["--files"] + files[number]
      try launch("worker-\(number)", ["worker", "--threads", "\(threads)"] + common + own)
    }
  }

  private func launch(_ name: String, _ arguments: [String]) throws {
    let log = "\(logs)/\(name).log"
    guard FileManager.default.createFile(atPath: log, contents: nil), let output = FileHandle(forWritingAtPath: log)
    else {
      throw RunFailure(sentence: "\(log) cannot be written. Is the disk full?")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    let lifeline = Pipe()
    process.standardInput = lifeline
    process.standardOutput = output
    process.standardError = output
    try process.run()
    children.append(Child(name: name, process: process, log: log, lifeline: lifeline))
  }

  /// A sentence about a child that has died, with its last words; nil while all live.
  func failure() -> String? {
    guard let dead = children.first(where: { !$0.process.isRunning }) else { return nil }
    let end =
      dead.process.terminationReason == .uncaughtSignal
      ? "was killed by signal \(dead.process.terminationStatus)" : "ended with status \(dead.process.terminationStatus)"
    var sentence = "\(dead.name) (process \(dead.process.processIdentifier)) \(end)"
    let lines = lastLines(of: dead.log)
    sentence += lines.isEmpty ? "; it wrote nothing to \(dead.log)." : ". Its last lines, from \(dead.log):\n\(lines)"
    return sentence
  }

  private func lastLines(of log: String) -> String {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(5).map { "  \($0)" }.joined(separator: "\n")
  }

  /// Waits for children that were told to stop, and ends those that do not within `seconds`.
  func end(within seconds: Double = 2) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while children.contains(where: { $0.process.isRunning }), Date() < deadline { usleep(10_000) }
    kill()
    children.removeAll()
  }

  private func kill() {
    for child in children where child.process.isRunning {
      Glibc.kill(child.process.processIdentifier, SIGKILL)
      child.process.waitUntilExit()
    }
  }
}
