/// Who computes, and how they keep together.
public struct ClusterSettings: Codable, Sendable, Hashable {
  public var servers = 2
  public var workers = 2
  /// Compute threads of a worker; 0 shares this machine's cores among its workers.
  public var threads = 0
  public var consistency = Consistency.sync
  /// Seconds of silence after which a process counts as dead.
  public var timeout = 20.0
  /// What rows and gradients travel in.
  public var wire = Precision.fp32

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case servers, workers, threads, consistency, timeout, wire
  }

  /// Refuses what no cluster can be made of, naming the key and the way out.
  public func validate() throws {
    try require(1...1024 ~= servers, CodingKeys.servers, servers, "choose 1 to 1024")
    try require(1...4096 ~= workers, CodingKeys.workers, workers, "choose 1 to 4096")
    try require(
      0...1024 ~= threads, CodingKeys.threads, threads, "choose 1 to 1024, or 0 to share the machine's cores")
    // What is no number is within no bounds.
    try require(1...86_400 ~= timeout, CodingKeys.timeout, timeout, "choose 1 to 86400 seconds")
  }
}

/// How far workers' clocks may drift (ARCHITECTURE.md, promise 2).
public enum Consistency: String, Codable, Sendable, CaseIterable {
  /// Staleness 0, gradients averaged over the global minibatch: the paper's scheme (section III-B.2).
  case sync
}
