import Foundation

/// A `deepfm` process that this one has started, and that does not outlive it.
///
/// `@unchecked Sendable`: a `Process` may be asked about from any thread.
final class ChildProcess: @unchecked Sendable {
  /// Such as `server-0`.
  let name: String
  let log: String
  private let process: Process
  /// Closing it ends the child, and so does our own end.
  private let lifeline: Pipe
  private let started = ContinuousClock.now
  /// Where its own words begin in the log, which it may share with processes that were before it.
  private let logStart: UInt64

  /// - Parameters:
  ///   - log: what it writes is added to this file.
  ///   - output: where its results go; nil: to the log.
  /// - Throws: `RunFailure` or `ToolError`.
  init(_ tool: String, _ arguments: [String], name: String, log: String, output: String? = nil) throws {
    self.name = name
    self.log = log
    let errors = try Self.appending(to: log)
    logStart = errors.offset
    process = Process()
    process.executableURL = URL(fileURLWithPath: tool)
    process.arguments = arguments + ["--lifeline"]
    lifeline = Pipe()
    process.standardInput = lifeline
    process.standardOutput = try output.map { try Self.appending(to: $0).file } ?? errors.file
    process.standardError = errors.file
    do {
      try process.run()
    } catch {
      throw ToolError.unusable(path: tool, reason: error.localizedDescription)
    }
  }

  private static func appending(to path: String) throws -> (file: FileHandle, offset: UInt64) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw RunFailure.failed("\(path) cannot be written. Is the disk full?") }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    return (file, (try? file.seekToEnd()) ?? 0)
  }

  var processIdentifier: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }
  /// Seconds since it was started.
  var age: Double { (ContinuousClock.now - started) / .seconds(1) }
  /// Whether it has ended as one does that is told to, or is done.
  var isDone: Bool { !isRunning && process.terminationReason == .exit && process.terminationStatus == 0 }

  /// How it died, with its last words.
  var ending: String {
    let end =
      process.terminationReason == .uncaughtSignal
      ? "was killed by signal \(process.terminationStatus)" : "ended with status \(process.terminationStatus)"
    let sentence = "\(name) (process \(processIdentifier)) \(end)"
    let lines = lastLines
    return sentence + (lines.isEmpty ? "; it wrote nothing to \(log)" : ". Its last lines, from \(log):\n\(lines)")
  }

  private var lastLines: String {
    guard let file = FileHandle(forReadingAtPath: log), let size = try? file.seekToEnd() else { return "" }
    try? file.seek(toOffset: max(logStart, size > Self.tail ? size - Self.tail : 0))
    let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
    return text.split(separator: "\n").suffix(5).map { "  \($0)" }.joined(separator: "\n")
  }

  /// Bytes of a log in which the last lines are looked for.
  private static let tail: UInt64 = 4096

  func send(_ signal: Int32) { if isRunning { Glibc.kill(processIdentifier, signal) } }

  /// Ends it, even one that is stopped, and waits until it is gone.
  func kill() {
    guard isRunning else { return }
    send(SIGKILL)
    process.waitUntilExit()
  }
}
