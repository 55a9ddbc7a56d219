/// What the coordinator asks of a server. Each order is carried out once and then answered, however often it comes.
public enum ServerOrder: Codable, Sendable {
  /// Be this from now on; answered when what is to be restored is there.
  case adopt(ServerAssignment)
  /// Answered once all steps before `clock` are applied, with the totals of the epoch that ended there.
  case settle(clock: UInt64)
  /// Once all steps before `clock` are applied, write the slots changed since the last checkpoint, synced, under this
  /// number.
  case checkpoint(number: Int, clock: UInt64)
  /// The catalogue holds this checkpoint: older versions of its slots may go.
  case committed(number: Int)
  /// Hash all parameters, slot by slot.
  case digest
  case stop
}

/// A server's answer.
public enum ServerReport: Codable, Sendable {
  case adopted
  case settled(StepTotals)
  case written(slots: Int, bytes: Int)
  case digests(SlotDigests)
  case done
}

/// SHA-256 of one table's slot: for each row in ascending order of ranks, the rank and the parameters' bytes.
public struct SlotDigest: Codable, Hashable, Sendable {
  public var table: Int
  public var slot: Int
  public var digest: Digest

  public init(table: Int, slot: Int, digest: Digest) {
    self.table = table
    self.slot = slot
    self.digest = digest
  }
}

/// Everything a server needs before it serves.
public struct ServerAssignment: Codable, Sendable {
  public var server: Int
  public var slots: SlotMap
  public var tables: [TableDescription]
  /// Slices per step; a step is applied when all of them have arrived.
  public var slices: Int
  public var seed: UInt64
  /// The steps of an epoch, after which totals begin anew; 0 where nothing is trained.
  public var epochSteps: UInt64
  /// By number, the incarnations of the view's workers: nobody else is served.
  public var workers: [UInt64]
  /// Where the server writes its slots; nil for a server that never does (evaluation).
  public var database: String?
  public var restore: Restore?

  /// The checkpoint to start from: every shard file of the run that wrote it, for any number of servers.
  public struct Restore: Codable, Hashable, Sendable {
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
    server: Int, slots: SlotMap, tables: [TableDescription], slices: Int, seed: UInt64, epochSteps: UInt64,
    workers: [UInt64], database: String?, restore: Restore? = nil
  ) {
    self.server = server
    self.slots = slots
    self.tables = tables
    self.slices = slices
    self.seed = seed
    self.epochSteps = epochSteps
    self.workers = workers
    self.database = database
    self.restore = restore
  }
}
