import Checkpoint
import Coordinator
import DeepFM
import Features
import Job
import Sharding

/// Names of facts in a run's catalogue (see `Catalogue`).
enum RunFact {
  /// The run's `SavedSettings`, as they are now.
  static let configuration = "configuration"
  /// Where its coordinator listens, or did.
  static let endpoint = "endpoint"

  static func stage(_ number: Int) -> String { "stage-\(number)" }
  static func model(_ number: Int) -> String { "model-\(number)" }
  static func encoding(_ number: Int) -> String { "encoding-\(number)" }
  /// Of the parameters at the stage's end, once it has ended.
  static func digest(_ number: Int) -> String { "digest-\(number)" }
}

/// A stage of a run as the catalogue keeps it, beside its model, encoding and partitions.
struct StageRecord: Codable, Sendable {
  /// As the stage began. Learning rates follow these, whoever computes and for how many epochs: they are to be the same in a
  /// run that goes on with fewer workers, or for longer.
  var settings: SavedSettings
  var start: ModelPlan.Start
  /// Whether another model is to start from this one.
  var isPretraining: Bool
  /// Whether each worker has data of its own.
  var isLocal: Bool
  /// Bad rows that are left out.
  var skipped: Int
}

/// What a stage is made of: just read, or from the catalogue.
struct Stage {
  let number: Int
  var record: StageRecord
  let model: ModelPlan

  /// What it does, in the words of a run's first sentence.
  ///
  /// - Parameter settings: the run's, as they are now.
  func plan(_ settings: Settings, shards: String, gatherSeconds: Double) throws -> Plan {
    var settings = settings
    settings.model.model = record.settings.settings.model.model
    return try Plan(.train(model, shards: shards), stage: number, settings: settings, gatherSeconds: gatherSeconds)
  }
}

extension Catalogue {
  /// How many stages have begun. A stage's partitions are recorded last, in one transaction: it has begun if they are there.
  func stages() throws -> Int {
    var count = 0
    while try findFact(RunFact.stage(count), as: StageRecord.self) != nil { count += 1 }
    return try count > 0 && partitions(ofStage: count - 1).isEmpty ? count - 1 : count
  }

  /// Records a stage that is about to begin.
  func record(_ stage: Stage, encoding: Encoding) throws {
    try record(RunFact.encoding(stage.number), encoding)
    try record(RunFact.model(stage.number), stage.model.model)
    try record(RunFact.stage(stage.number), stage.record)
    try record(partitions: stage.model.data.catalogued(stage: stage.number))
  }

  /// The state that the run came to with a stage, for another to start from.
  ///
  /// - Parameter tables: only the parameters of these, without the optimizer's state; nil: everything.
  /// - Returns: nil where the stage has no checkpoint.
  func end(ofStage stage: Int, onlyParametersOf tables: [Int]? = nil) throws -> ModelPlan.Start? {
    let checkpoints = try checkpoints().filter { $0.stage == stage }
    guard let last = checkpoints.last else { return nil }
    return ModelPlan.Start(
      // Another model counts its steps anew.
      clock: tables == nil ? last.step : 0,
      restore: .init(
        run: try fact("run"), chain: checkpoints.chain(of: last).map(\.files), onlyParametersOf: tables))
  }
}
