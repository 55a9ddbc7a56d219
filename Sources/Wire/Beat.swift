import Sharding

/// What members and coordinator tell each other twice a second, without being asked.
public struct Beat: Codable, Hashable, Sendable {
  /// Grows with every piece of work done: a step, a scored block, a surveyed chunk, a written segment. A number that
  /// stands still while the run waits is noticed (ARCHITECTURE.md, promise 4).
  public var done: UInt64
  public var activity: Activity
  /// A server's rows and bytes.
  public var load: ServerLoad?
  /// A server's applied steps, and what they came to since the epoch began.
  public var clock: UInt64?
  public var totals: StepTotals?
  /// Of a worker, in this epoch: seconds that computing waited for data.
  public var stallSeconds: Double?

  public init(done: UInt64 = 0, activity: Activity = Activity(.idle)) {
    self.done = done
    self.activity = activity
  }
}

/// What a member does, and whom it waits for.
public struct Activity: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable {
    case idle, surveying, fetching, restoring, reading, computing, scoring, writing, hashing
    /// For rows of a step.
    case pulling
    /// Gradients are on their way.
    case pushing
    /// A server, for slices of a step.
    case collecting
  }

  public var kind: Kind
  public var step: UInt64?
  /// Members that have not answered.
  public var waitsFor: [Member]
  /// Slices that are missing, or being computed.
  public var slices: [Int]

  public init(_ kind: Kind, step: UInt64? = nil, waitsFor: [Member] = [], slices: [Int] = []) {
    self.kind = kind
    self.step = step
    self.waitsFor = waitsFor
    self.slices = slices
  }

  /// Whether the member itself is what others wait for.
  public var isOwnWork: Bool {
    switch kind {
    case .surveying, .fetching, .restoring, .reading, .computing, .scoring, .writing, .hashing: true
    case .idle, .pulling, .pushing, .collecting: false
    }
  }
}

/// Rows and bytes per table, as a server counts them (ARCHITECTURE.md, promise 6).
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
