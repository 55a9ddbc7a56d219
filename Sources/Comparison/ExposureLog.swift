import Foundation

/// What an A/B test comes to, day by day and in all: click-through rates (paper, eq. 12) and, where users are known, clicks a
/// user (eq. 13), with how much better one group does than another.
public struct ExposureLog: Sendable {
  /// Counts of which a mean and its error are known.
  public struct Rate: Hashable, Sendable {
    public private(set) var count = 0
    public private(set) var sum = 0.0
    private var squares = 0.0

    public init() {}

    mutating func add(_ value: Double) {
      count += 1
      sum += value
      squares += value * value
    }

    static func += (left: inout Rate, right: Rate) {
      left.count += right.count
      left.sum += right.sum
      left.squares += right.squares
    }

    /// nil of nothing.
    public var mean: Double? { count > 0 ? sum / Double(count) : nil }

    /// Of the mean, over the mean: s² / (n m²).
    fileprivate var relativeVariance: Double? {
      guard let mean, mean > 0, count > 1 else { return nil }
      let variance = (squares - sum * mean) / Double(count - 1)
      return max(0, variance) / (Double(count) * mean * mean)
    }
  }

  /// How much larger a rate is than another: 0.1 is ten percent.
  public struct Improvement: Hashable, Sendable {
    public let value: Double
    /// Of 95 %: the logarithm of two means' ratio is about normal (delta method).
    public let low: Double
    public let high: Double

    /// nil where one of the rates is 0, or of too little.
    public init?(of rate: Rate, over base: Rate) {
      guard let mean = rate.mean, let other = base.mean, let ours = rate.relativeVariance,
        let theirs = base.relativeVariance
      else { return nil }
      let ratio = mean / other
      let width = exp(1.959963984540054 * (ours + theirs).squareRoot())
      (value, low, high) = (ratio - 1, ratio / width - 1, ratio * width - 1)
    }
  }

  private struct Cell {
    var impressions = Rate()
    var users: [String: Double] = [:]
  }

  /// By group and day.
  private var cells: [String: [Int: Cell]] = [:]

  public init() {}

  /// - Parameters:
  ///   - day: since 1970-01-01.
  ///   - user: nil where nobody knows.
  public mutating func add(group: String, day: Int, isClick: Bool, user: String?) {
    cells[group, default: [:]][day, default: Cell()].impressions.add(isClick ? 1 : 0)
    if let user { cells[group]![day]!.users[user, default: 0] += isClick ? 1 : 0 }
  }

  public var groups: [String] { cells.keys.sorted() }
  public var days: [Int] { Set(cells.values.flatMap(\.keys)).sorted() }

  /// - Parameter day: nil: of all days.
  public func clickThroughRate(_ group: String, day: Int? = nil) -> Rate {
    var rate = Rate()
    for (number, cell) in cells[group] ?? [:] where day ?? number == number { rate += cell.impressions }
    return rate
  }

  /// Clicks a user. Over all days a user counts once.
  ///
  /// - Parameter day: nil: of all days.
  public func conversionRate(_ group: String, day: Int? = nil) -> Rate {
    var users: [String: Double] = [:]
    for (number, cell) in cells[group] ?? [:] where day ?? number == number {
      users.merge(cell.users, uniquingKeysWith: +)
    }
    var rate = Rate()
    // In one order, so that sums are the same each time.
    for user in users.keys.sorted() { rate.add(users[user]!) }
    return rate
  }
}
