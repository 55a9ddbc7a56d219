/// What defines a model but for its parameters.
public struct ModelConfiguration: Codable, Sendable, Hashable {
  public var model: ModelName
  /// m, the number of fields of a row.
  public var fields: Int
  /// k, the width of a latent vector.
  public var embedding: Int
  /// Neurons of each hidden layer.
  public var hidden: [Int]
  public var activation: Activation
  /// Probability that a neuron is kept.
  public var keep: Double
  /// Of the sparse part.
  public var l2: Double
  public var initialization: WeightInitialization
  /// Standard deviation of a latent vector's elements at the start.
  public var embeddingDeviation: Double
  /// What is added to logits where they are predictions, of a model that was trained on some of the rows without a click: the
  /// logarithm of their share. nil: nothing.
  public var logitShift: Double?

  public init(
    model: ModelName = .deepFMD, fields: Int, embedding: Int = 10, hidden: [Int] = [400, 400, 400],
    activation: Activation = .relu, keep: Double = 0.5, l2: Double = 1e-5,
    initialization: WeightInitialization = .auto, embeddingDeviation: Double = 0.01, logitShift: Double? = nil
  ) {
    self.model = model
    self.fields = fields
    self.embedding = embedding
    self.hidden = hidden
    self.activation = activation
    self.keep = keep
    self.l2 = l2
    self.initialization = initialization
    self.embeddingDeviation = embeddingDeviation
    self.logitShift = logitShift
  }

  /// Refuses what no model can be made of.
  public func validate() throws {
    if fields < 1 { throw ModelError.invalid(name: "fields", value: "\(fields)", reason: "a row has at least 1 field") }
    if embedding < 1 { throw ModelError.invalid(name: "embedding", value: "\(embedding)", reason: "choose 1 or more") }
    if let width = hidden.first(where: { $0 < 1 }) {
      throw ModelError.invalid(name: "hidden", value: "\(width)", reason: "every layer has at least 1 neuron")
    }
    if !(keep > 0 && keep <= 1) {
      throw ModelError.invalid(
        name: "keep", value: "\(keep)", reason: "the probability that a neuron is kept is above 0 and at most 1")
    }
    if !(l2 >= 0) { throw ModelError.invalid(name: "l2", value: "\(l2)", reason: "choose 0 or more") }
  }
}

public enum ModelError: Error, Equatable, CustomStringConvertible {
  case invalid(name: String, value: String, reason: String)

  public var description: String {
    switch self {
    case .invalid(let name, let value, let reason): "\(name): \(value) cannot be used: \(reason)."
    }
  }
}
