import Foundation

/// Settings as a run keeps them. Those of an earlier version of this program lack what it did not know: that has its default.
public struct SavedSettings: Codable, Hashable, Sendable {
  public var settings: Settings

  public init(_ settings: Settings) { self.settings = settings }

  public func encode(to encoder: any Encoder) throws { try settings.encode(to: encoder) }

  public init(from decoder: any Decoder) throws {
    let saved = try decoder.singleValueContainer().decode([String: JSONValue].self)
    let values = try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(Settings()))
    let merged = values.merging(saved) { $1 }
    settings = try JSONDecoder().decode(Settings.self, from: JSONEncoder().encode(merged))
  }

  /// The keys whose values are others than in `other`.
  public func differences(from other: SavedSettings) throws -> [String] {
    let (mine, others) = try (values(), other.values())
    return Settings.keys.filter { mine[$0] != others[$0] }
  }

  private func values() throws -> [String: JSONValue] {
    try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(self))
  }

  /// A setting's value as text.
  public func text(_ key: String) throws -> String { try values()[key].map { "\($0)" } ?? "none" }
}

/// Any JSON.
private enum JSONValue: Codable, Hashable, CustomStringConvertible {
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string(String)
  case array([JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .int(value)
    } else if let value = try? container.decode(UInt64.self) {
      self = .uint(value)
    } else if let value = try? container.decode(Double.self) {
      self = .double(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else {
      self = .array(try container.decode([JSONValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .uint(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let values): try container.encode(values)
    }
  }

  var description: String {
    switch self {
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)"
    case .double(let value): "\(value)"
    case .string(let value): value
    case .array(let values): values.map(\.description).joined(separator: ", ")
    }
  }
}
