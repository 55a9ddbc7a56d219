/// What a server must know of one parameter kind: data, not code, so that a new model needs no new server.
///
/// A row is `width` parameters, in column groups (a weight, a latent vector, a block of a dense layer), followed on
/// the server by the optimizer's state. Dense parameters are a table too: its rows are fixed-size blocks.
public struct TableDescription: Codable, Hashable, Sendable {
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

  /// Keys from `firstKey` up to the next region share a column layout. All regions of a table are equally wide.
  public struct Region: Codable, Hashable, Sendable {
    public var firstKey: UInt64
    public var columns: [Columns]

    public init(firstKey: UInt64, columns: [Columns]) {
      self.firstKey = firstKey
      self.columns = columns
    }
  }

  public var name: String
  public var regions: [Region]
  public var optimizer: OptimizerDescription

  public init(name: String, regions: [Region], optimizer: OptimizerDescription) {
    self.name = name
    self.regions = regions
    self.optimizer = optimizer
  }

  /// Parameters in a row, without the optimizer's state.
  public var width: Int { regions.first?.columns.reduce(0) { $0 + $1.width } ?? 0 }
}
