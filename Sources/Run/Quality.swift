import Coordinator

/// A measure of a model on data, or why there is none. Encoded it is a number or null.
public enum Quality: Encodable, Equatable, Sendable {
  case known(Double)
  case unknown(reason: String)

  public var value: Double? { if case .known(let value) = self { value } else { nil } }
  public var reason: String? { if case .unknown(let reason) = self { reason } else { nil } }

  /// - Parameter evaluation: nil where there was nothing to evaluate on.
  public static func auc(of evaluation: Evaluation?) -> Quality {
    guard let evaluation else { return .unknown(reason: "no validation data") }
    guard let auc = evaluation.auc else {
      return .unknown(reason: evaluation.logloss.isNaN ? "not a number" : "one class only")
    }
    return finite(auc)
  }

  /// - Parameter evaluation: nil where there was nothing to evaluate on.
  public static func logloss(of evaluation: Evaluation?) -> Quality {
    evaluation.map { finite($0.logloss) } ?? .unknown(reason: "no validation data")
  }

  private static func finite(_ value: Double) -> Quality {
    if value.isFinite { return .known(value) }
    return .unknown(reason: value.isNaN ? "not a number" : "infinite")
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }
}
