import Features

/// One of the names that a setting can have.
public typealias Choice = CaseIterable & RawRepresentable<String>

/// A name that is none of a setting's.
public struct UnknownChoice: Error, Equatable, CustomStringConvertible {
  public let name: String
  public let choices: [String]

  public init(name: String, choices: [String]) {
    self.name = name
    self.choices = choices
  }

  public var description: String {
    "there is no \"\(name)\"; did you mean \"\(Nearest.word(to: name, among: choices))\"? "
      + "There are: \(choices.joined(separator: ", "))."
  }
}

extension CaseIterable where Self: RawRepresentable<String> {
  /// The value of a name.
  ///
  /// - Throws: `UnknownChoice`, which says what names there are.
  public init(named name: String) throws {
    guard let value = Self(rawValue: name) else {
      throw UnknownChoice(name: name, choices: Self.allCases.map(\.rawValue))
    }
    self = value
  }
}

/// What synthesized `init(from:)` in this module takes for settings with names, so that an unknown one is answered with
/// those that there are.
extension KeyedDecodingContainer {
  func decode<Value: Choice & Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let name = try decode(String.self, forKey: key)
    do {
      return try Value(named: name)
    } catch let error as UnknownChoice {
      throw DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: error.description)
    }
  }

  func decodeIfPresent<Value: Choice & Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
    guard contains(key), try !decodeNil(forKey: key) else { return nil }
    return try decode(type, forKey: key)
  }
}
