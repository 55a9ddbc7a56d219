import Foundation
import Job
import Yams

/// Reads and writes the YAML form of a job.
enum ConfigurationFile {
  static func read(_ path: String) throws -> JobConfiguration {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw ConfigurationError.unreadable(file: path, reason: "cannot be read as a text file")
    }
    do {
      guard let node = try Yams.compose(yaml: text) else { return JobConfiguration() }
      guard let mapping = node.mapping else {
        throw ConfigurationError.unreadable(file: path, reason: "holds no `key: value` lines")
      }
      let known = JobConfiguration.CodingKeys.allCases.map(\.rawValue)
      for key in mapping.keys.compactMap(\.string) where !known.contains(key) {
        throw ConfigurationError.unknownKey(file: path, key: key, nearest: nearest(to: key, among: known))
      }
      return try YAMLDecoder().decode(JobConfiguration.self, from: text)
    } catch let error as ConfigurationError {
      throw error
    } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context),
      let DecodingError.dataCorrupted(context)
    {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw ConfigurationError.unreadable(
        file: path,
        reason: key.isEmpty
          ? oneLine(context.underlyingError ?? context.debugDescription)
          : "\(key): \(oneLine(context.debugDescription))")
    } catch {
      throw ConfigurationError.unreadable(file: path, reason: oneLine(error))
    }
  }

  private static func oneLine(_ error: Any) -> String {
    "\(error)".split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
  }

  static func write(_ job: JobConfiguration, to path: String) throws {
    let text = try YAMLEncoder().encode(job)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
  }

  /// The word with the fewest letters to change.
  static func nearest(to word: String, among words: [String]) -> String {
    words.min { distance(word, $0) < distance(word, $1) } ?? word
  }

  /// Levenshtein's edit distance.
  private static func distance(_ a: String, _ b: String) -> Int {
    let b = Array(b)
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let above = row[j + 1]
        row[j + 1] = letter == b[j] ? diagonal : 1 + min(diagonal, above, row[j])
        diagonal = above
      }
    }
    return row[b.count]
  }
}
