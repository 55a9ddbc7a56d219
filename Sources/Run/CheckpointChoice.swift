import Checkpoint
import Coordinator
import Job

/// Which checkpoint of a run is meant.
public enum CheckpointChoice: Hashable, Sendable {
  case last
  /// The best on the validation data, of those that were taken where an epoch ended.
  case best
  case number(Int)

  /// Reads `last`, `best`, or a number.
  ///
  /// - Throws: `UnknownChoice`.
  public init(named text: String) throws {
    switch text {
    case "last": self = .last
    case "best": self = .best
    default:
      guard let number = Int(text), number > 0 else {
        throw UnknownChoice(name: text, choices: ["last", "best", "a checkpoint's number"])
      }
      self = .number(number)
    }
  }

  /// - Parameter measure: what epochs are compared by.
  /// - Throws: `RunFailure` where the run has no such checkpoint, or not any more.
  func find(in history: RunHistory, of path: String, by measure: BestBy) throws -> CheckpointRecord {
    guard let last = history.checkpoints.last else {
      throw RunFailure.failed("\(path) has no checkpoint: its run ended before the first epoch did.")
    }
    let kept = "There are: \(last.kept.map(String.init).joined(separator: ", "))"
    func find(_ number: Int, _ name: String) throws -> CheckpointRecord {
      guard last.kept.contains(number), let record = history.checkpoints.first(where: { $0.number == number }) else {
        throw RunFailure.failed("\(path) has no \(name), or has not kept it. \(kept).")
      }
      return record
    }
    switch self {
    case .last: return last
    case .number(let number): return try find(number, "checkpoint \(number)")
    case .best:
      guard let best = history.epochs(ofStage: last.stage).bestKept(by: measure), let number = best.checkpoint else {
        throw RunFailure.failed(
          "\(path) cannot tell its best checkpoint: no epoch was evaluated, for want of --valid data. \(kept).")
      }
      return try find(number, "checkpoint of its best epoch, \(best.epoch)")
    }
  }
}
