import DeepFM
import Features
import Foundation

/// What is trained.
public struct ModelSettings: Codable, Sendable, Hashable {
  public var model = ModelName.deepFMD
  /// k, the width of a latent vector.
  public var embedding = 10
  /// Neurons of each hidden layer.
  public var hidden = [400, 400, 400]
  public var activation = Activation.relu
  /// The probability that a neuron is kept.
  public var keep = 0.5
  /// Of the hidden layers' weights.
  public var initialization = WeightInitialization.auto
  /// Standard deviation of latent vectors at the start.
  public var embeddingDeviation = 0.01
  /// Of the FM part's weights and latent vectors, per row touched by a step.
  public var l2 = 1e-5
  /// A run's directory, or a file that was exported, whose parameters a new run starts from; nil: from random ones.
  public var startFrom: String?
  /// Which of them.
  public var startTables = StartTables.all
  /// What workers compute in.
  public var arithmetic = Precision.fp32

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case model, embedding, hidden, activation, keep, initialization
    case embeddingDeviation = "embedding-deviation"
    case l2
    case startFrom = "start-from"
    case startTables = "start-tables"
    case arithmetic
  }

  func validate() throws {
    try require(1...1024 ~= embedding, CodingKeys.embedding, embedding, "choose 1 to 1024")
    try require(hidden.count <= 64, CodingKeys.hidden, "\(hidden.count) layers", "choose at most 64")
    try require(
      hidden.allSatisfy { 1...65_536 ~= $0 }, CodingKeys.hidden, hidden, "choose 1 to 65536 neurons for every layer")
    try require(
      keep > 0 && keep <= 1, CodingKeys.keep, keep,
      "the probability that a neuron is kept is above 0 and at most 1")
    try require(
      embeddingDeviation >= 0 && embeddingDeviation.isFinite, CodingKeys.embeddingDeviation, embeddingDeviation,
      "choose 0 or more")
    try require(l2 >= 0 && l2.isFinite, CodingKeys.l2, l2, "choose 0 or more")
  }

}

extension Settings {
  /// The model for data of `fields` fields.
  public func modelConfiguration(fields: Int) -> ModelConfiguration {
    ModelConfiguration(
      model: model.model, fields: fields, embedding: model.embedding, hidden: model.hidden,
      activation: model.activation,
      keep: model.keep, l2: model.l2, initialization: model.initialization,
      embeddingDeviation: model.embeddingDeviation,
      logitShift: data.negativeRate < 1 ? log(data.negativeRate) : nil)
  }

  /// Which training rows without a click are left out; nil: none.
  public var sampling: NegativeSampling? {
    data.negativeRate < 1 ? NegativeSampling(rate: data.negativeRate, seed: optimization.seed) : nil
  }
}

/// Which parameters of another model a run starts from.
public enum StartTables: String, Codable, Sendable, CaseIterable {
  case all
  /// Weights and vectors of features.
  case sparse
  /// Of the layers.
  case dense

  /// Their numbers.
  public var numbers: [Int] {
    switch self {
    case .all: [ParameterTables.sparse, ParameterTables.dense]
    case .sparse: [ParameterTables.sparse]
    case .dense: [ParameterTables.dense]
    }
  }
}
