/// Which server owns each slot. The coordinator deals it; everyone else only reads it.
public struct SlotMap: Codable, Hashable, Sendable {
  /// `first..<first + count` belong to `server`.
  public struct Run: Codable, Hashable, Sendable {
    public var first: Int
    public var count: Int
    public var server: Int
  }

  public let runs: [Run]
  public let servers: Int

  /// Even shares of consecutive slots.
  public init(servers: Int) {
    self.servers = servers
    runs = (0..<servers).map { server in
      let first = server * SlotOrder.slots / servers
      return Run(first: first, count: (server + 1) * SlotOrder.slots / servers - first, server: server)
    }
  }

  /// The owner of each of the 16,384 slots.
  public func owners() -> [UInt16] {
    var owners = [UInt16](repeating: 0, count: SlotOrder.slots)
    for run in runs {
      for slot in run.first..<run.first + run.count { owners[slot] = UInt16(run.server) }
    }
    return owners
  }
}
