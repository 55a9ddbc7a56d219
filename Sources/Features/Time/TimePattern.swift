/// A time as a person spells it out, in the letters of C's `strptime` (`%d/%m/%Y %H:%M`), or of Java's date formats (`yyMMddHH`).
public struct TimePattern: Hashable, Sendable {
  /// As it was given.
  public let text: String
  private let parts: [Part]

  private enum Part: Hashable, Sendable {
    case literal(UInt8)
    case blanks
    /// A directive of `strptime`; `f` is a fraction.
    case field(UInt8)
  }

  /// nil where there is a letter that means nothing, or no date.
  public init?(_ text: String) {
    self.text = text
    guard let parts = text.contains("%") ? Self.directives(text) : Self.letters(text) else { return nil }
    let fields = Set(parts.compactMap { if case .field(let field) = $0 { field } else { nil } })
    let hasYear = fields.contains(UInt8(ascii: "Y")) || fields.contains(UInt8(ascii: "y"))
    guard hasYear || fields.contains(UInt8(ascii: "s")) else { return nil }
    self.parts = parts
  }

  private static let known = Set("YymdeHkIlMSfbBhaApzZjs".utf8)
  private static let shorthands: [UInt8: String] = [
    UInt8(ascii: "T"): "%H:%M:%S", UInt8(ascii: "F"): "%Y-%m-%d", UInt8(ascii: "D"): "%m/%d/%y",
    UInt8(ascii: "R"): "%H:%M",
  ]

  private static func directives(_ text: String) -> [Part]? {
    var parts: [Part] = []
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
      if byte == 32 || byte == 9 {
        parts.append(.blanks)
      } else if byte != 37 {
        parts.append(.literal(byte))
      } else {
        guard let letter = bytes.popFirst() else { return nil }
        if letter == 37 {
          parts.append(.literal(37))
        } else if let whole = shorthands[letter] {
          parts += directives(whole)!
        } else if known.contains(letter) {
          parts.append(.field(letter))
        } else {
          return nil
        }
      }
    }
    return parts
  }

  /// By letter and, where it matters, how often it is repeated.
  private static func directive(_ letter: Character, _ count: Int) -> String? {
    switch letter {
    case "y", "Y", "u": count > 2 ? "Y" : "y"
    case "M": count > 2 ? "b" : "m"
    case "d", "D": "d"
    case "H", "k": "H"
    case "h", "K": "I"
    case "m": "M"
    case "s": "S"
    case "S": "f"
    case "a": "p"
    case "E": "a"
    case "z", "Z", "X", "x": "z"
    default: nil
    }
  }

  private static func letters(_ text: String) -> [Part]? {
    var parts: [Part] = []
    var rest = Substring(text)
    while let first = rest.first {
      if first == "'" {
        rest.removeFirst()
        guard let end = rest.firstIndex(of: "'") else { return nil }
        parts += rest[..<end].utf8.map { .literal($0) }
        rest = rest[rest.index(after: end)...]
      } else if first.isLetter {
        let run = rest.prefix { $0 == first }
        rest = rest.dropFirst(run.count)
        // ISO's own T stands unquoted in what many people write.
        if first == "T", run.count == 1 {
          parts.append(.literal(84))
          continue
        }
        guard let letter = directive(first, run.count) else { return nil }
        parts.append(.field(letter.utf8.first!))
      } else {
        parts += first == " " ? [.blanks] : first.utf8.map { .literal($0) }
        rest.removeFirst()
      }
    }
    return parts
  }

  /// nil for what is not so written.
  func read(_ text: ColumnSpan) -> CivilTime? {
    var scanner = ByteScanner(text)
    var time = CivilTime()
    for part in parts {
      switch part {
      case .literal(let byte): guard scanner.take(byte) else { return nil }
      case .blanks: scanner.skipBlanks()
      case .field(let letter): guard Self.read(letter, &scanner, &time) else { return nil }
      }
    }
    return scanner.isAtEnd ? time : nil
  }

  private static func read(_ letter: UInt8, _ scanner: inout ByteScanner, _ time: inout CivilTime) -> Bool {
    func number(_ digits: ClosedRange<Int>, _ take: (Int) -> Void) -> Bool {
      guard let number = scanner.int(digits: digits) else { return false }
      take(number)
      return true
    }
    switch UnicodeScalar(letter) {
    case "Y": return number(4...4) { time.year = $0 }
    // As POSIX has it.
    case "y": return number(2...2) { time.year = $0 + ($0 < 69 ? 2000 : 1900) }
    case "m": return number(1...2) { time.month = $0 }
    case "d", "e": return number(1...2) { time.day = $0 }
    case "H", "k", "I", "l":
      time.hasTime = true
      return number(1...2) { time.hour = $0 }
    case "M": return number(1...2) { time.minute = $0 }
    case "S": return number(1...2) { time.second = $0 }
    case "f":
      guard let fraction = scanner.fraction() else { return false }
      time.fraction = fraction
      return true
    case "b", "B", "h":
      guard let month = CivilTimeText.month(scanner.word()) else { return false }
      time.month = month
      return true
    case "a", "A": return CivilTimeText.isWeekday(scanner.word())
    case "p":
      let before = scanner.position
      return CivilTimeText.readHalf(&scanner, &time) && scanner.position > before
    case "z", "Z": return CivilTimeText.readZone(&scanner, &time) && time.zone != nil
    // The day of a year: of January, as many days on.
    case "j":
      return number(1...3) { day in
        (time.month, time.day) = (1, day)
        while time.month < 12, time.day > CivilTime.days(of: time.month, time.year) {
          time.day -= CivilTime.days(of: time.month, time.year)
          time.month += 1
        }
      }
    default:
      // Seconds since 1970.
      let seconds = scanner.int(digits: 1...11)
      guard let seconds else { return false }
      let (day, second) = seconds.quotientAndRemainder(dividingBy: 86400)
      time = CivilTime(epochDay: day, second: second)
      return true
    }
  }
}

extension CivilTime {
  /// - Parameters:
  ///   - epochDay: since 1970-01-01, in Greenwich.
  ///   - second: of that day.
  fileprivate init(epochDay: Int, second: Int) {
    (year, month, day) = Self.date(epochDay)
    (hour, minute, self.second) = (second / 3600, second / 60 % 60, second % 60)
    (zone, hasTime) = (0, true)
  }

  /// The date that is so many days after 1970-01-01.
  static func date(_ day: Int) -> (year: Int, month: Int, day: Int) {
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
    return (year, month < 10 ? month + 3 : month - 9, dayOfYear - (153 * month + 2) / 5 + 1)
  }
}
