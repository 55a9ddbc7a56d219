import Checkpoint
import Coordinator
import Foundation
import Job

/// What is to be other than it was when a run goes on.
struct Resumption {
  let directory: RunDirectory
  let settings: Settings
  /// Whether there are data that no stage of the run has begun on.
  let hasNewData: Bool
  /// nil where learning rates go on as they were to.
  let rates: Rates?
  /// For the run's list of events.
  let changes: String

  /// The keys that do not decide which bits a run comes to, or that people change on purpose.
  private static let changeable: Set<String> = [
    "train", "bad-rows", "max-bad-rows", "readers", "sync-reading", "epochs", "lr", "schedule", "warm-up",
    "decay-factor", "decay-steps", "ftrl-alpha", "patience", "best-by", "servers", "workers", "max-workers", "replicas",
    "threads",
    "speculate",
    "timeout", "coordinator-timeout", "wait-for-data", "checkpoint-every", "keep-checkpoints", "keep-best",
    "shard-dir", "server-memory", "run-dir",
  ]
  /// Those that may change together with the training data.
  private static let changeableWithData: Set<String> = ["valid", "cache"]

  /// - Throws: `RunDirectoryError` or `CatalogueError` where there is no run to go on with, `RunFailure` where it has done all
  ///   that it was to do, `ConfigurationError` for a change that would make it another run.
  init(_ path: String, changing change: (inout Settings) throws -> Void) throws {
    directory = try RunDirectory.existing(path)
    let catalogue = try Catalogue.open(at: directory.catalogue)
    let before = try catalogue.fact(RunFact.configuration, as: SavedSettings.self)
    var settings = before.settings
    try change(&settings)
    settings.runDirectory = directory.path
    let after = SavedSettings(settings)
    let differences = try after.differences(from: before)
    let last = try catalogue.stages() - 1
    let record = last >= 0 ? try catalogue.fact(RunFact.stage(last), as: StageRecord.self) : nil
    // A run that died before it began on new data is to begin on them, though its configuration names them by now.
    hasNewData = record.map { $0.settings.settings.data.train != settings.data.train } ?? false
    for key in differences where !Self.changeable.contains(key) {
      guard !Self.changeableWithData.contains(key) else {
        if hasNewData || record == nil { continue }
        throw ConfigurationError.invalid(
          key: key, value: try after.text(key), reason: "it may be another only where train is too")
      }
      throw ConfigurationError.invalid(
        key: key, value: try after.text(key),
        reason: "the run in \(path) has \(try before.text(key)), which cannot change while it goes on")
    }
    try settings.validate()
    rates = Rates(settings, differences)
    changes = try differences.filter { $0 != "run-dir" }.map { "\($0) \(try before.text($0)) -> \(try after.text($0))" }
      .joined(separator: ", ")
    self.settings = settings
    if let record { try refuseIfDone(stage: last, record, catalogue, path) }
  }

  private func refuseIfDone(stage: Int, _ record: StageRecord, _ catalogue: Catalogue, _ path: String) throws {
    if hasNewData {
      guard !record.isPretraining else {
        throw RunFailure.failed("\(path) is still pre-training. Let it end before you give it new --train data.")
      }
      return
    }
    let epochs = try catalogue.history().epochs(ofStage: stage).count
    let hasEnded = try catalogue.findFact(RunFact.digest(stage), as: String.self) != nil
    guard hasEnded, !record.isPretraining, epochs >= settings.optimization.epochs else { return }
    throw RunFailure.failed("\(path) has its \(epochs) epochs; raise --epochs, or give it new --train data.")
  }

  /// Settings of learning rates that are others from now on.
  struct Rates {
    private let settings: OptimizationSettings
    private let isSchedule: Bool

    init?(_ settings: Settings, _ differences: [String]) {
      let keys: Set = ["lr", "schedule", "warm-up", "decay-factor", "decay-steps", "ftrl-alpha"]
      guard !keys.isDisjoint(with: differences) else { return nil }
      self.settings = settings.optimization
      isSchedule = differences.contains("schedule")
    }

    func lay(over settings: inout Settings) {
      settings.optimization.learningRate = self.settings.learningRate
      settings.optimization.schedule = self.settings.schedule
      settings.optimization.warmUp = self.settings.warmUp
      settings.optimization.decayFactor = self.settings.decayFactor
      settings.optimization.decaySteps = self.settings.decaySteps
      settings.optimization.ftrlAlpha = self.settings.ftrlAlpha
      // A schedule that ends with the last epoch ends with the one that was the last when it was chosen.
      if isSchedule { settings.optimization.epochs = self.settings.epochs }
    }
  }
}
