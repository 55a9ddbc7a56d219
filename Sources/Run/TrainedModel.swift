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
  let restore: ServerAssignment.Restore

  /// - Throws: `CatalogueError` where there is no run, `RunFailure` where it has no such checkpoint.
  init(_ path: String, _ choice: CheckpointChoice) throws {
    directory = RunDirectory.open(path)
    let catalogue = try Catalogue.open(at: directory.catalogue)
    let history = try catalogue.history()
    settings = try catalogue.fact(RunFact.configuration, as: SavedSettings.self).settings
    checkpoint = try choice.find(in: history, of: path, by: settings.optimization.bestBy)
    model = try makeModel(catalogue.fact(RunFact.model(checkpoint.stage)))
    encoding = try catalogue.fact(RunFact.encoding(checkpoint.stage))
    restore = ServerAssignment.Restore(
      run: try catalogue.fact("run"),
      chain: history.checkpoints.chain(of: checkpoint).map { [directory] in directory.find($0.files) },
      totals: checkpoint.totals)
  }

  /// Where servers start from it.
  var start: ModelPlan.Start { .init(clock: checkpoint.step, restore: restore) }

  /// Reads its parameters.
  private func state(_ caller: Caller) throws -> ModelState {
    let bytes = restore.chain.flatMap(\.parts).reduce(0) { $0 + $1.bytes }
    var read = 0
    return try ModelState(run: restore.run, restore.chain, of: model) {
      read += $0
      try caller.show("reading the model", read, of: bytes)
    }
  }

  /// It, to score with.
  func scoring(_ caller: Caller) throws -> ScoringModel {
    ScoringModel(
      model, try state(caller), encoding: encoding, vocabulary: try directory.vocabulary(of: encoding),
      usesAdmission: settings.data.admitAfter > 1, origin: origin)
  }

  /// What its optimizers keep, for a file of it.
  var optimizer: OptimizerState {
    // The rules do not depend on the steps of a run.
    OptimizerState(
      run: restore.run, restore.chain, sparse: settings.sparseOptimizer(totalSteps: 1).rule,
      dense: settings.denseOptimizer(totalSteps: 1).rule)
  }

  /// Shows the features' rows, with the optimizer's state.
  ///
  /// - Parameter slot: of which alone; nil: of all.
  func forEachSlot(_ slot: Int? = nil, _ body: (SlotSnapshot) throws -> Void) throws {
    try CheckpointReading.read(
      run: restore.run, restore.chain, wanted: { $0 == ParameterTables.sparse && $1 == slot ?? $1 }
    ) { _, snapshot in try body(snapshot) }
  }

  /// For the metadata of files that are made of it.
  private var origin: [String: String] {
    [
      "run": String(restore.run, radix: 16), "checkpoint": "\(checkpoint.number)", "epoch": "\(checkpoint.epoch)",
      "step": "\(checkpoint.step)",
    ]
  }
}
