import Serving

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
    let model = try trained.scoring(caller)
    try ModelExport(model).write(to: path) { try caller.show("writing \(path)", $0, of: $1) }
    return Exported(checkpoint: trained.checkpoint.number, features: model.features)
  }
}
