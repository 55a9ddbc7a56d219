import DeepFM
import Features
import Sharding

/// A trained model with all that it takes to score rows.
public struct ScoringModel: Sendable {
  public let model: any Model<Float>
  let state: ModelState
  public let encoding: Encoding
  public let vocabulary: Vocabulary?
  /// Whether features that were not admitted are read as their field's other one.
  let usesAdmission: Bool
  /// What it comes from, by name: run, checkpoint, epoch, step.
  public let origin: [String: String]

  public init(
    _ model: any Model<Float>, _ state: ModelState, encoding: Encoding, vocabulary: Vocabulary?, usesAdmission: Bool,
    origin: [String: String]
  ) {
    self.model = model
    self.state = state
    self.encoding = encoding
    self.vocabulary = vocabulary
    self.usesAdmission = usesAdmission
    self.origin = origin
  }

  public var configuration: ModelConfiguration { model.configuration }
  /// Features that have rows.
  public var features: Int { state.rows }
  /// SHA-256 of the features' ranks, their rows and the layers' parameters, little-endian: two of the same are the same model
  /// to the bit.
  func digest() -> Digest {
    var hash = SHA256()
    state.withFeatures { hash.update($0) }
    for tensor in model.dense.tensors {
      state.dense[tensor.offset..<tensor.offset + tensor.count].withUnsafeBytes { hash.update($0) }
    }
    return hash.finish()
  }

  /// Memory that its parameters take.
  public var bytes: Int { state.bytes }
}
