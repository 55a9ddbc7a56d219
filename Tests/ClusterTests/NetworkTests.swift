import Features
import Foundation
import Testing

/// Real processes on a bad network.
@Suite(.serialized)
struct NetworkTests {
  /// A cluster of two servers and two workers that are started by hand, with proxies between all of them.
  private final class ProxiedCluster {
    let tool: Tool
    let coordinator: Running
    let members: [Running]
    let toCoordinator: LossyProxy
    let toServers: [LossyProxy]

    init(_ flags: [String], loss: Double, timeout: String = "60") throws {
      tool = try Tool()
      // Below the ports that outgoing connections take: one of those could meet itself there.
      let ports = 20_000 + Int.random(in: 0..<11_000)
      let listens = (0..<3).map { "tcp://127.0.0.1:\(ports + $0)" }
      toCoordinator = try LossyProxy(to: listens[0], loss: loss, seed: 1)
      let toServers = try (1...2).map { try LossyProxy(to: listens[$0], loss: loss, seed: UInt64($0) + 1) }
      self.toServers = toServers
      let join = ["--coordinator", toCoordinator.endpoint, "--timeout", timeout]
      coordinator = try tool.start(
        ["coordinator", "--listen", listens[0], "--run-dir", tool.directory + "/run", "--json", "--timeout", timeout]
          + flags)
      let (tool, proxies) = (tool, toServers)
      let servers = try proxies.indices.map {
        try tool.start(["server", "--listen", listens[$0 + 1], "--advertise", proxies[$0].endpoint] + join)
      }
      members = try servers + (0..<2).map { _ in try tool.start(["worker", "--threads", "1"] + join) }
    }

    func end(seconds: Double = 120) throws -> Tool.Ended {
      defer { stop() }
      return try coordinator.wait(seconds: seconds)
    }

    func stop() {
      for proxy in [toCoordinator] + toServers { proxy.stop() }
      for member in members where member.process.isRunning { kill(member.process.processIdentifier, SIGKILL) }
    }

    var lost: Int { ([toCoordinator] + toServers).reduce(0) { $0 + $1.lost } }
  }

  private static let flags = [
    "--train", Sample.small, "--valid", Sample.smallValid, "--hidden", "16,8", "--embedding", "4", "--batch", "512",
    "--epochs", "2",
  ]

  private func digest(_ ended: Tool.Ended) throws -> String {
    try #require(ended.status == 0, "\(ended.errors)")
    return try JSONDecoder().decode(Tool.Result.self, from: Data(ended.output.utf8)).parameterDigest
  }

  @Test("A network that loses 2 % of all messages changes nothing but the time it takes")
  func loss() throws {
    let undisturbed = try Tool().train(Self.flags + ["--timeout", "60"])
    let cluster = try ProxiedCluster(Self.flags, loss: 0.02)
    #expect(try digest(cluster.end()) == undisturbed.parameterDigest)
    #expect(cluster.lost > 10)
  }

  @Test(
    "A link that is cut for five seconds changes nothing but the time it takes", arguments: ["server", "coordinator"])
  func cut(link: String) throws {
    let flags = Self.flags.map { $0 == Sample.small ? Sample.train : $0 }
    let undisturbed = try Tool().train(flags + ["--timeout", "60"])
    let cluster = try ProxiedCluster(flags, loss: 0)
    #expect(cluster.coordinator.waitToSay("epoch 1  "))
    let proxy = link == "server" ? cluster.toServers[0] : cluster.toCoordinator
    proxy.cut()
    usleep(5_000_000)
    proxy.mend()
    #expect(try digest(cluster.end()) == undisturbed.parameterDigest)
    #expect(proxy.lost > 0)
  }

  @Test("A machine that sleeps for longer than the timeout goes on when it wakes, with the same bits")
  func sleepingMachine() throws {
    let tool = try Tool()
    let flags = [
      "--train", Sample.train, "--batch", "512", "--hidden", "64,32", "--embedding", "4", "--epochs", "2", "--timeout",
      "3",
    ]
    let undisturbed = try tool.train(flags)
    let running = try tool.start(["train", "--json", "--run-dir", tool.directory + "/run"] + flags)
    #expect(running.waitToSay("epoch 1  "), "\(running.said)")
    let all = [running.process.processIdentifier] + Running.children(of: running.process.processIdentifier)
    for process in all { kill(process, SIGSTOP) }
    usleep(6_000_000)
    for process in all.reversed() { kill(process, SIGCONT) }
    let ended = try running.wait(seconds: 60)
    try #require(ended.status == 0, "\(ended.errors)")
    let result = try JSONDecoder().decode(Tool.Result.self, from: Data(ended.output.utf8))
    #expect(result.parameterDigest == undisturbed.parameterDigest)
  }

  @Test("A worker and a server that cannot reach each other are both named within the timeout")
  func cutForGood() throws {
    let cluster = try ProxiedCluster(Self.flags + ["--epochs", "500"], loss: 0, timeout: "4")
    #expect(cluster.coordinator.waitToSay("epoch 1  "))
    cluster.toServers[1].cut()
    let began = Date()
    let ended = try cluster.end(seconds: 30)
    #expect(ended.status == 1)
    #expect(ended.errors.contains("worker-") && ended.errors.contains("server-1"), "\(ended.errors)")
    #expect(Date().timeIntervalSince(began) < 15)
  }
}
