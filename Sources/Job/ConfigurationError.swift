/// A configuration that cannot be used: a usage error.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
  case invalid(key: String, value: String, reason: String)
  case unknownKey(file: String, key: String, nearest: String)
  case unreadable(file: String, reason: String)

  public var description: String {
    switch self {
    case .invalid(let key, let value, let reason): "\(key): \(value) cannot be used: \(reason)."
    case .unknownKey(let file, let key, let nearest):
      "\(file): unknown key \"\(key)\". Did you mean \"\(nearest)\"?"
    case .unreadable(let file, let reason): "\(file): \(reason)."
    }
  }
}

/// Refuses a setting unless the condition holds.
func require(_ condition: Bool, _ key: some CodingKey, _ value: Any, _ reason: String) throws {
  if !condition { throw ConfigurationError.invalid(key: key.stringValue, value: "\(value)", reason: reason) }
}
