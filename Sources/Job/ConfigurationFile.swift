import Features
import Foundation
import Yams

/// The YAML form of settings: one mapping from keys to values.
public enum ConfigurationFile {
  /// - Parameter base: what counts where the file says nothing.
  /// - Returns: these settings, with what the file says laid over them.
  /// - Throws: `ConfigurationError` where the file cannot be read, or has a key or value that is not known. Values are
  ///   not compared with each other: that is `Settings.validate`.
  public static func read(_ path: String, over base: Settings = Settings()) throws -> Settings {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ConfigurationError.unreadable(file: path, reason: "cannot be read as a text file")
    }
    return try parse(text, file: path, over: base)
  }

  /// - Parameter file: what errors name.
  /// - Throws: like `read`.
  public static func parse(_ text: String, file: String, over base: Settings = Settings()) throws -> Settings {
    do {
      guard let node = try Yams.compose(yaml: text) else { return base }
      guard let wanted = node.mapping else {
        throw ConfigurationError.unreadable(file: file, reason: "holds no `key: value` lines")
      }
      var values = try mapping(of: base)
      for (name, value) in wanted {
        guard let key = name.string, Settings.keys.contains(key) else {
          let key = name.string ?? "?"
          throw ConfigurationError.unknownKey(
            file: file, key: key, nearest: Nearest.word(to: key, among: Settings.keys))
        }
        // A key without a value says nothing.
        if value.null == nil { values[name] = value }
      }
      return try YAMLDecoder().decode(Settings.self, from: Node.mapping(values))
    } catch let error as ConfigurationError {
      throw error
    } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context),
      let DecodingError.keyNotFound(_, context), let DecodingError.dataCorrupted(context)
    {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw ConfigurationError.unreadable(
        file: file,
        reason: key.isEmpty
          ? oneLine(context.underlyingError ?? context.debugDescription)
          : "\(key): \(oneLine(context.debugDescription))")
    } catch {
      throw ConfigurationError.unreadable(file: file, reason: oneLine(error))
    }
  }

  /// Writes all settings, those with their default values too.
  public static func write(_ settings: Settings, to path: String) throws {
    let text = try YAMLEncoder().encode(settings)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  private static func mapping(of settings: Settings) throws -> Node.Mapping {
    try Yams.compose(yaml: YAMLEncoder().encode(settings))?.mapping ?? [:]
  }

  private static func oneLine(_ error: Any) -> String {
    let text = "\(error)".split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }
}
