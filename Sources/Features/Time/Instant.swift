/// A point in time: seconds since 1970-01-01T00:00:00Z, and what follows the point in units of 10⁻¹⁸ seconds.
public struct Instant: Hashable, Comparable, Sendable {
  public var seconds: Int64
  /// Below 10¹⁸. Digits beyond are dropped: instants that differ there alone are the same.
  public var fraction: UInt64

  public init(seconds: Int64, fraction: UInt64 = 0) {
    self.seconds = seconds
    self.fraction = fraction
  }

  /// Days since 1970-01-01 in Greenwich.
  public var day: Int { Int((seconds - (seconds < 0 ? 86399 : 0)) / 86400) }

  /// Its date in Greenwich, as ISO 8601 has it.
  public static func date(ofDay day: Int) -> String {
    let date = CivilTime.date(day)
    func padded(_ number: Int, _ count: Int) -> String {
      String(repeating: "0", count: max(0, count - "\(number)".count)) + "\(number)"
    }
    return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
  }

  public static func < (left: Instant, right: Instant) -> Bool { left.order < right.order }

  /// A number that sorts as instants do.
  var order: UInt128 {
    UInt128(UInt64(bitPattern: seconds) ^ 1 << 63) << 64 | UInt128(fraction)
  }

  static let unit: UInt64 = 1_000_000_000_000_000_000
}

/// A date and a time of day, as they are written.
struct CivilTime {
  var year = 1970
  var month = 1
  var day = 1
  var hour = 0
  var minute = 0
  /// 60 in a leap second.
  var second = 0
  var fraction: UInt64 = 0
  /// East of Greenwich, in seconds; nil where nothing is said of it.
  var zone: Int?
  /// Whether a time of day is written.
  var hasTime = false

  /// nil for what no calendar has. Without a zone it is read as of Greenwich.
  var instant: Instant? {
    guard 0...9999 ~= year, 1...12 ~= month, day >= 1, day <= Self.days(of: month, year),
      0...59 ~= minute, 0...60 ~= second,
      0...23 ~= hour || (hour == 24 && minute == 0 && second == 0 && fraction == 0)
    else { return nil }
    let seconds = Self.day(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - (zone ?? 0)
    return Instant(seconds: Int64(seconds), fraction: fraction)
  }

  static func days(of month: Int, _ year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Days since 1970-01-01 in the proleptic Gregorian calendar: eras of 400 years that begin in March.
  static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}
