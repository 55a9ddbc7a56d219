import Glibc

enum NumberTransforms {
  /// `sign(x) · ln(1 + |x|)`: the logarithm, for numbers of either sign.
  static func log1p(_ number: Double) -> Double {
    number < 0 ? -Glibc.log1p(-number) : Glibc.log1p(number)
  }
}

/// The category of a number as in 3 Idiots' winning solution of Criteo's challenge: `floor(ln(x)²)` for x > 2, else the
/// number itself, rounded down.
enum LogSquared {
  /// Categories that have their keys in a table.
  static let first = -64
  static let count = 576

  /// Of the integers 0 ..< 4096.
  private static let categories: [Int16] = (0..<4096).map { Int16(computed(Double($0))) }

  @inline(__always)
  static func category(_ number: Double) -> Int {
    if number >= 0, number < 4096 {
      let whole = Int(number)
      if Double(whole) == number { return Int(categories[whole]) }
    }
    return computed(number)
  }

  private static func computed(_ number: Double) -> Int {
    guard number > 2 else { return Int(max(number, -0x1p53).rounded(.down)) }
    let logarithm = log(number)
    return Int((logarithm * logarithm).rounded(.down))
  }
}
