/// How a column writes times.
public enum TimeFormat: Hashable, Sendable {
  /// Numbers since 1970-01-01T00:00:00Z, or of any other beginning.
  case seconds, milliseconds, microseconds, nanoseconds
  /// The year first: ISO 8601 and what is written like it, padded or not, with `-`, `/` or `.` between.
  case iso
  /// `21/10/2014`, `21.10.2014`.
  case dayFirst
  /// `10/21/2014`.
  case monthFirst
  /// The month by its English name: `21 Oct 2014`, `Oct 21, 2014`, `21/Oct/2014:00:30:00 +0000`.
  case monthName
  /// As a person spells it out.
  case pattern(TimePattern)

  private static let names: [(String, TimeFormat)] = [
    ("seconds", .seconds), ("milliseconds", .milliseconds), ("microseconds", .microseconds),
    ("nanoseconds", .nanoseconds), ("iso", .iso), ("day-first", .dayFirst), ("month-first", .monthFirst),
    ("month-name", .monthName),
  ]

  /// What a schema says: a name, or a pattern in the letters of `strptime` (`%d/%m/%Y %H:%M`) or of Java (`YYMMDDHH`).
  public init?(_ text: String) {
    if let named = Self.names.first(where: { $0.0 == text }) {
      self = named.1
    } else if let pattern = TimePattern(text) {
      self = .pattern(pattern)
    } else {
      return nil
    }
  }

  public var text: String {
    if case .pattern(let pattern) = self { return pattern.text }
    return Self.names.first { $0.1 == self }!.0
  }

  /// Ways to write it, for messages.
  public static let help =
    "iso, day-first, month-first, month-name, seconds, milliseconds, microseconds, nanoseconds, or a pattern such as "
    + "%d/%m/%Y %H:%M or YYMMDDHH"

  /// nil for what is no time of this format.
  public func instant(of text: String) -> Instant? { text.withSpan { instant(of: $0) } }

  /// nil for what is no time of this format.
  func instant(of text: ColumnSpan) -> Instant? { read(text)?.instant }

  /// As above, with whether the text says a time of day and a zone: a column's rows agree in both.
  func read(_ text: ColumnSpan) -> (instant: Instant, hasTime: Bool, hasZone: Bool)? {
    let text = text.trimmed
    switch self {
    case .seconds, .milliseconds, .microseconds, .nanoseconds:
      return TimeNumber(text)?.instant(unit: unit).map { ($0, true, true) }
    case .iso: return Self.read(CivilTimeText.read(text, .yearFirst))
    case .dayFirst: return Self.read(CivilTimeText.read(text, .dayFirst))
    case .monthFirst: return Self.read(CivilTimeText.read(text, .monthFirst))
    case .monthName: return Self.read(CivilTimeText.read(text, .monthName))
    case .pattern(let pattern): return Self.read(pattern.read(text))
    }
  }

  private static func read(_ time: CivilTime?) -> (Instant, Bool, Bool)? {
    guard let time, let instant = time.instant else { return nil }
    return (instant, time.hasTime, time.zone != nil)
  }

  /// Of a second.
  private var unit: UInt64 {
    switch self {
    case .milliseconds: 1000
    case .microseconds: 1_000_000
    case .nanoseconds: 1_000_000_000
    default: 1
    }
  }
}

/// A number that counts time.
struct TimeNumber {
  let isNegative: Bool
  let whole: UInt64
  /// In 10⁻¹⁸.
  let fraction: UInt64

  /// Digits, a point and digits; with an exponent it is as exact as a Double.
  init?(_ text: ColumnSpan) {
    var scanner = ByteScanner(text)
    isNegative = scanner.take(45)
    if !isNegative { _ = scanner.take(43) }
    guard let whole = scanner.number(digits: 1...19) else { return nil }
    var fraction: UInt64 = 0
    if scanner.take(46), let found = scanner.fraction() { fraction = found }
    if scanner.isAtEnd {
      (self.whole, self.fraction) = (whole, fraction)
      return
    }
    guard let number = NumberText.parse(text.start, count: text.count).map(abs), number < 1e18 else { return nil }
    self.whole = UInt64(number)
    self.fraction = min(Instant.unit - 1, UInt64((number - number.rounded(.down)) * 1e18))
  }

  /// - Parameter unit: of a second.
  func instant(unit: UInt64) -> Instant? {
    let (seconds, rest) = whole.quotientAndRemainder(dividingBy: unit)
    guard let seconds = Int64(exactly: seconds) else { return nil }
    let part = rest * (Instant.unit / unit) + fraction / unit
    guard isNegative, seconds > 0 || part > 0 else { return Instant(seconds: seconds, fraction: part) }
    return part == 0 ? Instant(seconds: -seconds) : Instant(seconds: -seconds - 1, fraction: Instant.unit - part)
  }

  /// In what it counts, by its size: no log begins after the year 5000, and none that counts finer before 1973.
  var unit: TimeFormat {
    switch whole {
    case ..<100_000_000_000: .seconds
    case ..<100_000_000_000_000: .milliseconds
    case ..<100_000_000_000_000_000: .microseconds
    default: .nanoseconds
    }
  }
}
