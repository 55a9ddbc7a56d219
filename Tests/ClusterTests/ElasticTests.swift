import Checkpoint
import Foundation
import Job
import Run
import Testing

/// Clusters whose processes come and go while they train.
@Suite(.serialized)
struct ElasticTests {
  @Test("Servers and workers that are started by hand find their coordinator")
  func manyMachines() throws {
    let tool = try Tool()
    let configuration = tool.directory + "/job.yaml"
    try
      "train: [\(Sample.small)]\nvalid: [\(Sample.smallValid)]\nhidden: [16, 8]\nembedding: 4\nbatch: 512\nepochs: 2\ntimeout: 60\n"
      .write(toFile: configuration, atomically: true, encoding: .utf8)
    let endpoint = FreePort.endpoint()
    // Workers may come before the coordinator.
    let others = try ["worker", "server", "server", "worker"].map {
      try tool.start([$0, "--coordinator", endpoint, "--timeout", "60"])
    }
    let coordinator = try tool.start(
      ["coordinator", "--config", configuration, "--listen", endpoint, "--run-dir", tool.directory + "/run", "--json"])
    let digest = try Tool.digest(coordinator.wait(seconds: 120))
    for other in others { #expect(try other.wait(seconds: 10).status == 0) }
    let local = try tool.train(["--train", Sample.small, "--valid", Sample.smallValid] + Sample.tiny)
    #expect(digest == local.parameterDigest)
  }

  private static let flags = [
    "--train", Sample.train, "--valid", Sample.smallValid, "--hidden", "64,32", "--embedding", "4", "--batch", "512",
    "--epochs", "6",
  ]

  /// Of a run that lasts longer than what is done to it.
  private static let longFlags = flags + ["--epochs", "12"]
  private static let longUndisturbed = Result { try Tool().train(longFlags + ["--timeout", "60"]).parameterDigest }

  /// What an undisturbed run comes to.
  private static let undisturbed = Result { try Tool().train(flags + ["--timeout", "60"]).parameterDigest }

  @Test("A worker and a server that leave in mid-run end well, and the run comes to the same bits")
  func drain() throws {
    let (flags, undisturbed) = (Self.longFlags, try Self.longUndisturbed.get())
    let cluster = try HandCluster(flags)
    #expect(cluster.coordinator.waitToSay("epoch 1  "), "\(cluster.coordinator.said)")
    let status = try cluster.ask("status")
    for name in ["server-0", "server-1", "worker-0", "worker-1"] {
      #expect(status.output.contains("\(name) (process "), "\(status.output)\(status.errors)")
    }
    try Self.check(tool: cluster.tool, flags, status.output)
    for name in ["worker-1", "server-0"] {
      let drained = try cluster.ask("drain", name)
      #expect(drained.status == 0 && drained.errors.contains("\(name) has left the run"), "\(drained.errors)")
    }
    let last = try cluster.ask("drain", "server-1")
    #expect(last.status == 1 && last.errors.contains("server-1 is the last server"), "\(last.errors)")
    let unknown = try cluster.ask("drain", "worker-9")
    #expect(unknown.status == 1 && unknown.errors.contains("there is no worker-9"), "\(unknown.errors)")
    let gone = cluster.members.values.filter { !$0.process.isRunning }
    #expect(gone.count == 2 && gone.allSatisfy { $0.process.terminationStatus == 0 })
    #expect(try cluster.digest() == undisturbed)
  }

  /// What `deepfm plan` says of a job is what its servers come to hold.
  private static func check(tool: Tool, _ flags: [String], _ status: String) throws {
    struct Estimate: Decodable {
      struct Table: Decodable { var rows: Int }
      var tables: [Table]
      var serverBytes: Int
      enum CodingKeys: String, CodingKey {
        case tables
        case serverBytes = "server_bytes"
      }
    }
    let planned = try tool.run(["plan", "--json"] + flags)
    let estimate = try JSONDecoder().decode(Estimate.self, from: Data(planned.output.utf8))
    // "...; holds 3.1m (sparse 2m in 1234 rows, dense ..."
    let holdings = status.split(separator: "\n").compactMap { $0.split(separator: " holds ").dropFirst().first }
    let rows = holdings.compactMap { Int($0.split(separator: " ")[4]) }.reduce(0, +)
    let bytes = try holdings.map { try ByteCount(named: String($0.split(separator: " ")[0])).bytes }.reduce(0, +)
    #expect(abs(Double(estimate.tables[0].rows) / Double(rows) - 1) < 0.02, "\(estimate) \(status)")
    #expect(abs(Double(2 * estimate.serverBytes) / Double(bytes) - 1) < 0.2, "\(estimate) \(status)")
  }

  @Test("Slots move for weight and for load, and the run comes to the same bits")
  func rebalance() throws {
    let (flags, undisturbed) = (Self.longFlags, try Self.longUndisturbed.get())
    let cluster = try HandCluster(flags, servers: [["--weight", "2"], []])
    #expect(cluster.coordinator.waitToSay("epoch 1  "), "\(cluster.coordinator.said)")
    func slots(_ output: String) -> [Int] {
      output.split(separator: "\n").compactMap { line in
        line.split(separator: " ").firstIndex(of: "slots,").flatMap { Int(line.split(separator: " ")[$0 - 1]) }
      }
    }
    let dry = try cluster.ask("rebalance", "--dry-run", "--by", "memory")
    #expect(slots(dry.output).sorted() == [5461, 10923], "\(dry.output)\(dry.errors)")
    #expect(dry.output.contains(" % of the memory") && dry.output.contains("its share is 66.7 %"))
    let moved = try cluster.ask("rebalance")
    #expect(moved.status == 0 && moved.output.contains(" % of the traffic -> "), "\(moved.output)\(moved.errors)")
    #expect(try cluster.digest() == undisturbed)
  }

  @Test("A worker and a server that come in mid-run take their part, and the run comes to the same bits")
  func join() throws {
    let cluster = try HandCluster(Self.flags, servers: [[]], workers: 1)
    #expect(cluster.coordinator.waitToSay("epoch 1  "), "\(cluster.coordinator.said)")
    try cluster.start("worker", as: "late worker", ["--threads", "1"])
    #expect(cluster.coordinator.waitToSay("worker-1 joined"), "\(cluster.coordinator.said)")
    try cluster.start("server", as: "late server")
    #expect(cluster.coordinator.waitToSay("server-1 joined"), "\(cluster.coordinator.said)")
    #expect(try cluster.digest() == Self.undisturbed.get())
  }

  @Test("A worker beyond the most that a run takes is told so")
  func most() throws {
    let cluster = try HandCluster(Self.flags + ["--max-workers", "2"])
    #expect(cluster.coordinator.waitToSay("epoch 1  "), "\(cluster.coordinator.said)")
    let third = try cluster.start("worker", as: "third")
    let ended = try third.wait(seconds: 30)
    #expect(ended.status == 1 && ended.errors.contains("workers"), "\(ended.errors)")
    #expect(try cluster.digest() == Self.undisturbed.get())
  }

  @Test("A coordinator that is killed is replaced while its members live, and the run comes to the same bits")
  func killedCoordinator() throws {
    let cluster = try HandCluster(Self.flags, timeout: "4")
    #expect(cluster.coordinator.waitToSay("epoch 2  "), "\(cluster.coordinator.said)")
    kill(cluster.coordinator.process.processIdentifier, SIGKILL)
    usleep(2_000_000)
    try cluster.resume()
    let ended = try cluster.end()
    #expect(try Tool.digest(ended) == Self.undisturbed.get())
    #expect(!ended.errors.contains("all go back to step"), "members kept what they hold: \(ended.errors)")
    #expect(cluster.members.count == 4)
  }

  @Test("Of two coordinators of one run the older ends, and says so")
  func twoCoordinators() throws {
    let tool = try Tool()
    let directory = tool.directory + "/run"
    let older = try tool.start(
      ["train", "--json", "--run-dir", directory, "--checkpoint-every", "20steps"] + Self.flags)
    #expect(older.waitToSay("epoch 1  "), "\(older.said)")
    let children = Running.children(of: older.process.processIdentifier)
    let newer = try tool.start(["train", "--json", "--resume", directory])
    let ended = try older.wait(seconds: 60)
    #expect(ended.status == 1 && ended.errors.contains("another coordinator has taken the run over"), "\(ended.errors)")
    #expect(Running.waitForEnd(of: children, seconds: 5))
    #expect(try Tool.digest(newer.wait(seconds: 120)) == Self.undisturbed.get())
  }

  @Test("A worker that is suspended for less than the timeout is waited for, and named with the seconds")
  func slowWorker() throws {
    let tool = try Tool()
    let directory = tool.directory + "/run"
    let running = try tool.start(["train", "--json", "--run-dir", directory, "--timeout", "60"] + Self.flags)
    #expect(running.waitToSay("epoch 1  "), "\(running.said)")
    let slow = Running.children(of: running.process.processIdentifier).sorted()[3]
    kill(slow, SIGSTOP)
    usleep(4_000_000)
    kill(slow, SIGCONT)
    let ended = try running.wait(seconds: 120)
    #expect(try Tool.digest(ended) == Self.undisturbed.get())
    #expect(ended.errors.contains(" s for worker-1 (process \(slow) on "), "\(ended.errors)")
    let waits = try Catalogue.open(at: directory + "/run.sqlite").history().epochs.compactMap(\.excess)
    let longest = try #require(waits.max { $0.seconds < $1.seconds })
    #expect(longest.wait.process == slow && 2...8 ~= longest.seconds, "\(waits)")
  }

  @Test("With --speculate others stand in for a worker that hardly gets on, and the run comes to the same bits")
  func speculation() throws {
    let (flags, undisturbed) = (Self.longFlags, try Self.longUndisturbed.get())
    let tool = try Tool()
    let directory = tool.directory + "/run"
    let running = try tool.start(["train", "--json", "--run-dir", directory, "--timeout", "60", "--speculate"] + flags)
    #expect(running.waitToSay("epoch 1  "), "\(running.said)")
    let slow = Running.children(of: running.process.processIdentifier).sorted()[3]
    // It gets a twentieth of the time until others stand in for it, and is not silent for long.
    for _ in 0..<40 where !running.said.contains("worker-1 is late: others compute the same slices") {
      kill(slow, SIGSTOP)
      usleep(950_000)
      kill(slow, SIGCONT)
      usleep(50_000)
    }
    #expect(running.said.contains("worker-1 is late: others compute the same slices"), "\(running.said)")
    #expect(try Tool.digest(running.wait(seconds: 120)) == undisturbed)
  }

  @Test("A process that is stopped for longer than the timeout is left out, and the run comes to the same bits")
  func stopped() throws {
    let tool = try Tool()
    let running = try tool.start(
      ["train", "--json", "--run-dir", tool.directory + "/run", "--timeout", "3"] + Self.flags)
    #expect(running.waitToSay("epoch 1  "), "\(running.said)")
    let children = Running.children(of: running.process.processIdentifier).sorted()
    kill(children[1], SIGSTOP)
    let ended = try running.wait(seconds: 120)
    #expect(try Tool.digest(ended) == Self.undisturbed.get())
    #expect(
      ended.errors.contains("server-1 (process \(children[1]) on ") && ended.errors.contains("silent for 3 s"),
      "\(ended.errors)")
    #expect(Running.waitForEnd(of: children, seconds: 1))
  }
}
