import Sharding

/// What the coordinator asks of a server.
public enum ServerOrder: Codable, Sendable {
  case configure(ServerAssignment)
  /// Once all steps before `clock` are applied, write the slots changed since the last checkpoint, synced, under this
  /// number.
  case checkpoint(number: Int, clock: UInt64)
  /// The catalogue holds this checkpoint: older versions of its slots may go.
  case committed(number: Int)
  /// Hash all parameters, slot by slot.
  case digest
  case heartbeat
  /// This assignment is over: register again for the next.
  case release
  case stop
}

/// What a server tells the coordinator.
public enum ServerReport: Codable, Sendable {
  case register(role: Role)
  case configured
  case checkpointed(number: Int, slots: Int, bytes: Int)
  /// One line `slot<TAB>hex` per non-empty slot and table, ascending.
  case digests([SlotDigest])
  case heartbeat(ServerLoad)
  case failed(String)

  public struct Role: Codable, Sendable {
    /// Where workers reach it.
    public var endpoint: String
    public var host: String
    public var process: Int32

    public init(endpoint: String, host: String, process: Int32) {
      self.endpoint = endpoint
      self.host = host
      self.process = process
    }
  }
}

/// SHA-256 of one table's slot: for each row by ascending rank, the rank and the parameters' bytes.
public struct SlotDigest: Codable, Hashable, Sendable {
  public var table: Int
  public var slot: Int
  public var sha256: String

  public init(table: Int, slot: Int, sha256: String) {
    self.table = table
    self.slot = slot
    self.sha256 = sha256
  }
}

/// Rows and bytes per table, as a server counts them (DESIGN.md, promise 6).
public struct ServerLoad: Codable, Hashable, Sendable {
  public struct Table: Codable, Hashable, Sendable {
    public var name: String
    public var rows: Int
    public var bytes: Int

    public init(name: String, rows: Int, bytes: Int) {
      self.name = name
      self.rows = rows
      self.bytes = bytes
    }
  }

  public var tables: [Table]

  public init(tables: [Table]) { self.tables = tables }
}

/// Everything a server needs before it serves.
public struct ServerAssignment: Codable, Sendable {
  public var server: Int
  public var view: UInt32
  public var slots: SlotMap
  public var tables: [TableDescription]
  /// Slices per step; a step is applied when all of them have arrived.
  public var slices: Int
  public var seed: UInt64
  /// Where the server writes its slots; nil for a server that never does (evaluation).
  public var database: String?
  public var restore: Restore?

  /// The checkpoint to start from: every shard file of the run that wrote it, for any number of servers.
  public struct Restore: Codable, Sendable {
    public var checkpoint: Int
    public var databases: [String]
    /// The step that comes next.
    public var clock: UInt64
    /// Take only this table's parameters, without the optimizer's state: another model starts from them.
    public var onlyParametersOf: Int?

    public init(checkpoint: Int, databases: [String], clock: UInt64, onlyParametersOf table: Int? = nil) {
      self.checkpoint = checkpoint
      self.databases = databases
      self.clock = clock
      onlyParametersOf = table
    }
  }

  public init(
    server: Int, view: UInt32, slots: SlotMap, tables: [TableDescription], slices: Int, seed: UInt64,
    database: String?, restore: Restore? = nil
  ) {
    self.server = server
    self.view = view
    self.slots = slots
    self.tables = tables
    self.slices = slices
    self.seed = seed
    self.database = database
    self.restore = restore
  }
}
