import Foundation
import Run
import Testing

/// Real processes on a bad network.
@Suite(.serialized)
struct NetworkTests {
  /// A cluster of two servers and two workers, with proxies between all of them.
  private final class ProxiedCluster {
    let hand: HandCluster
    let toCoordinator: Proxy
    let toServers: [Proxy]

    init(_ flags: [String], loss: Double, timeout: String = "60") throws {
      var between: Proxy?
      let listens = (0..<2).map { _ in FreePort.endpoint() }
      let toServers = try listens.enumerated().map { try Proxy(to: $1, loss: loss, seed: UInt64($0) + 2) }
      self.toServers = toServers
      hand = try HandCluster(
        flags, timeout: timeout,
        servers: zip(listens, toServers).map { ["--listen", $0, "--advertise", $1.endpoint] }
      ) { endpoint in
        let proxy = try Proxy(to: endpoint, loss: loss, seed: 1)
        between = proxy
        return proxy.endpoint
      }
      toCoordinator = try #require(between)
    }

    func end(seconds: Double = 120) throws -> Tool.Ended {
      defer { for proxy in [toCoordinator] + toServers { proxy.stop() } }
      return try hand.end(seconds: seconds)
    }

    var lost: Int { ([toCoordinator] + toServers).reduce(0) { $0 + $1.lost } }
  }

  private static let flags = [
    "--train", Sample.small, "--valid", Sample.smallValid, "--hidden", "16,8", "--embedding", "4", "--batch", "512",
    "--epochs", "2",
  ]

  @Test("A network that loses 2 % of all messages changes nothing but the time it takes")
  func loss() throws {
    let undisturbed = try Tool().train(Self.flags + ["--timeout", "60"])
    let cluster = try ProxiedCluster(Self.flags, loss: 0.02)
    #expect(try Tool.digest(cluster.end()) == undisturbed.parameterDigest)
    #expect(cluster.lost > 10)
  }

  @Test(
    "A link that is cut for five seconds changes nothing but the time it takes", arguments: ["server", "coordinator"])
  func cut(link: String) throws {
    let flags = Self.flags.map { $0 == Sample.small ? Sample.train : $0 }
    let undisturbed = try Tool().train(flags + ["--timeout", "60"])
    let cluster = try ProxiedCluster(flags, loss: 0)
    #expect(cluster.hand.coordinator.waitToSay("epoch 1  "))
    let proxy = link == "server" ? cluster.toServers[0] : cluster.toCoordinator
    proxy.cut()
    usleep(5_000_000)
    proxy.mend()
    #expect(try Tool.digest(cluster.end()) == undisturbed.parameterDigest)
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
    #expect(try Tool.digest(running.wait(seconds: 60)) == undisturbed.parameterDigest)
  }

  @Test("A worker and a server that cannot reach each other are both named, after another view has not helped")
  func cutForGood() throws {
    let cluster = try ProxiedCluster(Self.flags + ["--epochs", "500"], loss: 0, timeout: "4")
    #expect(cluster.hand.coordinator.waitToSay("epoch 1  "))
    cluster.toServers[1].cut()
    let began = Date()
    let ended = try cluster.end(seconds: 60)
    #expect(ended.status == 1)
    #expect(ended.errors.contains("worker-") && ended.errors.contains("server-1"), "\(ended.errors)")
    #expect(Date().timeIntervalSince(began) < 30)
  }
}
