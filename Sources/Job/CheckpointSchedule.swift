import Features

/// When checkpoints are taken beside those at the ends of epochs: `epoch` (no others), `1000steps`, `90s`, `5m`, `2h`, or one of
/// steps and one of time with a comma between them, whichever comes first.
public struct CheckpointSchedule: Hashable, Sendable, Codable, CustomStringConvertible {
  /// nil: not by steps.
  public var steps: UInt64?
  /// Of training; nil: not by time.
  public var seconds: Double?

  /// At the ends of epochs alone.
  public static let epoch = CheckpointSchedule()
  public static func steps(_ steps: UInt64) -> CheckpointSchedule { CheckpointSchedule(steps: steps) }
  public static func seconds(_ seconds: Double) -> CheckpointSchedule { CheckpointSchedule(seconds: seconds) }

  public init(steps: UInt64? = nil, seconds: Double? = nil) {
    self.steps = steps
    self.seconds = seconds
  }

  private static let units: [(name: String, seconds: Double)] = [("s", 1), ("m", 60), ("h", 3600)]

  /// - Throws: `UnknownChoice`.
  public init(named text: String) throws {
    self = .epoch
    for word in text.split(separator: ",", omittingEmptySubsequences: false).map({ String($0) }) {
      if word == "epoch" { continue }
      if steps == nil, word.hasSuffix("steps"), let count = UInt64(word.dropLast(5)), count > 0 {
        steps = count
      } else if seconds == nil, let unit = Self.units.first(where: { word.hasSuffix($0.name) }),
        let count = Double(word.dropLast(1)), count > 0, count * unit.seconds <= 1e9
      {
        seconds = count * unit.seconds
      } else {
        throw UnknownChoice(name: text, choices: ["epoch", "1000steps", "90s", "5m", "2h", "5m,1000steps"])
      }
    }
  }

  public var description: String {
    let time = seconds.map { $0 == $0.rounded() ? "\(Int($0))s" : "\($0)s" }
    let words = [steps.map { "\($0)steps" }, time].compactMap { $0 }
    return words.isEmpty ? "epoch" : words.joined(separator: ",")
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
