import Checkpoint
import Coordinator
import DeepFM
import Features
import Foundation
import Job
import Serving
import Sharding

/// The model that a new run starts from, its data being encoded as that one's were.
struct StartingModel {
  let encoding: Encoding
  /// With the texts of its values; nil where there are none, or no file of them.
  let vocabulary: String?
  private let path: String
  private let model: any Model<Float>
  private let tables: StartTables
  private let origin: Origin

  private enum Origin {
    case run(ServerAssignment.Restore)
    case file(ScoringModel)
  }

  /// - Throws: as `ModelSource.read`.
  init(_ path: String, _ tables: StartTables) throws {
    self.path = path
    self.tables = tables
    if path.hasSuffix(SafetensorsFile.suffix) {
      let file = try SafetensorsFile.read(path)
      (model, encoding, vocabulary, origin) = (file.model, file.encoding, nil, .file(file))
    } else {
      let trained = try TrainedModel(path, .last)
      (model, encoding) = (trained.model, trained.encoding)
      vocabulary = encoding.vocabulary == nil ? nil : trained.directory.vocabulary
      origin = .run(trained.restore)
    }
  }

  /// Where servers find its parameters.
  ///
  /// - Parameters:
  ///   - wanted: the model that is to start from them.
  ///   - directory: the new run's, where those of a file are written for servers to read.
  ///   - run: the new run's number.
  /// - Throws: `ConfigurationError` where they do not fit.
  func start(_ wanted: any Model<Float>, in directory: RunDirectory, run: UInt64) throws -> ModelPlan.Start {
    try check(wanted)
    var restore: ServerAssignment.Restore
    switch origin {
    case .run(let theirs): restore = theirs
    case .file(let file):
      let writer = try PartWriter(
        in: directory.path + "/start", PartHeader(run: run, checkpoint: 1, clock: 0, base: nil, server: 0))
      try file.forEachSnapshot { try writer.write([$0]) }
      restore = .init(
        run: run, chain: [CheckpointFiles(number: 1, clock: 0, base: nil, parts: [try writer.finish()])])
    }
    restore.totals = StepTotals()
    restore.onlyParametersOf = tables.numbers
    return ModelPlan.Start(clock: 0, restore: restore)
  }

  private func check(_ wanted: any Model<Float>) throws {
    func require(_ condition: Bool, _ reason: String) throws {
      guard condition else {
        throw ConfigurationError.invalid(key: "start-from", value: path, reason: reason)
      }
    }
    func columns(_ model: any Model<Float>) -> String {
      model.sparse.columns.map { "\($0.name) \($0.width)" }.joined(separator: ", ")
    }
    func layers(_ model: any Model<Float>) -> String {
      model.dense.tensors.map { "\($0.name) \($0.rows)x\($0.columns)" }.joined(separator: ", ")
    }
    if tables != .dense {
      try require(
        columns(model) == columns(wanted),
        "its features have \(columns(model)), this model's \(columns(wanted)); choose its --model and --embedding, or "
          + "--start-tables dense")
    }
    if tables != .sparse {
      try require(
        layers(model) == layers(wanted),
        "its layers are \(layers(model)), this model's \(layers(wanted)); choose its --model and --hidden, or "
          + "--start-tables sparse")
    }
  }
}
