/// Which process has which number in a view.
public struct Seat: Codable, Hashable, Sendable {
  /// Among those of its role. Numbers may be missing: of servers that died, and were not replaced.
  public var number: Int
  /// Drawn by the process when it starts.
  public var incarnation: UInt64
  /// Where others reach a server.
  public var endpoint: String?

  public init(number: Int, incarnation: UInt64, endpoint: String? = nil) {
    self.number = number
    self.incarnation = incarnation
    self.endpoint = endpoint
  }
}
