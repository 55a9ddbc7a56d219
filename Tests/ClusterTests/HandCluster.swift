import Foundation
import Run
import Testing

/// A cluster whose processes are started by hand, as on many machines. All end with it.
final class HandCluster {
  let tool: Tool
  let endpoint: String
  private let flags: [String]
  private let join: [String]
  private(set) var coordinator: Running
  private(set) var members: [String: Running] = [:]

  /// - Parameters:
  ///   - flags: of `deepfm coordinator`.
  ///   - toCoordinator: where members find it, if that is elsewhere; given its endpoint.
  ///   - servers: flags of each.
  init(
    _ flags: [String], timeout: String = "60", servers: [[String]] = [[], []], workers: Int = 2,
    toCoordinator: (String) throws -> String = { $0 }
  ) throws {
    tool = try Tool()
    endpoint = FreePort.endpoint()
    self.flags = ["--json", "--timeout", timeout]
    join = ["--coordinator", try toCoordinator(endpoint), "--timeout", timeout]
    coordinator = try tool.start(
      [
        "coordinator", "--listen", endpoint, "--run-dir", tool.directory + "/run", "--servers", "\(servers.count)",
        "--workers", "\(workers)",
      ] + self.flags + flags)
    for (number, flags) in servers.enumerated() { try start("server", as: "server-\(number)", flags) }
    for number in 0..<workers { try start("worker", as: "worker-\(number)", ["--threads", "1"]) }
  }

  /// - Parameter name: for the test; the coordinator gives its own.
  @discardableResult
  func start(_ role: String, as name: String, _ flags: [String] = []) throws -> Running {
    let running = try tool.start([role] + join + flags)
    members[name] = running
    return running
  }

  /// Another coordinator takes the run over.
  func resume(_ flags: [String] = []) throws {
    coordinator = try tool.start(["coordinator", "--resume", tool.directory + "/run"] + self.flags + flags)
  }

  func ask(_ arguments: String...) throws -> Tool.Ended {
    try tool.run(arguments + ["--coordinator", endpoint])
  }

  func end(seconds: Double = 120) throws -> Tool.Ended {
    defer { stop() }
    return try coordinator.wait(seconds: seconds)
  }

  func digest(seconds: Double = 120) throws -> String { try Tool.digest(end(seconds: seconds)) }

  func stop() {
    for running in members.values + [coordinator] where running.process.isRunning {
      kill(running.process.processIdentifier, SIGKILL)
    }
  }

  deinit { stop() }
}
