import Coordinator
import Foundation
import Job

/// All processes of a run as children of one launcher, its coordinator among them, with what it takes to disturb them.
package final class ChaosCluster {
  let directory: RunDirectory
  let endpoint: String
  private let settings: Settings
  private let tool: String
  private let members: LocalCluster
  /// What the coordinator prints.
  private let output: String
  private let logs: String
  private(set) var coordinator: ChildProcess
  /// By whom all they say goes through them; none where messages go straight.
  private var proxies: [String: [Proxy]] = [:]

  /// - Parameters:
  ///   - directory: for the run, and for what its processes write.
  ///   - faults: as many deaths as are to be borne.
  ///   - link: makes a proxy to an endpoint, for all messages to go through; nil: they go straight.
  package init(
    _ settings: Settings, in directory: String, faults: Int, tool: String?,
    through link: ((String) throws -> Proxy)? = nil
  ) throws {
    self.tool = try tool ?? DeepFMTool.find()
    logs = directory + "/logs"
    try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
    var settings = settings
    self.directory = RunDirectory.open(directory + "/run")
    settings.runDirectory = self.directory.path
    self.settings = settings
    output = directory + "/result.json"
    endpoint = FreePort.endpoint()
    members = LocalCluster(tool: tool, mostRestarts: faults + LocalCluster.mostRestarts)
    let configuration = directory + "/job.yaml"
    try ConfigurationFile.write(settings, to: configuration)
    coordinator = try ChildProcess(
      self.tool, ["coordinator", "--config", configuration, "--listen", endpoint, "--json"], name: "the coordinator",
      log: logs + "/coordinator.log", output: output)
    do {
      try members.launch(
        settings.cluster, files: try Cluster.deal(settings),
        wiring: link.map(makeProxies) ?? Wiring(coordinator: endpoint), logs: logs)
    } catch {
      end()
      throw error
    }
  }

  private func makeProxies(_ link: (String) throws -> Proxy) throws -> Wiring {
    // One that all servers share, and each worker its own.
    let shared = try link(endpoint)
    var ways: [String: Proxy] = [:]
    for name in names(.worker) { ways[name] = try link(endpoint) }
    proxies["coordinator"] = [shared] + ways.values
    for (name, proxy) in ways { proxies[name] = [proxy] }
    var listens: [(listen: String, advertise: String)] = []
    for name in names(.server) {
      let listen = FreePort.endpoint()
      let proxy = try link(listen)
      proxies[name] = [proxy]
      listens.append((listen, proxy.endpoint))
    }
    return Wiring(
      coordinator: { (ways[$0] ?? shared).endpoint },
      server: { ["--listen", listens[$0].listen, "--advertise", listens[$0].advertise] })
  }

  /// Names of those who can be struck.
  func names(_ role: ChaosOptions.Role) -> [String] {
    switch role {
    case .worker: (0..<settings.cluster.workers).map { "worker-\($0)" }
    case .server: (0..<settings.cluster.servers).map { "server-\($0)" }
    case .coordinator: ["coordinator"]
    }
  }

  /// nil while it is dead.
  package func processIdentifier(of name: String) -> Int32? {
    guard name == "coordinator" else { return members.processIdentifier(of: name) }
    return coordinator.isRunning ? coordinator.processIdentifier : nil
  }

  /// Whoever has died is started again, in time.
  ///
  /// - Throws: `RunFailure` where somebody keeps dying.
  package func lookAfterMembers() throws {
    for case .givenUp(let sentence) in members.news() { throw RunFailure.failed(sentence) }
  }

  /// Waits for the end of the run; whoever dies meanwhile is started again.
  ///
  /// - Returns: what the coordinator printed.
  /// - Throws: `RunFailure` where the run failed.
  package func wait() throws -> String {
    while coordinator.isRunning {
      try lookAfterMembers()
      usleep(10_000)
    }
    guard coordinator.isDone else { throw RunFailure.failed("the run ended: \(coordinator.ending)") }
    return (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
  }

  /// Another coordinator takes the run over, at the same place.
  func resume() throws {
    coordinator = try ChildProcess(
      tool, ["coordinator", "--resume", directory.path, "--listen", endpoint, "--json"], name: "the coordinator",
      log: logs + "/coordinator.log", output: output)
  }

  func cut(_ name: String) { for proxy in proxies[name] ?? [] { proxy.cut() } }
  func mend(_ name: String) { for proxy in proxies[name] ?? [] { proxy.mend() } }

  /// What the coordinator printed at its end.
  func digest() throws -> String {
    struct Result: Decodable {
      var parameterDigest: String
      enum CodingKeys: String, CodingKey { case parameterDigest = "parameter_digest" }
    }
    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
    guard let line = text.split(separator: "\n").last,
      let result = try? JSONDecoder().decode(Result.self, from: Data(line.utf8))
    else { throw RunFailure.failed("\(output) has no result of the run. See \(coordinator.log).") }
    return result.parameterDigest
  }

  /// No process stays.
  package func end() {
    coordinator.kill()
    members.end(within: coordinator.isDone ? 2 : 0)
    for proxy in proxies.values.joined() { proxy.stop() }
  }
}
