/// What a server must know of one parameter kind: data, not code, so that a new model needs no new server.
///
/// A row is `width` parameters, in column groups (a weight, a latent vector, a block of a dense layer), followed on
/// the server by the optimizer's state and the clock of its last change. Dense parameters are a table too: its rows are fixed-size blocks.
public struct TableDescription: Codable, Hashable, Sendable {
  /// A row's clock has 32 bits.
  public static let mostSteps = UInt64(UInt32.max)

  public enum Initializer: Codable, Hashable, Sendable {
    case zero
    /// Mean 0.
    case normal(deviation: Double)
    /// In `-bound ..< bound`.
    case uniform(bound: Double)
  }

  public struct Columns: Codable, Hashable, Sendable {
    public var name: String
    public var width: Int
    public var initializer: Initializer
    /// Added to a touched row's averaged gradient as `l2 * parameter`.
    public var l2: Double

    public init(name: String, width: Int, initializer: Initializer, l2: Double = 0) {
      self.name = name
      self.width = width
      self.initializer = initializer
      self.l2 = l2
    }
  }

  /// Keys (not ranks) from `firstKey` up to the next region share a column layout. All regions of a table are equally wide.
  public struct Region: Codable, Hashable, Sendable {
    public var firstKey: UInt64
    public var columns: [Columns]

    public init(firstKey: UInt64, columns: [Columns]) {
      self.firstKey = firstKey
      self.columns = columns
    }
  }

  /// Which keys get rows. A key that has none, a candidate, reads as a row that begins with `absent`; whoever meets one
  /// uses another row in its place, and pushes how often it met the key beside its gradients.
  public struct Admission: Codable, Hashable, Sendable {
    /// How often a key must have been met before it gets a row.
    public var sightings: Int
    /// Ranks of keys that need not be met first: those used in the place of others.
    public var alwaysAdmitted: [UInt64]

    public init(sightings: Int, alwaysAdmitted: [UInt64]) {
      self.sightings = sightings
      self.alwaysAdmitted = alwaysAdmitted
    }

    /// A NaN that no arithmetic makes.
    public static let absent = Float(bitPattern: 0x7FD5_AB5E)

    @inlinable public static func isAbsent(_ row: UnsafePointer<Float>) -> Bool {
      row[0].bitPattern == 0x7FD5_AB5E
    }
  }

  public var name: String
  public var regions: [Region]
  public var optimizer: OptimizerDescription
  /// nil: a key gets its row when it is first met.
  public var admission: Admission?
  /// nil: rows stay.
  public var eviction: Eviction?
  /// Steps that what training reads may be behind (ARCHITECTURE.md, promise 2); 0: sync. nil: any number. What each slice
  /// of a step comes to is then applied as it arrives (async), nothing is rolled back, and a ledger says what is applied.
  public var staleness: Int?

  public init(
    name: String, regions: [Region], optimizer: OptimizerDescription, admission: Admission? = nil,
    eviction: Eviction? = nil, staleness: Int? = 0
  ) {
    self.name = name
    self.regions = regions
    self.optimizer = optimizer
    self.admission = admission
    self.eviction = eviction
    self.staleness = staleness
  }

  public var isAsync: Bool { staleness == nil }

  /// Parameters in a row, without the optimizer's state.
  public var width: Int { regions.first?.columns.reduce(0) { $0 + $1.width } ?? 0 }
  /// Floats that a step brings for each row: the gradient, and shows and clicks where these count.
  public var gradientWidth: Int { width + (eviction?.countsClicks == true ? Eviction.clickColumns : 0) }
}
