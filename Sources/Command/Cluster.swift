import Checkpoint
import Coordinator
import Features
import Foundation
import Job

/// Servers and workers for one plan after another: child processes on this machine, or processes that others start.
final class Cluster {
  private let coordinator: Coordinator
  private let local: LocalCluster
  private let console: Console

  /// - Parameters:
  ///   - listen: nil to launch everything on this machine. Else: listen here, launch nothing.
  init(_ job: JobConfiguration, listen: String?, logs: String, console: Console) throws {
    self.console = console
    coordinator = try Coordinator(listen: listen ?? "tcp://127.0.0.1:*")
    local = LocalCluster(logs: logs)
    guard listen == nil else {
      console.say("coordinator at \(coordinator.endpoint)")
      return
    }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    try local.launch(
      servers: job.servers, workers: job.workers, coordinator: coordinator.endpoint, timeout: job.timeout,
      threads: job.threads > 0 ? job.threads : max(1, cores / job.workers), files: try Self.deal(job))
  }

  /// With `data: local`, the files that each worker on this machine has: dealt out in turn.
  private static func deal(_ job: JobConfiguration) throws -> [[String]] {
    guard job.data == .local else { return [] }
    let train = try DataFiles.expand(job.train)
    guard train.count >= job.workers else {
      throw ConfigurationError.invalid(
        key: "data", value: "local",
        reason: "\(train.count) training files are too few for \(job.workers) workers; start fewer, or split the data")
    }
    var files = [[String]](repeating: [], count: job.workers)
    for (number, file) in train.enumerated() { files[number % job.workers].append(file) }
    for (number, file) in try DataFiles.expand(job.valid).enumerated() { files[number % job.workers].append(file) }
    return files
  }

  /// Tells processes that still wait to stop, waits for children among them, and ends those that do not.
  func end() {
    coordinator.dismiss()
    local.end()
  }

  func run(_ plan: Plan, catalogue: Catalogue?) throws -> RunResult {
    let outcome = try coordinator.run(
      plan, catalogue: catalogue, observer: console, failure: local.failure, isInterrupted: { Interruption.isRequested }
    )
    switch outcome {
    case .completed(let result): return result
    case .failed(let sentence): throw RunFailure(sentence: sentence)
    case .interrupted(let checkpoint):
      let kept = checkpoint.map { "Checkpoint \($0) is whole" } ?? "There is no checkpoint yet"
      throw RunFailure(sentence: "interrupted. \(kept).", status: 130)
    }
  }
}
