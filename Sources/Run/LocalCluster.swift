import Foundation
import Job
import Synchronization

/// Servers and workers as child processes on this machine, named `server-0`, `worker-0` and so on. They are launched
/// when a run begins and gone when it ends; one cluster serves one run after another.
public final class LocalCluster: Sendable {
  /// What the mutex guards. A `Process` may be asked about from any thread.
  private struct Child: @unchecked Sendable {
    let name: String
    let process: Process
    let log: String
    /// Closing it ends the child, and so does our own end.
    let lifeline: Pipe
  }

  private let children = Mutex<[Child]>([])
  private let tool: String?

  /// - Parameter tool: the `deepfm` program; nil: what `DeepFMTool.find` finds.
  public init(tool: String? = nil) { self.tool = tool }

  deinit { kill() }

  /// The process that plays a member.
  ///
  /// - Parameter name: such as `worker-0`.
  /// - Returns: nil before it was launched, and after the run.
  public func processIdentifier(of name: String) -> Int32? {
    children.withLock { children in children.first { $0.name == name }?.process.processIdentifier }
  }

  /// - Parameters:
  ///   - files: by worker, the data that only it reads; empty where all read all.
  ///   - logs: a directory for what the children write.
  /// - Throws: `RunFailure` or `ToolError` where a process cannot be started; those that were are ended with `end`.
  func launch(_ settings: ClusterSettings, files: [[String]], coordinator: String, logs: String) throws {
    let tool = try tool ?? DeepFMTool.find()
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let threads = settings.threads > 0 ? settings.threads : max(1, cores / settings.workers)
    let common = ["--coordinator", coordinator, "--timeout", "\(settings.timeout)", "--lifeline"]
    func launch(_ name: String, _ arguments: [String]) throws {
      let child = try Self.start(tool, arguments, name: name, log: "\(logs)/\(name).log")
      children.withLock { $0.append(child) }
    }
    do {
      for number in 0..<settings.servers { try launch("server-\(number)", ["server"] + common) }
      for number in 0..<settings.workers {
        let own = files.isEmpty ? [] : ["--files"] + files[number]
        try launch("worker-\(number)", ["worker", "--threads", "\(threads)"] + common + own)
      }
    } catch {
      end(within: 0)
      throw error
    }
  }

  private static func start(_ tool: String, _ arguments: [String], name: String, log: String) throws -> Child {
    guard FileManager.default.createFile(atPath: log, contents: nil), let output = FileHandle(forWritingAtPath: log)
    else { throw RunFailure.failed("\(log) cannot be written. Is the disk full?") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments
    let lifeline = Pipe()
    process.standardInput = lifeline
    process.standardOutput = output
    process.standardError = output
    do {
      try process.run()
    } catch {
      throw ToolError.unusable(path: tool, reason: error.localizedDescription)
    }
    return Child(name: name, process: process, log: log, lifeline: lifeline)
  }

  /// A sentence about a child that has died, with its last words; nil while all live.
  func failure() -> String? {
    guard let dead = children.withLock({ children in children.first { !$0.process.isRunning } }) else { return nil }
    let end =
      dead.process.terminationReason == .uncaughtSignal
      ? "was killed by signal \(dead.process.terminationStatus)" : "ended with status \(dead.process.terminationStatus)"
    var sentence = "\(dead.name) (process \(dead.process.processIdentifier)) \(end)"
    let lines = Self.lastLines(of: dead.log)
    sentence += lines.isEmpty ? "; it wrote nothing to \(dead.log)." : ". Its last lines, from \(dead.log):\n\(lines)"
    return sentence
  }

  private static func lastLines(of log: String) -> String {
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(5).map { "  \($0)" }.joined(separator: "\n")
  }

  /// Waits for children that were told to stop, and ends those that do not within `seconds`.
  func end(within seconds: Double = 2) {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while children.withLock({ $0.contains(where: \.process.isRunning) }), Date() < deadline { usleep(10_000) }
    kill()
    children.withLock { $0.removeAll() }
  }

  private func kill() {
    for child in children.withLock({ $0 }) where child.process.isRunning {
      Glibc.kill(child.process.processIdentifier, SIGKILL)
      child.process.waitUntilExit()
    }
  }
}
