import Checkpoint
import Job

extension BestBy {
  /// What is lower for a better epoch; nil where it was not evaluated, or is no number.
  func loss(of epoch: EpochRecord) -> Double? {
    let loss = self == .logloss ? epoch.logloss : epoch.auc.map { -$0 }
    return loss.flatMap { $0.isFinite ? $0 : nil }
  }
}

extension [EpochRecord] {
  /// The best on the validation data, the earlier of two; nil where none was evaluated.
  public func best(by measure: BestBy) -> EpochRecord? {
    let losses = compactMap { epoch in measure.loss(of: epoch).map { (epoch: epoch, loss: $0) } }
    return losses.min { ($0.loss, $0.epoch.epoch) < ($1.loss, $1.epoch.epoch) }?.epoch
  }

  /// The best of those that ended with a checkpoint: a change of view may have cost one its own.
  public func bestKept(by measure: BestBy) -> EpochRecord? { filter { $0.checkpoint != nil }.best(by: measure) }
}
