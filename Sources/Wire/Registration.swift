/// A process that offers itself to a coordinator.
public struct Registration: Codable, Hashable, Sendable {
  public var role: Member.Role
  public var host: String
  public var process: Int32
  /// Where workers reach a server.
  public var endpoint: String?

  public init(role: Member.Role, host: String, process: Int32, endpoint: String? = nil) {
    self.role = role
    self.host = host
    self.process = process
    self.endpoint = endpoint
  }
}
