/// What an async table met with in an epoch. What sync and lagging tables meet with is known ahead.
public struct StalenessReport: Codable, Hashable, Sendable {
  /// By steps: how many slices were applied when so many steps' worth of slices had been since their worker read the table. The
  /// last counts all from there on.
  public var slices: [UInt64]
  /// Rows of data of slices that came once more, after a death, to where they were applied already. They were dropped there.
  public var repeatedRows: UInt64

  public init(slices: [UInt64] = [], repeatedRows: UInt64 = 0) {
    self.slices = slices
    self.repeatedRows = repeatedRows
  }

  /// Steps that are told apart.
  public static let most = 64

  /// Counts a slice.
  public mutating func note(_ steps: UInt64, count: UInt64 = 1) {
    let place = Int(min(steps, UInt64(Self.most)))
    if place >= slices.count { slices += repeatElement(0, count: place + 1 - slices.count) }
    slices[place] &+= count
  }

  /// Of all slices, in steps.
  public var mean: Double {
    let count = slices.reduce(0, &+)
    let sum = slices.enumerated().reduce(0.0) { $0 + Double($1.offset) * Double($1.element) }
    return count > 0 ? sum / Double(count) : 0
  }

  public mutating func add(_ other: StalenessReport) {
    for (steps, count) in other.slices.enumerated() where count > 0 { note(UInt64(steps), count: count) }
    repeatedRows &+= other.repeatedRows
  }
}
