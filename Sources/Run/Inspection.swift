import Checkpoint
import DeepFM
import Features
import Foundation
import Job
import Serving
import Sharding

/// What is in a run's directory: its course, and the parameters of a checkpoint.
public struct Inspection {
  public let model: ModelConfiguration
  public let settings: Settings
  public let checkpoint: CheckpointRecord
  public let epochs: [EpochRecord]
  public let checkpoints: [CheckpointRecord]
  public let events: [String]
  /// Features that have rows, and parameters of the dense part.
  public private(set) var features = 0
  public let denseParameters: Int
  /// By the number of the field, where features have names; those of nobody knows which at nil.
  public private(set) var byField: [Int?: Int] = [:]
  /// With the longest rows, the longest first.
  public private(set) var largest: [Feature] = []
  /// Rows that steps of the latest epoch changed.
  public private(set) var changedLately = 0
  /// By hidden layer: neurons that put out nothing for any row of data.
  public private(set) var idleNeurons: [(idle: Int, neurons: Int)] = []
  public let encoding: Encoding
  private let trained: TrainedModel
  private let names: FeatureNames
  /// Adam's rows know how often they were updated.
  private let countsUpdates: Bool

  private static let most = 10
  /// Rows of data that neurons are looked at with.
  private static let mostRows = 100_000

  /// A feature with its row.
  public struct Feature: Sendable {
    public let key: UInt64
    public let name: FeatureNames.Name?
    public let parameters: [Float]
    /// The step that changed it last.
    public let step: UInt64
    /// Where the optimizer counts them.
    public let updates: UInt32?

    /// Euclidean, of all parameters.
    public var norm: Double { Inspection.norm(parameters) }
  }

  /// Reads the rows of a checkpoint.
  ///
  /// - Parameters:
  ///   - vocabulary: whose values are the features' names; nil: that of the run, if it has one.
  ///   - data: rows that neurons are looked at with.
  /// - Throws: as `ModelSource.read`; `VocabularyError`, `DatasetError`.
  public init(
    _ path: String, checkpoint choice: CheckpointChoice, vocabulary: String?, data: [String], caller: Caller
  ) throws {
    trained = try TrainedModel(path, choice)
    (settings, encoding, checkpoint) = (trained.settings, trained.encoding, trained.checkpoint)
    countsUpdates = if case .adam = settings.sparseOptimizer(totalSteps: 1).rule { true } else { false }
    model = trained.model.configuration
    denseParameters = trained.model.dense.tensors.reduce(0) { $0 + $1.count }
    let catalogue = try Catalogue.open(at: trained.directory.catalogue)
    let history = try catalogue.history()
    epochs = history.epochs(ofStage: trained.checkpoint.stage)
    checkpoints = history.checkpoints
    events = try catalogue.events()
    let own = trained.encoding.vocabulary == nil ? nil : trained.directory.vocabulary
    names = try FeatureNames(trained.encoding, vocabulary: vocabulary ?? own)
    let epochSteps = UInt64(epochs.last?.steps ?? 0)
    let recent = trained.checkpoint.step - min(trained.checkpoint.step, epochSteps)
    var read = 0
    try trained.forEachSlot { snapshot in
      snapshot.forEachRow { rank, row in
        features += 1
        byField[names[Rank.key(of: rank)]?.field, default: 0] += 1
        if snapshot.changedAt(row) > recent { changedLately += 1 }
        let norm = Self.norm(UnsafeBufferPointer(start: row, count: snapshot.width))
        guard largest.count < Self.most || norm > largest.last!.norm else { return }
        largest.insert(
          feature(rank, row, of: snapshot), at: largest.firstIndex { $0.norm < norm } ?? largest.count)
        if largest.count > Self.most { largest.removeLast() }
      }
      read += 1
      try caller.show("reading the model", read, of: Rank.slots)
    }
    if !data.isEmpty { idleNeurons = try idleNeurons(data, caller) }
  }

  private static func norm(_ parameters: some Sequence<Float>) -> Double {
    parameters.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  private func feature(_ rank: UInt64, _ row: UnsafePointer<Float>, of snapshot: SlotSnapshot) -> Feature {
    let key = Rank.key(of: rank)
    let width = snapshot.width
    return Feature(
      key: key, name: names[key], parameters: Array(UnsafeBufferPointer(start: row, count: width)),
      step: snapshot.changedAt(row), updates: countsUpdates ? row[3 * width].bitPattern : nil)
  }

  private func idleNeurons(_ data: [String], _ caller: Caller) throws -> [(idle: Int, neurons: Int)] {
    let scratch = try ScratchDirectory("inspect")
    defer { scratch.remove() }
    let index = try DatasetIndex.build(
      data, encoding: encoding, caller.reading("reading data", spool: scratch.path, badRows: .fail))
    let scoring = try trained.scoring(caller)
    let reader = ChunkReader(index, vocabulary: scoring.vocabulary)
    var rows = Batch(fields: index.fields)
    for chunk in index.chunks where rows.rows < Self.mostRows { try reader.read(chunk, into: &rows) }
    return BlockScorer(scoring).idleNeurons(rows)
  }

  /// One feature, and those of its field whose parameters point the same way, the nearest first, by the cosine of the angle between
  /// them.
  public struct Found {
    public let feature: Feature
    public let neighbours: [(feature: Feature, cosine: Double)]
  }

  /// - Parameters:
  ///   - field: its name; of features without columns anything.
  ///   - value: the text that the data have.
  /// - Throws: `RunFailure` where there is no such field, or the feature has no row.
  public func find(field: String, value: String) throws -> Found {
    guard let number = encoding.fields.firstIndex(where: { $0.name == field }) else {
      throw RunFailure.failed(
        "there is no field \"\(field)\". There are: \(encoding.fieldNames.joined(separator: ", ")).")
    }
    guard let key = encoding.key(of: value, field: number) else {
      throw RunFailure.failed("\(field): \"\(value)\" becomes no feature; expected a number.")
    }
    let rank = Rank.of(key)
    var found: Feature?
    try trained.forEachSlot(Rank.slot(of: rank)) { snapshot in
      snapshot.forEachRow { other, row in
        if other == rank { found = self.feature(rank, row, of: snapshot) }
      }
    }
    guard let found else {
      throw RunFailure.failed(
        "\(field)=\(value) has no row: training never saw it, or did not admit it, or has evicted it.")
    }
    let owner = encoding.fields[number].owner
    var nearest: [(feature: Feature, cosine: Double)] = []
    if byField[owner] != nil {
      try trained.forEachSlot { snapshot in
        snapshot.forEachRow { other, row in
          guard other != rank, names[Rank.key(of: other)]?.field == owner else { return }
          let feature = self.feature(other, row, of: snapshot)
          let dot = zip(feature.parameters, found.parameters).reduce(0) { $0 + Double($1.0) * Double($1.1) }
          let lengths = feature.norm * found.norm
          nearest.append((feature, lengths > 0 ? dot / lengths : 0))
        }
        nearest.sort { $0.cosine > $1.cosine }
        nearest.removeLast(max(0, nearest.count - Self.most))
      }
    }
    return Found(feature: found, neighbours: nearest)
  }
}
