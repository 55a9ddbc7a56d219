import Foundation

/// The files that a run leaves.
public struct RunDirectory: Sendable {
  public let path: String

  /// What there is to know of the run: see `Catalogue`.
  public var catalogue: String { path + "/run.sqlite" }
  /// All settings.
  public var configuration: String { path + "/config.yaml" }
  /// What launched processes wrote.
  public var logs: String { path + "/logs" }
  /// The schema of the data, as it was given.
  public var schema: String { path + "/schema.yaml" }
  public var vocabulary: String { path + "/vocabulary.sqlite" }
  /// The training data, packed.
  public var cache: String { path + "/train.pack" }
  /// Copies of data that cannot be sought, removed at the end.
  var spool: String { path + "/spool" }

  func shards(servers: Int) -> [String] { (0..<servers).map { "\(path)/shards/server-\($0).sqlite" } }

  /// Makes the directory of a new run.
  static func create(_ wanted: String?) throws -> RunDirectory {
    let path = wanted ?? "runs/" + Self.stamp()
    let directory = RunDirectory(path: URL(fileURLWithPath: path).path)
    guard !FileManager.default.fileExists(atPath: directory.path) else { throw RunDirectoryError.exists(path: path) }
    do {
      for folder in [directory.logs, directory.path + "/shards"] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      }
    } catch {
      throw RunDirectoryError.unusable(path: path, reason: error.localizedDescription)
    }
    return directory
  }

  /// A directory within this one, for a model that is trained on the way.
  func makeStage() throws -> RunDirectory {
    let stage = RunDirectory(path: pretraining)
    try FileManager.default.createDirectory(atPath: stage.path + "/shards", withIntermediateDirectories: true)
    return stage
  }

  /// The directory of a run that was.
  public static func open(_ path: String) -> RunDirectory { RunDirectory(path: URL(fileURLWithPath: path).path) }

  private var pretraining: String { path + "/pretraining" }

  /// Removes the directory unless training has begun in it.
  func removeIfUnused() {
    guard ![catalogue, pretraining].contains(where: FileManager.default.fileExists(atPath:)) else { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  func removeSpool() { try? FileManager.default.removeItem(atPath: spool) }

  /// The name, or one like it that is not taken.
  private static func free(_ name: String) -> String {
    let others = (2...).lazy.map { "\(name)-\($0)" }
    return FileManager.default.fileExists(atPath: name)
      ? others.first { !FileManager.default.fileExists(atPath: $0) } ?? name : name
  }

  private static func stamp() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return formatter.string(from: Date()) + "-\(ProcessInfo.processInfo.processIdentifier)"
  }
}

/// A place where no run can leave its files.
public enum RunDirectoryError: Error, Equatable, CustomStringConvertible {
  case exists(path: String)
  case unusable(path: String, reason: String)

  public var description: String {
    switch self {
    case .exists(let path): "\(path) exists. Choose another --run-dir, or remove it."
    case .unusable(let path, let reason): "\(path) cannot be made: \(reason). Choose another --run-dir."
    }
  }
}
