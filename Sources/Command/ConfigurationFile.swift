import DeepFM
import Features
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
        throw ConfigurationError.unknownKey(file: path, key: key, nearest: Nearest.word(to: key, among: known))
      }
      try checkNames(mapping, file: path)
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

  /// Refuses names that are not known, in the words of the flags.
  private static func checkNames(_ mapping: Node.Mapping, file: String) throws {
    let names: [JobConfiguration.CodingKeys: [String]] = [
      .format: DataFormat.allCases.map(\.rawValue), .badRows: BadRows.allCases.map(\.rawValue),
      .data: DataPlacement.allCases.map(\.rawValue), .model: ModelName.allCases.map(\.rawValue),
      .activation: Activation.allCases.map(\.rawValue), .consistency: Consistency.allCases.map(\.rawValue),
      .optimizer: OptimizerName.allCases.map(\.rawValue), .denseOptimizer: OptimizerName.allCases.map(\.rawValue),
      .schedule: Schedule.allCases.map(\.rawValue), .rateScaling: RateScaling.allCases.map(\.rawValue),
      .initialization: WeightInitialization.allCases.map(\.rawValue),
    ]
    for (key, known) in names {
      guard let value = mapping[key.rawValue]?.string, !known.contains(value) else { continue }
      throw ConfigurationError.unreadable(
        file: file, reason: "\(key.rawValue): " + unknownName(value, among: known).dropLast())
    }
  }
}
