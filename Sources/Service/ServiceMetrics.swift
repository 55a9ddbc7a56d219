import Foundation
import Synchronization

/// What a service has done, as Prometheus reads it.
final class ServiceMetrics: Sendable {
  /// Seconds.
  private static let bounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5]

  private struct State {
    /// By status.
    var requests: [Int: Int] = [:]
    var rows = 0
    /// By bound, and one for what is beyond the last.
    var buckets = [Int](repeating: 0, count: bounds.count + 1)
    var seconds = 0.0
    var swaps = 0
    var failedSwaps = 0
  }

  private let state = Mutex(State())

  func note(status: Int, rows: Int, seconds: Double) {
    state.withLock { state in
      state.requests[status, default: 0] += 1
      state.rows += rows
      state.seconds += seconds
      state.buckets[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
    }
  }

  func noteSwap(failed: Bool) {
    state.withLock { state in
      if failed { state.failedSwaps += 1 } else { state.swaps += 1 }
    }
  }

  /// - Parameters:
  ///   - waiting: requests that nobody scores yet.
  ///   - features: of the model that is served.
  func text(waiting: Int, features: Int, version: String) -> String {
    let state = state.withLock { $0 }
    var lines: [String] = []
    func add(_ name: String, _ type: String, _ help: String, _ samples: [String]) {
      lines += ["# HELP deepfm_\(name) \(help)", "# TYPE deepfm_\(name) \(type)"] + samples.map { "deepfm_\($0)" }
    }
    add(
      "requests_total", "counter", "Predictions asked for, by HTTP status.",
      state.requests.sorted { $0.key < $1.key }.map { "requests_total{status=\"\($0)\"} \($1)" })
    add("rows_total", "counter", "Rows that were scored.", ["rows_total \(state.rows)"])
    var (below, samples) = (0, [String]())
    for (place, count) in state.buckets.enumerated() {
      below += count
      let bound = place < Self.bounds.count ? "\(Self.bounds[place])" : "+Inf"
      samples.append("request_seconds_bucket{le=\"\(bound)\"} \(below)")
    }
    add(
      "request_seconds", "histogram", "From a request's last byte to its answer.",
      samples + ["request_seconds_sum \(state.seconds)", "request_seconds_count \(below)"])
    add("waiting", "gauge", "Requests that wait to be scored.", ["waiting \(waiting)"])
    add(
      "model_features", "gauge", "Features of the model that is served.",
      ["model_features{version=\"\(version)\"} \(features)"])
    add("swaps_total", "counter", "Times that a newer model took the place.", ["swaps_total \(state.swaps)"])
    add(
      "failed_swaps_total", "counter", "Newer models that could not be read.",
      ["failed_swaps_total \(state.failedSwaps)"])
    return lines.joined(separator: "\n") + "\n"
  }
}
