import Foundation
import Job
import Run

/// What parameters that are some steps old are worth over a slow network, and what they cost.
enum StalenessBenchmark {
  private static let settings = ["sync", "lag:1", "lag:3", "async"]

  static func run(_ data: String, valid: String, scratch: Scratch) throws {
    print("Every link with a delay of 20 ms, DeepFM-D, global batch 256, ratios to sync")
    var first: Double?
    for consistency in settings {
      let rate = try delayed(consistency, data, scratch)
      print(
        "  \(consistency.padding(toLength: 8, withPad: " ", startingAt: 0)) \(Report.rate(rate))",
        String(format: "%.2f", rate / (first ?? rate)))
      first = first ?? rate
    }
    print("\nAUC on rows held out, DeepFM-D 64-64, two epochs, mean of 5 seeds, and what it is more than sync's")
    var sync: Double?
    for consistency in settings {
      let aucs = try (1...5).map { seed in
        try ClusterRun.train(
          data, run: "\(scratch.path)/\(consistency)-\(seed)",
          flags: [
            "--valid", valid, "--hidden", "64,64", "--batch", "1024", "--epochs", "2", "--seed", "\(seed)",
            "--consistency", consistency,
          ]
        ).auc ?? 0
      }
      let mean = aucs.reduce(0, +) / Double(aucs.count)
      print(
        "  \(consistency.padding(toLength: 8, withPad: " ", startingAt: 0))",
        String(format: "%.5f  %+.5f", mean, mean - (sync ?? mean)))
      sync = sync ?? mean
    }
  }

  /// - Returns: samples a second.
  private static func delayed(_ consistency: String, _ data: String, _ scratch: Scratch) throws -> Double {
    var settings = Settings()
    settings.data.train = [data]
    settings.optimization.batch = 256
    settings.optimization.epochs = 1
    settings.cluster.consistency = try Consistency(named: consistency)
    let cluster = try ChaosCluster(
      settings, in: "\(scratch.path)/delayed-\(consistency)", faults: 0, tool: ClusterRun.tool.path
    ) { try Proxy(to: $0, delay: 0.02) }
    defer { cluster.end() }
    return try JSONDecoder().decode(ClusterRun.self, from: Data(cluster.wait().utf8)).samplesPerSecond
  }
}
