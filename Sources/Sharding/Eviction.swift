extension TableDescription {
  /// Which rows go again, and when. A key whose row went is one that was never met; when it is, it begins anew.
  ///
  /// A step looks through an equal share of the slots once it is applied, each slot once in `every` steps. What goes is
  /// decided by the step's number and the rows alone, so that all homes of a slot agree, and it is a part of the step: it is
  /// undone with it, and read through like it. A row that the step itself changed stays.
  public struct Eviction: Codable, Hashable, Sendable {
    public enum Rule: Codable, Hashable, Sendable {
      /// Rows that no step has changed for so many.
      case unseen(steps: UInt64)
      /// Rows of a shorter Euclidean norm; of the parameters alone.
      case norm(below: Double)
      case score(Score)
    }

    /// What a row's shows and clicks are worth, as PaddlePaddle's `CtrCommonAccessor` has it (`ShowClickScore`, `Shrink`):
    /// `clickWeight` for a click, `showWeight` for a show without one. Both fade: what has lain for `steps` steps counts
    /// `decay` times as much.
    public struct Score: Codable, Hashable, Sendable {
      public var below: Double
      public var showWeight: Double
      public var clickWeight: Double
      public var decay: Double
      /// Of a day there, of an epoch here.
      public var steps: UInt64
      /// Rows that have been unseen for so many steps go whatever they are worth.
      public var unseen: UInt64

      public init(
        below: Double, showWeight: Double, clickWeight: Double, decay: Double, steps: UInt64, unseen: UInt64
      ) {
        self.below = below
        self.showWeight = showWeight
        self.clickWeight = clickWeight
        self.decay = decay
        self.steps = steps
        self.unseen = unseen
      }
    }

    public var rule: Rule
    /// Steps in which every slot is looked through once, at least 1.
    public var every: UInt64
    /// Ranks of keys whose rows stay: those that are used in the place of others.
    public var kept: [UInt64]

    public init(_ rule: Rule, every: UInt64, kept: [UInt64] = []) {
      self.rule = rule
      self.every = every
      self.kept = kept
    }

    /// Columns beside a row's gradient: shows, clicks.
    public static let clickColumns = 2

    public var countsClicks: Bool { if case .score = rule { true } else { false } }

    /// The slots that a step looks through.
    public func slots(of step: UInt64) -> Range<Int> {
      let place = step % every
      func bound(_ place: UInt64) -> Int { Int(place * UInt64(Rank.slots) / every) }
      return bound(place)..<bound(place + 1)
    }
  }
}
