/// A process that offers itself to a coordinator.
public struct Registration: Codable, Hashable, Sendable {
  public var role: Member.Role
  public var host: String
  public var process: Int32
  /// Where workers reach a server.
  public var endpoint: String?
  /// Of a server: how much it takes in proportion to others.
  public var weight: Double
  /// Of a worker that has data of its own: the names of its files, without directories.
  public var files: [String]
  /// What it was to an earlier coordinator of the run, if it was anything.
  public var standing: Standing?

  /// The place that a process had under an earlier coordinator.
  public struct Standing: Codable, Hashable, Sendable {
    public var member: Member
    /// That it adopted last.
    public var view: UInt32

    public init(member: Member, view: UInt32) {
      self.member = member
      self.view = view
    }
  }

  public init(
    role: Member.Role, host: String, process: Int32, endpoint: String? = nil, weight: Double = 1,
    files: [String] = [], standing: Standing? = nil
  ) {
    self.role = role
    self.host = host
    self.process = process
    self.endpoint = endpoint
    self.weight = weight
    self.files = files
    self.standing = standing
  }
}
