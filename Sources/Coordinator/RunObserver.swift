import Checkpoint

/// Whoever looks at a run while it goes on. All of it is told in the thread that runs it, and may be left unheard.
public protocol RunObserver {
  /// How far training is, some times a second.
  func show(_ progress: RunProgress)
  /// An epoch has ended, and its checkpoint is whole.
  func show(_ epoch: EpochRecord)
  /// How far work is that is done before training, such as "reading train data".
  ///
  /// - Parameter share: 0 to 1.
  func show(_ activity: String, share: Double)
  /// Something that a person may want to know.
  func say(_ sentence: String)
}

extension RunObserver {
  public func show(_ progress: RunProgress) {}
  public func show(_ epoch: EpochRecord) {}
  public func show(_ activity: String, share: Double) {}
  public func say(_ sentence: String) {}
}

/// An observer that looks at nothing.
public struct NoObserver: RunObserver {
  public init() {}
}
