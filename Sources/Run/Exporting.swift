import Checkpoint
import DeepFM
import Features
import Job
import Serving
import Sharding

/// A checkpoint of a run with all that is needed to use it.
struct TrainedModel {
  let checkpoint: CheckpointRecord
  let model: any Model<Float>
  let encoding: Encoding
  let settings: Settings
  let directory: RunDirectory
  private let restore: ServerAssignment.Restore

  /// - Throws: `CatalogueError` where there is no run, `RunFailure` where it has no such checkpoint.
  init(_ path: String, _ choice: CheckpointChoice) throws {
    directory = RunDirectory.open(path)
    let catalogue = try Catalogue.open(at: directory.catalogue)
    let history = try catalogue.history()
    checkpoint = try choice.find(in: history, of: path)
    model = try makeModel(catalogue.fact(RunFact.model(checkpoint.stage)))
    encoding = try catalogue.fact(RunFact.encoding(checkpoint.stage))
    settings = try catalogue.fact(RunFact.configuration, as: SavedSettings.self).settings
    restore = ServerAssignment.Restore(
      run: try catalogue.fact("run"),
      chain: history.checkpoints.chain(of: checkpoint).map { [directory] in directory.find($0.files) },
      totals: checkpoint.totals)
  }

  /// Where servers start from it.
  var start: ModelPlan.Start { .init(clock: checkpoint.step, restore: restore) }

  /// Reads its parameters.
  func state(_ caller: Caller) throws -> ModelState {
    let bytes = restore.chain.flatMap(\.parts).reduce(0) { $0 + $1.bytes }
    var read = 0
    return try ModelState(run: restore.run, restore.chain, of: model) {
      read += $0
      try caller.show("reading the model", read, of: bytes)
    }
  }

  /// For the metadata of files that are made of it.
  var origin: [String: String] {
    [
      "run": String(restore.run, radix: 16), "checkpoint": "\(checkpoint.number)", "epoch": "\(checkpoint.epoch)",
      "step": "\(checkpoint.step)",
    ]
  }
}

/// Writes a trained model to one file that other programs read.
public struct Exporting {
  private let runDirectory: String
  private let checkpoint: CheckpointChoice
  private let caller: Caller

  public init(runDirectory: String, checkpoint: CheckpointChoice = .last, caller: Caller = Caller()) {
    self.runDirectory = runDirectory
    self.checkpoint = checkpoint
    self.caller = caller
  }

  /// What was written.
  public struct Exported: Sendable {
    public let checkpoint: Int
    /// Features that have rows.
    public let features: Int
  }

  /// Writes the parameters as safetensors: see `ModelExport`.
  ///
  /// - Throws: `RunFailure` for a run without that checkpoint, `CheckpointError` for one that is not whole,
  ///   `DatasetError.cannotWrite`.
  public func write(to path: String) throws -> Exported {
    let trained = try TrainedModel(runDirectory, checkpoint)
    let state = try trained.state(caller)
    let export = ModelExport(trained.model, state, encoding: trained.encoding, origin: trained.origin)
    try export.write(to: path) { try caller.show("writing \(path)", $0, of: $1) }
    return Exported(checkpoint: trained.checkpoint.number, features: state.rows)
  }
}
