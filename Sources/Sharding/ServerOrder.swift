/// What the coordinator asks of a server. Each order is carried out once and then answered, however often it comes.
public enum ServerOrder: Codable, Sendable {
  /// The view that the order's envelope names is proposed: from now on take no message of an earlier one, and say what you
  /// hold. What was ordered in earlier views is cancelled, and not answered.
  case propose
  /// Be this from now on; answered when what is to be restored is there.
  case adopt(ServerAssignment)
  /// Answered once all slots that the server holds, in whatever role, have applied all steps before `clock`, with the
  /// totals of the epoch so far.
  case settle(clock: UInt64)
  /// Hold the state at a clock, while later steps go on; answered once all tables do. What another checkpoint held goes.
  case checkpoint(CheckpointOrder)
  /// Write what is held for this checkpoint; answered once it is on the disk, or cannot be.
  case write(checkpoint: Int)
  /// These files belong to no checkpoint that is kept.
  case remove(files: [String])
  /// Copy slots of which you are the first home to another server, while training goes on.
  case fill(FillOrder)
  /// Say what the slots of which you are the first home hold, and what is asked of them.
  case weigh
  /// Hash all parameters of slots of which you are the first home.
  case digest
  case stop
}

/// A server's answer.
public enum ServerReport: Codable, Sendable {
  case standing(ServerStanding)
  case adopted
  case settled(Settlement)
  /// The state is held; with the totals of the epoch so far, which are the same on all servers.
  case held(StepTotals)
  /// A checkpoint's clock is past: some table has applied `clock` steps.
  case missed(clock: UInt64)
  case written(CheckpointPart)
  /// The part could not be written, as a sentence says; nothing of it is left.
  case unwritten(String)
  /// The copy has arrived, and has gone through as many steps since as can be undone. It is waited for like a second
  /// home from now on.
  case filled
  case loads(SlotLoads)
  case digests(SlotDigests)
  case done
}

/// What a server came to at a settled clock.
public struct Settlement: Codable, Hashable, Sendable {
  /// Of the epoch so far.
  public var totals: StepTotals
  /// By number: of async tables, those that it is the first home of.
  public var staleness: [Int: StalenessReport]
  /// By number, of the slots that it is the first home of.
  public var tables: [TableSize]

  public init(totals: StepTotals, staleness: [Int: StalenessReport] = [:], tables: [TableSize] = []) {
    self.totals = totals
    self.staleness = staleness
    self.tables = tables
  }
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

/// Slots that another server is to hold as well.
public struct FillOrder: Codable, Hashable, Sendable {
  /// Ascending; the server that is ordered is the first home of all.
  public var slots: [Range<Int>]
  /// Who is to hold them: a server of the view that holds none of them yet.
  public var server: Int

  public init(slots: [Range<Int>], to server: Int) {
    self.slots = slots
    self.server = server
  }
}

/// What a server holds when a view is proposed.
public struct ServerStanding: Codable, Hashable, Sendable {
  /// Slots that go through steps together.
  public struct Holding: Codable, Hashable, Sendable {
    /// Ascending.
    public var slots: [Range<Int>]
    /// Steps that all tables have applied.
    public var clock: UInt64
    /// The earliest clock that all tables can go back to.
    public var earliest: UInt64

    public init(slots: [Range<Int>], clock: UInt64, earliest: UInt64) {
      self.slots = slots
      self.clock = clock
      self.earliest = earliest
    }
  }

  /// The view that the server adopted last; 0: none, or what it adopted is not all restored.
  public var view: UInt32
  /// Of the slots that it was dealt in that view.
  public var holdings: [Holding]
  /// Copies that are being made here for it to hold, whole or not: by the number of the server that makes them.
  public var copies: [Int: [Holding]]
  /// Copies that this server has made and waits for: they are whole.
  public var filled: [FillOrder]

  public init(
    view: UInt32, holdings: [Holding] = [], copies: [Int: [Holding]] = [:], filled: [FillOrder] = []
  ) {
    self.view = view
    self.holdings = holdings
    self.copies = copies
    self.filled = filled
  }
}

/// Everything a server needs before it serves.
public struct ServerAssignment: Codable, Sendable {
  public var server: Int
  public var slots: SlotMap
  /// Of the view, this one among them; ascending numbers.
  public var servers: [Seat]
  /// Of the view: nobody else is served. Ascending numbers.
  public var workers: [Seat]
  public var tables: [TableDescription]
  /// Slices per step; a step is applied when all of them have arrived.
  public var slices: Int
  public var seed: UInt64
  /// When totals begin anew.
  public var epochs: EpochClock
  /// The directory in which the server writes its parts of checkpoints; nil for one that never does (evaluation). No other
  /// process ever writes there.
  public var folder: String?
  public var start: Start
  /// The step that comes next: all homes go on from here.
  public var clock: UInt64

  /// Where the state of the slots comes from that the server is dealt.
  public enum Start: Codable, Hashable, Sendable {
    /// It holds them, as homes or as whole copies, and rolls back to the assignment's clock.
    case held
    /// There are no rows yet.
    case fresh
    case restored(Restore)
  }

  /// A checkpoint to start from, written by any number of servers.
  public struct Restore: Codable, Hashable, Sendable {
    /// The run that wrote it.
    public var run: UInt64
    /// What it stands on, and it, which is the last: the first holds all rows, each other those that changed since.
    public var chain: [CheckpointFiles]
    /// Of the epoch that the checkpoint lies in.
    public var totals: StepTotals
    /// Take only the parameters of these tables, without the optimizer's state: another model starts from them.
    public var onlyParametersOf: [Int]?

    public init(
      run: UInt64, chain: [CheckpointFiles], totals: StepTotals = StepTotals(), onlyParametersOf tables: [Int]? = nil
    ) {
      self.run = run
      self.chain = chain
      self.totals = totals
      onlyParametersOf = tables
    }
  }

  /// The numbers of checkpoints that are kept: what the server's own directory has of others goes.
  public var kept: [Int]

  /// Steps that a pull of any table may be behind: what undo logs must reach.
  public var lag: Int { tables.compactMap(\.staleness).max() ?? 0 }

  public init(
    server: Int, slots: SlotMap, servers: [Seat], workers: [Seat], tables: [TableDescription], slices: Int,
    seed: UInt64, epochs: EpochClock, folder: String?, start: Start, clock: UInt64, kept: [Int] = []
  ) {
    self.server = server
    self.slots = slots
    self.servers = servers
    self.workers = workers
    self.tables = tables
    self.slices = slices
    self.seed = seed
    self.epochs = epochs
    self.folder = folder
    self.start = start
    self.clock = clock
    self.kept = kept
  }
}

/// Where epochs begin, by the run's count of steps.
public struct EpochClock: Codable, Hashable, Sendable {
  /// The first epoch's first step.
  public var start: UInt64
  /// Of an epoch; 0 where nothing is trained.
  public var steps: UInt64

  public init(start: UInt64 = 0, steps: UInt64) {
    self.start = start
    self.steps = steps
  }

  /// Whether an epoch begins with this step.
  public func begins(at step: UInt64) -> Bool { steps > 0 && step >= start && (step - start) % steps == 0 }
}
