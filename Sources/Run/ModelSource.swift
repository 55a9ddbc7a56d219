import Checkpoint
import Foundation
import Serving

/// Where a trained model is: a run's directory, or a file that was exported.
public struct ModelSource: Sendable {
  public let path: String
  private let checkpoint: CheckpointChoice

  /// - Parameter checkpoint: of a run's directory.
  public init(_ path: String, _ checkpoint: CheckpointChoice = .last) {
    self.path = path
    self.checkpoint = checkpoint
  }

  private var isFile: Bool { path.hasSuffix(SafetensorsFile.suffix) }

  /// Reads it.
  ///
  /// - Throws: `ModelFileError`; `CatalogueError`, `RunFailure` or `CheckpointError` for a run without such a checkpoint, or
  ///   whose files are not what was written.
  public func read(_ caller: Caller = Caller()) throws -> ScoringModel {
    isFile ? try SafetensorsFile.read(path) : try TrainedModel(path, checkpoint).scoring(caller)
  }

  /// What its optimizers keep; nil for a file: none that was exported is read for it.
  ///
  /// - Throws: as `read` does.
  func optimizer() throws -> OptimizerState? { isFile ? nil : try TrainedModel(path, checkpoint).optimizer }

  /// Which model is there now: it changes when `read` would come to another one.
  ///
  /// - Throws: as `read` does.
  public func version() throws -> String {
    guard isFile else { return "checkpoint \(try TrainedModel(path, checkpoint).checkpoint.number)" }
    do {
      let file = try FileManager.default.attributesOfItem(atPath: path)
      let time = (file[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      return "\(file[.systemFileNumber] ?? 0) \(file[.size] ?? 0) \(time)"
    } catch {
      throw ModelFileError(path: path, reason: error.localizedDescription)
    }
  }
}
