import Checkpoint
import Coordinator
import Features
import Foundation
import Job

/// The members of a run, for one plan after another.
final class Cluster {
  private let coordinator: Coordinator
  private let local: LocalCluster?
  private let caller: Caller
  let gatherSeconds: Double

  /// - Parameters:
  ///   - catalogue: nil for a run that leaves nothing.
  ///   - logs: where launched processes write what they have to say.
  init(_ settings: Settings, _ members: Members, catalogue: Catalogue?, logs: String, caller: Caller) throws {
    try FileLimit.allow(
      members: settings.cluster.servers + max(settings.cluster.workers, settings.cluster.mostWorkers ?? 0))
    self.caller = caller
    gatherSeconds = members.gatherSeconds
    func coordinator(at endpoint: String, expectsMembers: Bool) throws -> Coordinator {
      let coordinator = try Coordinator(
        listen: endpoint, cluster: settings.cluster, catalogue: catalogue, expectsMembers: expectsMembers)
      // Where tools, and a coordinator that takes over, find the members.
      try catalogue?.record(RunFact.endpoint, coordinator.endpoint)
      return coordinator
    }
    switch members {
    case .joining(let endpoint):
      local = nil
      self.coordinator = try coordinator(at: endpoint, expectsMembers: true)
      caller.observer.say("coordinator at \(self.coordinator.endpoint)")
    case .launched(let cluster):
      local = cluster
      self.coordinator = try coordinator(at: "tcp://127.0.0.1:*", expectsMembers: false)
      try cluster.launch(
        settings.cluster, files: try Self.deal(settings), wiring: Wiring(coordinator: self.coordinator.endpoint),
        logs: logs)
    }
  }

  /// With local data, the files that each worker on this machine has: dealt out in turn.
  static func deal(_ settings: Settings) throws -> [[String]] {
    guard settings.data.placement == .local else { return [] }
    let workers = settings.cluster.workers
    let train = try DataFiles.expand(settings.data.train)
    guard train.count >= workers else {
      throw ConfigurationError.invalid(
        key: "data", value: "local",
        reason: "\(train.count) training files are too few for \(workers) workers; start fewer, or split the data")
    }
    var files = [[String]](repeating: [], count: workers)
    for (number, file) in train.enumerated() { files[number % workers].append(file) }
    for (number, file) in try DataFiles.expand(settings.data.valid).enumerated() {
      files[number % workers].append(file)
    }
    return files
  }

  /// Tells processes that still wait to stop, waits for children among them, and ends those that do not.
  func end() {
    coordinator.dismiss()
    local?.end()
  }

  /// - Parameter resumption: the command with which an interrupted run goes on; nil where none does.
  /// - Throws: `RunFailure` where the plan was not carried out.
  func run(_ plan: Plan, resumption: String? = nil) throws -> RunResult {
    let outcome = try coordinator.run(
      plan, observer: caller.observer, watch: { local?.news() ?? [] }, isInterrupted: caller.isInterrupted)
    switch outcome {
    case .completed(let result): return result
    case .failed(let sentence): throw RunFailure.failed(sentence)
    case .interrupted(let checkpoint):
      let kept = checkpoint.map { "Checkpoint \($0) is whole" } ?? "There is no checkpoint yet"
      throw RunFailure.interrupted("interrupted. \(kept)." + (resumption.map { " Go on with: \($0)" } ?? ""))
    }
  }
}
