import Features

/// When checkpoints are written beside those at the ends of epochs: `epoch` (no others), `1000steps`, `90s`, `5m`, `2h`.
public enum CheckpointSchedule: Hashable, Sendable, Codable, CustomStringConvertible {
  case epoch
  case steps(UInt64)
  /// Of training.
  case seconds(Double)

  private static let units: [(name: String, seconds: Double)] = [("s", 1), ("m", 60), ("h", 3600)]

  /// - Throws: `UnknownChoice`.
  public init(named text: String) throws {
    if text == "epoch" {
      self = .epoch
    } else if text.hasSuffix("steps"), let count = UInt64(text.dropLast(5)), count > 0 {
      self = .steps(count)
    } else if let unit = Self.units.first(where: { text.hasSuffix($0.name) }),
      let count = Double(text.dropLast(1)), count > 0, count * unit.seconds <= 1e9
    {
      self = .seconds(count * unit.seconds)
    } else {
      throw UnknownChoice(name: text, choices: ["epoch", "1000steps", "90s", "5m", "2h"])
    }
  }

  public var description: String {
    switch self {
    case .epoch: "epoch"
    case .steps(let count): "\(count)steps"
    case .seconds(let seconds): seconds == seconds.rounded() ? "\(Int(seconds))s" : "\(seconds)s"
    }
  }

  public init(from decoder: any Decoder) throws { self = try decoder.singleText { try Self(named: $0) } }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Decoder {
  /// A setting that is written as one word.
  func singleText<Value>(_ parse: (String) throws -> Value) throws -> Value {
    let container = try singleValueContainer()
    do {
      return try parse(container.decode(String.self))
    } catch let error as UnknownChoice {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
    }
  }
}
