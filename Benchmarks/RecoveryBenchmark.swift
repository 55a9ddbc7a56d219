import DeepFM
import Foundation
import Job
import Run
import Synchronization

/// What a death costs, and what it costs to be ready for one.
enum RecoveryBenchmark {
  static func run(_ data: String, scratch: Scratch) throws {
    print("A second home for every slot (--replicas 1), 2 servers, 2 workers, ratios to --replicas 0")
    for model in [ModelName.lr, .fm, .deepFMD] {
      let without = try measure(model, replicas: 0, data, scratch)
      let with = try measure(model, replicas: 1, data, scratch)
      print(
        "  \(model.title.padding(toLength: 10, withPad: " ", startingAt: 0))",
        "\(Report.rate(with.rate))  \(String(format: "%.2f", with.rate / without.rate)) of the speed",
        "  \(String(format: "%.2f", with.bytes / without.bytes)) times the \(Int(without.bytes)) bytes a sample")
    }
    print("\nFrom kill -9 to the first gradients of the next step; silence counts as death after \(Int(timeout)) s")
    for (name, replicas) in [("worker-1", 0), ("server-1", 1), ("server-1", 0)] {
      let times = try (0..<3).map { _ in try kill(name, replicas: replicas, data, scratch) }.sorted()
      print("  \(name), --replicas \(replicas)", times.map { String(format: "%5.2f s", $0) }.joined())
    }
  }

  private static func measure(
    _ model: ModelName, replicas: Int, _ data: String, _ scratch: Scratch
  ) throws -> (rate: Double, bytes: Double) {
    let before = loopbackBytes()
    let run = try ClusterRun.train(
      data, run: "\(scratch.path)/\(model.rawValue)-\(replicas)",
      flags: ["--model", model.rawValue, "--replicas", "\(replicas)"])
    return (run.samplesPerSecond, Double(loopbackBytes() - before) / Double(run.rows))
  }

  /// Bytes that this machine has sent to itself.
  private static func loopbackBytes() -> Int {
    let lines = ((try? String(contentsOfFile: "/proc/net/dev", encoding: .utf8)) ?? "").split(separator: "\n")
    let fields = lines.first { $0.contains("lo:") }?.split(separator: " ") ?? []
    return fields.count > 1 ? Int(fields[1]) ?? 0 : 0
  }

  private static let timeout = 2.0

  /// When gradients come of a view after the one that stands at the death.
  private final class Watch: Sendable {
    struct State {
      var view: UInt32 = 0
      var pushes = 0
      var killed: (view: UInt32, at: ContinuousClock.Instant)?
      var seconds: Double?
    }

    let state = Mutex(State())

    func hear(_ view: UInt32) {
      state.withLock {
        $0.pushes += 1
        $0.view = max($0.view, view)
        if let killed = $0.killed, view > killed.view, $0.seconds == nil {
          $0.seconds = (ContinuousClock.now - killed.at) / .seconds(1)
        }
      }
    }
  }

  /// - Returns: seconds.
  private static func kill(_ name: String, replicas: Int, _ data: String, _ scratch: Scratch) throws -> Double {
    var settings = Settings()
    settings.data.train = [data]
    settings.optimization.batch = 512
    settings.cluster.timeout = timeout
    settings.cluster.replicas = replicas
    settings.cluster.checkpointEvery = .steps(50)
    let watch = Watch()
    let directory = "\(scratch.path)/kill-\(UUID().uuidString)"
    let cluster = try ChaosCluster(settings, in: directory, faults: 1, tool: ClusterRun.tool.path) {
      try Proxy(to: $0) { if case .push = $0.message { watch.hear($0.preamble.view) } }
    }
    defer { cluster.end() }
    while watch.state.withLock({ $0.pushes }) < 500 { usleep(10_000) }
    guard let process = cluster.processIdentifier(of: name) else { throw CocoaError(.fileNoSuchFile) }
    watch.state.withLock { $0.killed = ($0.view, .now) }
    Glibc.kill(process, SIGKILL)
    while true {
      if let seconds = watch.state.withLock({ $0.seconds }) { return seconds }
      try cluster.lookAfterMembers()
      usleep(10_000)
    }
  }
}
