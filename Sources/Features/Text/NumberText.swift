import Glibc

/// Numbers as people write them in data: decimal, with or without fraction and exponent.
enum NumberText {
  private static let powersOfTen: [Double] = (0...22).map { pow(10, Double($0)) }

  /// nil for what is no number, is not finite, or does not fit a Float.
  @inline(__always)
  static func parse(_ start: UnsafePointer<UInt8>, count: Int) -> Double? {
    // Whole numbers are by far the commonest.
    var position = 0
    let isNegative = count > 0 && start[0] == 45
    if isNegative || (count > 0 && start[0] == 43) { position = 1 }
    guard position < count, count - position <= 15 else { return parseSlowly(start, count: count) }
    var whole: Int = 0
    while position < count {
      let digit = Int(start[position]) &- 48
      guard digit >= 0, digit <= 9 else { return parseSlowly(start, count: count) }
      whole = whole &* 10 &+ digit
      position &+= 1
    }
    return Double(isNegative ? -whole : whole)
  }

  /// Fractions exactly by Clinger's fast path where it holds, else by `strtod`.
  @inline(never)
  private static func parseSlowly(_ start: UnsafePointer<UInt8>, count: Int) -> Double? {
    // strtod would take hexadecimal, "inf", "nan" and blanks.
    guard count > 0, count <= 400 else { return nil }
    var mantissa: UInt64 = 0
    var digits = 0
    var fraction = 0
    var isInFraction = false
    var isPlain = true
    for position in 0..<count {
      switch start[position] {
      case 48...57:
        digits += 1
        if digits <= 15 { mantissa = mantissa * 10 + UInt64(start[position] - 48) } else { isPlain = false }
        if isInFraction { fraction += 1 }
      case 46:
        if isInFraction { return nil }
        isInFraction = true
      case 43, 45: if position > 0 { isPlain = false }
      case 69, 101: isPlain = false
      default: return nil
      }
    }
    guard digits > 0 else { return nil }
    if isPlain, fraction <= 22 {
      let number = Double(mantissa) / powersOfTen[fraction]
      return start[0] == 45 ? -number : number
    }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: count + 1) { text in
      for position in 0..<count { text[position] = CChar(bitPattern: start[position]) }
      text[count] = 0
      var end: UnsafeMutablePointer<CChar>?
      let number = strtod(text.baseAddress!, &end)
      guard end == text.baseAddress! + count, Swift.abs(number) <= Double(Float.greatestFiniteMagnitude) else {
        return nil
      }
      return number
    }
  }
}
