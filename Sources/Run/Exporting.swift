import DeepFM
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
    /// Features that have rows; of a delta, rows that are others.
    public let features: Int
    /// Where data were given: AUC and logloss of the checkpoint, and of the file.
    public var before: Evaluation?
    public var after: Evaluation?
  }

  /// Of files for numpy.
  public static let numpySuffix = ".npz"

  /// Writes the parameters as safetensors, or for numpy where the file is an `.npz`: see `ModelExport`.
  ///
  /// - Parameters:
  ///   - rows: how features' rows are written.
  ///   - slim: without the optimizers' state, which only a run's directory has, and only beside rows as they are.
  ///   - data: to measure what that costs.
  /// - Throws: `RunFailure` for a run without that checkpoint, `CheckpointError` for one that is not whole,
  ///   `DatasetError.cannotWrite`.
  public func write(to path: String, rows: RowPrecision = .fp32, slim: Bool = true, data: [String] = [])
    throws -> Exported
  {
    let source = ModelSource(runDirectory, checkpoint)
    let model = try source.read(caller)
    let optimizer = slim || rows != .fp32 ? nil : try source.optimizer()
    try write(ModelExport(model, rows: rows, optimizer: optimizer), to: path)
    var exported = Exported(checkpoint: model.checkpoint, features: model.features)
    guard !data.isEmpty else { return exported }
    let scoring = Scoring(runDirectory: runDirectory, data: data, caller: caller)
    let evaluations = try scoring.evaluate([model, SafetensorsFile.read(path)])
    (exported.before, exported.after) = (evaluations[0], evaluations[1])
    return exported
  }

  /// Writes what has changed since an earlier checkpoint of the run, which must be kept still.
  ///
  /// - Throws: as above.
  public func write(to path: String, since earlier: Int) throws -> Exported {
    let model = try TrainedModel(runDirectory, checkpoint).scoring(caller)
    let base = try TrainedModel(runDirectory, .number(earlier)).scoring(caller)
    let delta = ModelExport(model, since: base)
    try write(delta, to: path)
    return Exported(checkpoint: model.checkpoint, features: delta.features)
  }

  private func write(_ export: ModelExport, to path: String) throws {
    func show(_ done: Int, _ all: Int) throws { try caller.show("writing \(path)", done, of: all) }
    try path.hasSuffix(Self.numpySuffix)
      ? export.writeNumpy(to: path, progress: show) : export.write(to: path, progress: show)
  }

  /// Puts deltas, one after the other, on a file that was exported.
  ///
  /// - Throws: `ModelFileError` where one is none, or was made of another; `DatasetError.cannotWrite`.
  public static func apply(_ deltas: [String], to base: String, writing path: String) throws -> Exported {
    var model = try SafetensorsFile.read(base)
    for delta in deltas { model = try SafetensorsFile.apply(delta, to: model) }
    try ModelExport(model).write(to: path)
    return Exported(checkpoint: model.checkpoint, features: model.features)
  }
}

extension ScoringModel {
  /// The number of the checkpoint that it is of; 0 where that is not known.
  var checkpoint: Int { origin["checkpoint"].flatMap { Int($0) } ?? 0 }
}
