import Coordinator
import Foundation
import Job

/// Runs a plan: with a local cluster of child processes, or with processes that others start.
struct Cluster {
  var plan: Plan
  /// nil: launch everything on this machine. Else: listen here, launch nothing.
  var listen: String?
  var logs: String
  var catalogue: Catalogue?
  var console: Console

  func run() throws -> RunResult {
    let coordinator = try Coordinator(plan, listen: listen ?? "tcp://127.0.0.1:*", catalogue: catalogue)
    let local = LocalCluster(logs: logs)
    if listen == nil {
      try local.launch(
        servers: plan.configuration.servers, workers: plan.configuration.workers, coordinator: coordinator.endpoint,
        timeout: plan.configuration.timeout, threads: threadsPerWorker)
    } else {
      console.say("coordinator at \(coordinator.endpoint)")
    }
    defer { local.end() }
    let outcome = try coordinator.run(
      observer: console, failure: local.failure, isInterrupted: { Interruption.isRequested })
    switch outcome {
    case .completed(let result): return result
    case .failed(let sentence): throw RunFailure(sentence: sentence)
    case .interrupted(let checkpoint):
      let kept = checkpoint.map { "Checkpoint \($0) is whole" } ?? "There is no checkpoint yet"
      throw RunFailure(sentence: "interrupted. \(kept).", status: 130)
    }
  }

  private var threadsPerWorker: Int {
    plan.configuration.threads > 0
      ? plan.configuration.threads
      : max(1, ProcessInfo.processInfo.activeProcessorCount / plan.configuration.workers)
  }
}
