/// When a process that has died is started again: soon, then later and later, and not for ever.
struct Restarts: Sendable {
  /// Deaths one after another after which it is given up.
  private let most: Int
  private var inARow = 0

  /// A process that has lived for so long is sound: what was before is forgotten.
  static let soundAge = 60.0
  private static let first = 0.1
  private static let longest = 5.0

  init(most: Int) { self.most = most }

  /// - Parameter age: seconds that the process has lived.
  /// - Returns: seconds to wait before it is started again; nil: it is given up.
  mutating func delay(afterLiving age: Double) -> Double? {
    if age >= Self.soundAge { inARow = 0 }
    inARow += 1
    guard inARow <= most else { return nil }
    return min(Self.longest, Self.first * Double(1 << min(inARow - 1, 16)))
  }
}
