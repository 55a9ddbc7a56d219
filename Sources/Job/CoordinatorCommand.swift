/// What a person asks of a running coordinator. Asked again until the answer is final.
public enum CoordinatorCommand: Codable, Sendable {
  /// Let a member go, by its name, such as `worker-1`: a server once its slots have moved.
  case drain(String)
  /// Move slots so that servers bear what their weights say.
  case rebalance(Rebalance)
  /// Who takes part, and what they do.
  case status
}

/// A wish that load be spread evenly.
public struct Rebalance: Codable, Hashable, Sendable {
  /// What is to be even.
  public enum Load: String, Codable, CaseIterable, Sendable {
    /// Bytes that servers hold.
    case memory
    /// Bytes of rows that workers ask for, and of gradients that they push.
    case traffic
  }

  /// Drawn by whoever asks, since it is asked again until it is done.
  public var id: UInt64
  public var load: Load
  /// Only to be told what would move.
  public var isDry: Bool

  public init(id: UInt64, load: Load, isDry: Bool) {
    self.id = id
    self.load = load
    self.isDry = isDry
  }
}

/// A coordinator's answer.
public enum CommandAnswer: Codable, Hashable, Sendable {
  /// It is done; what there is to say of it, in lines.
  case done([String])
  /// How far it is, in a sentence.
  case underWay(String)
  case refused(String)
}
