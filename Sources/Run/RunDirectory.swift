import Checkpoint
import Features
import Foundation
import Job
import Sharding

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
  public var cache: String { cache(ofStage: 0) }
  func cache(ofStage stage: Int) -> String { path + "/train\(stage > 0 ? "-\(stage)" : "").pack" }
  /// Copies of data that cannot be sought, removed when the run has done what it was to do.
  var spool: String { path + "/spool" }
  /// What servers write, each process into a directory of its own.
  var shards: String { path + "/shards" }

  /// Where servers write: a directory of its own for each run, wherever it is.
  func shards(_ cluster: ClusterSettings, run: UInt64) -> String {
    cluster.shardDirectory.map { "\(URL(fileURLWithPath: $0).path)/run-\(String(run, radix: 16))" } ?? shards
  }

  /// Removes what processes that died left of checkpoints that never were, or that are not kept.
  static func clear(_ shards: String, keeping needed: Set<Int>) {
    for folder in (try? FileManager.default.contentsOfDirectory(atPath: shards)) ?? [] {
      PartWriter.clear("\(shards)/\(folder)", keeping: needed.sorted())
    }
  }

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

  /// The directory of a run that was.
  public static func open(_ path: String) -> RunDirectory { RunDirectory(path: URL(fileURLWithPath: path).path) }

  /// The directory of a run that is to go on.
  static func existing(_ path: String) throws -> RunDirectory {
    let directory = open(path)
    guard !FileManager.default.fileExists(atPath: directory.catalogue) else { return directory }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory.path) else {
      throw RunDirectoryError.missing(path: path)
    }
    throw RunDirectoryError.noRun(path: path, holds: names.sorted())
  }

  /// Where the run's coordinator listens, or did when there was one.
  public func coordinatorEndpoint() throws -> String {
    try Catalogue.open(at: catalogue).fact(RunFact.endpoint, as: String.self)
  }

  /// The vocabulary that the run was trained with; nil where its data are encoded without one.
  func vocabulary(of encoding: Encoding) throws -> Vocabulary? {
    guard let wanted = encoding.vocabulary else { return nil }
    let (known, found) = try VocabularyFile.load(vocabulary, for: nil)
    guard found == wanted else { throw VocabularyError.other(path: vocabulary, wanted: wanted, found: found) }
    return known
  }

  /// The files that a checkpoint was written to: where they were, or here, where the run has moved.
  func find(_ files: CheckpointFiles) -> CheckpointFiles {
    var files = files
    for index in files.parts.indices where !FileManager.default.fileExists(atPath: files.parts[index].path) {
      let name = files.parts[index].path.split(separator: "/").suffix(2).joined(separator: "/")
      let places = ["\(shards)/\(name)", "\(path)/\(name)"]
      if let found = places.first(where: FileManager.default.fileExists) ?? places.first {
        files.parts[index].path = found
      }
    }
    return files
  }

  /// Makes the run's catalogue; without it the directory is none.
  func makingCatalogue(_ make: (String) throws -> Catalogue) throws -> Catalogue {
    do {
      return try make(catalogue)
    } catch {
      try? FileManager.default.removeItem(atPath: path)
      throw error
    }
  }

  /// Removes the directory, unless another coordinator has taken the run over.
  func remove(with catalogue: Catalogue) {
    guard (try? catalogue.record(event: "given up")) != nil else { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  func removeSpool() { try? FileManager.default.removeItem(atPath: spool) }

  private static func stamp() -> String {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.dateFormat = "yyyyMMdd-HHmmss"
    return formatter.string(from: Date()) + "-\(ProcessInfo.processInfo.processIdentifier)"
  }
}

/// A place where no run can leave its files, or has left none.
public enum RunDirectoryError: Error, Equatable, CustomStringConvertible {
  case exists(path: String)
  case unusable(path: String, reason: String)
  case missing(path: String)
  case noRun(path: String, holds: [String])

  public var description: String {
    switch self {
    case .missing(let path): "\(path) does not exist. Name the directory of a run, as `deepfm train --run-dir` made it."
    case .noRun(let path, let names):
      "\(path) is no run: it holds "
        + (names.isEmpty
          ? "nothing"
          : names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : ""))
        + ", and no run.sqlite. Name the directory of a run, as `deepfm train --run-dir` made it."
    case .exists(let path): "\(path) exists. Choose another --run-dir, or remove it."
    case .unusable(let path, let reason): "\(path) cannot be made: \(reason). Choose another --run-dir."
    }
  }
}
