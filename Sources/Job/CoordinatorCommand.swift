/// What a person asks of a running coordinator. Asked again until the answer is final.
public enum CoordinatorCommand: Codable, Sendable {
  /// Let a member go, by its name, such as `worker-1`: a server once its slots have moved.
  case drain(String)
  /// Who takes part, and what they do.
  case status
}

/// A coordinator's answer.
public enum CommandAnswer: Codable, Sendable {
  /// The member is gone.
  case drained
  /// It is under way; how far, in a sentence.
  case draining(String)
  case refused(String)
  /// A line for each member.
  case status([String])
}
