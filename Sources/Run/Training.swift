import Checkpoint
import Coordinator
import Foundation
import Job

/// A training run, from settings to result.
///
///     var settings = Settings()
///     settings.data.train = ["clicks.txt"]
///     let trained = try Training(settings).run()
public struct Training {
  public let settings: Settings
  private let members: Members
  private let caller: Caller
  /// nil: a new run.
  private let resumption: Resumption?

  /// A new run.
  ///
  /// - Parameters:
  ///   - members: who computes; servers and workers are launched on this machine unless it says otherwise.
  ///   - caller: who is told how far the run is, and can end it.
  /// - Throws: `ConfigurationError` where the settings cannot be run.
  public init(
    _ settings: Settings, members: Members = .launched(LocalCluster()), caller: Caller = Caller()
  ) throws {
    guard !settings.data.train.isEmpty else {
      throw ConfigurationError.invalid(
        key: "train", value: "nothing", reason: "name the training data with --train FILE")
    }
    try settings.validate()
    self.settings = settings
    self.members = members
    self.caller = caller
    resumption = nil
  }

  /// A run that was, and goes on from its last checkpoint, or from what members of it hold that live: with any numbers of
  /// servers and workers, for more epochs, or on new data.
  ///
  ///     let trained = try Training(resuming: "runs/first") { $0.optimization.epochs = 5 }.run()
  ///
  /// - Parameters:
  ///   - path: its directory. Whoever coordinates it still is superseded, and ends.
  ///   - change: what is to be other than it was.
  /// - Throws: `RunDirectoryError` or `CatalogueError` where there is no such run, `RunFailure` where it has done all that it
  ///   was to do, `ConfigurationError` for a change that would make it another run.
  public init(
    resuming path: String, members: Members = .launched(LocalCluster()), caller: Caller = Caller(),
    changing change: (inout Settings) throws -> Void = { _ in }
  ) throws {
    let resumption = try Resumption(path, changing: change)
    settings = resumption.settings
    self.members = members
    self.caller = caller
    self.resumption = resumption
  }

  /// Reads through the data, trains in this thread until all epochs are done, and leaves a run directory.
  ///
  /// - Returns: what came of it, the last checkpoint being in the run directory.
  /// - Throws: `RunFailure` where the run ends early; `DatasetError`, `SchemaError` or `VocabularyError` for data that
  ///   cannot be read; `RunDirectoryError`, `CatalogueError`, `ToolError` or `WireError` for what is in its way.
  public func run() throws -> Trained {
    let process = ProcessInfo.processInfo
    if let resumption {
      let catalogue = try Catalogue.takeOver(
        resumption.directory.catalogue, host: process.hostName, process: process.processIdentifier)
      try catalogue.record(
        event: "goes on" + (resumption.changes.isEmpty ? "" : ", changed: \(resumption.changes)"))
      try catalogue.relocate(resumption.directory.find)
      try catalogue.fallBack(in: resumption.directory, caller)
      let shards = try resumption.directory.shards(settings.cluster, run: catalogue.fact("run"))
      try RunDirectory.clear(shards, keeping: catalogue.checkpoints().needed)
      return try run(in: resumption.directory, catalogue) {}
    }
    _ = try settings.data.readSchema()
    let directory = try RunDirectory.create(settings.runDirectory)
    let catalogue = try directory.makingCatalogue {
      try Catalogue.create(at: $0, host: process.hostName, process: process.processIdentifier)
    }
    var hasBegun = false
    // After a mistake before anything ran, the name is free for the next try.
    defer { if !hasBegun { directory.remove(with: catalogue) } }
    return try run(in: directory, catalogue) { hasBegun = true }
  }

  /// - Parameter begin: called when training begins.
  private func run(
    in directory: RunDirectory, _ catalogue: Catalogue, begin: () -> Void
  ) throws -> Trained {
    var settings = settings
    settings.runDirectory = directory.path
    try ConfigurationFile.write(settings, to: directory.configuration)
    if catalogue.isOnNetwork {
      caller.observer.say(
        "\(directory.catalogue) lies on a network file system, where SQLite cannot keep a write-ahead log: "
          + "whoever reads it may hold up the run for a moment")
    }
    try catalogue.record(RunFact.configuration, SavedSettings(settings))
    let stages = Stages(settings: settings, directory: directory, catalogue: catalogue, caller: caller)
    func source() throws -> DataSource {
      try DataSource(settings, number: catalogue.stages(), directory, catalogue, caller)
    }
    let hasNewData = resumption?.hasNewData ?? false
    var stage = hasNewData ? nil : try stages.underWay(rates: resumption?.rates)
    // Shared data are read before anyone is launched, who would wait for it.
    if stage == nil, settings.data.placement == .shared { stage = try stages.begin(source().read()) }
    let cluster = try Cluster(settings, members, catalogue: catalogue, logs: directory.logs, caller: caller)
    defer { cluster.end() }
    var current = try stage ?? stages.begin(source().survey(with: cluster))
    begin()
    while true {
      let plan = try current.plan(
        settings, shards: directory.shards(settings.cluster, run: catalogue.fact("run")),
        gatherSeconds: cluster.gatherSeconds)
      let result = try cluster.run(plan, resumption: members.resumption(of: directory))
      try catalogue.record(RunFact.digest(current.number), result.parameterDigest)
      if let next = try stages.following(current) {
        current = next
        continue
      }
      directory.removeSpool()
      return Trained(
        result: result, directory: directory,
        trainingSeconds: try catalogue.history().epochs.reduce(0) { $0 + $1.seconds }, skipped: current.record.skipped)
    }
  }
}

/// What came of a training run.
public struct Trained: Sendable {
  /// Of the last stage, all its epochs.
  public let result: RunResult
  public let directory: RunDirectory
  /// Of training alone, a model's that it started from and epochs on earlier data included.
  public let trainingSeconds: Double
  /// Bad rows that were left out.
  public let skipped: Int

  /// SHA-256 over all parameters in hexadecimal digits: the same for the same data and settings, whatever the cluster.
  public var parameterDigest: String { result.parameterDigest ?? "" }
}
