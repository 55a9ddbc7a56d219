/// Dates and times of day as people and programs write them.
enum CivilTimeText {
  enum Order {
    case yearFirst, dayFirst, monthFirst, monthName
  }

  /// nil for what is none, or is written in another order.
  static func read(_ text: ColumnSpan, _ order: Order) -> CivilTime? {
    var scanner = ByteScanner(text)
    var time = CivilTime()
    guard readDate(&scanner, order, &time) else { return nil }
    if scanner.isAtEnd { return time }
    // `T`, blanks, or, as in the logs of web servers, a colon.
    if scanner.take(oneOf: "Tt:") == nil {
      guard scanner.next == 32 || scanner.next == 9 || scanner.next == 44 else { return nil }
      _ = scanner.take(44)
      scanner.skipBlanks()
    }
    guard readTime(&scanner, &time) else { return nil }
    return scanner.isAtEnd ? time : nil
  }

  private static func readDate(_ scanner: inout ByteScanner, _ order: Order, _ time: inout CivilTime) -> Bool {
    if order == .monthName { return readNamedDate(&scanner, &time) }
    if order == .yearFirst, scanner.digits == 8 {
      time.year = scanner.int(digits: 4...4)!
      time.month = scanner.int(digits: 2...2)!
      time.day = scanner.int(digits: 2...2)!
      // Digits alone are a number.
      return !scanner.isAtEnd
    }
    let first = order == .yearFirst ? 4...4 : 1...2
    let last = order == .yearFirst ? 1...2 : 4...4
    guard let one = scanner.int(digits: first), let separator = scanner.take(oneOf: "-/."),
      let two = scanner.int(digits: 1...2), scanner.take(separator), let three = scanner.int(digits: last)
    else { return false }
    switch order {
    case .yearFirst: (time.year, time.month, time.day) = (one, two, three)
    case .dayFirst: (time.day, time.month, time.year) = (one, two, three)
    default: (time.month, time.day, time.year) = (one, two, three)
    }
    return true
  }

  private static func readNamedDate(_ scanner: inout ByteScanner, _ time: inout CivilTime) -> Bool {
    func skip() {
      while scanner.take(oneOf: " -/.,") != nil {}
    }
    var word = scanner.word()
    if weekdays.contains(where: { word == $0 || (word.count >= 3 && $0.hasPrefix(word)) }) {
      skip()
      word = scanner.word()
    }
    let day: Int?
    if word.isEmpty {
      day = scanner.int(digits: 1...2)
      skip()
      word = scanner.word()
      skip()
    } else {
      skip()
      day = scanner.int(digits: 1...2)
      skip()
    }
    guard let day, let month = month(word), let year = scanner.int(digits: 4...4) else { return false }
    (time.day, time.month, time.year) = (day, month, year)
    return true
  }

  private static let months = [
    "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER",
    "DECEMBER",
  ]
  private static let weekdays = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]

  /// From 1: by its name, or the first three letters or more of it, in capitals.
  static func month(_ word: String) -> Int? {
    guard word.count >= 3 else { return nil }
    return months.firstIndex { $0.hasPrefix(word) }.map { $0 + 1 }
  }

  static func isWeekday(_ word: String) -> Bool { word.count >= 3 && weekdays.contains { $0.hasPrefix(word) } }

  private static func readTime(_ scanner: inout ByteScanner, _ time: inout CivilTime) -> Bool {
    let isCompact = scanner.digits == 4 || scanner.digits == 6
    guard let hour = scanner.int(digits: 1...2) else { return false }
    time.hour = hour
    time.hasTime = true
    if isCompact || scanner.take(58) {
      guard let minute = scanner.int(digits: isCompact ? 2...2 : 1...2) else { return false }
      time.minute = minute
      if isCompact ? scanner.digits > 0 : scanner.take(58) {
        guard let second = scanner.int(digits: isCompact ? 2...2 : 1...2) else { return false }
        time.second = second
        if scanner.take(oneOf: ".,") != nil {
          guard let fraction = scanner.fraction() else { return false }
          time.fraction = fraction
        }
      }
    }
    scanner.skipBlanks()
    return readHalf(&scanner, &time) && readZone(&scanner, &time)
  }

  /// AM or PM, if it is there.
  static func readHalf(_ scanner: inout ByteScanner, _ time: inout CivilTime) -> Bool {
    var ahead = scanner
    let word = ahead.word()
    guard word == "AM" || word == "PM" else { return true }
    guard 1...12 ~= time.hour else { return false }
    time.hour = time.hour % 12 + (word == "PM" ? 12 : 0)
    ahead.skipBlanks()
    scanner = ahead
    return true
  }

  /// `Z`, `UTC`, `GMT`, `+02:00`, `-0530`, `+2`, if it is there.
  static func readZone(_ scanner: inout ByteScanner, _ time: inout CivilTime) -> Bool {
    var ahead = scanner
    let word = ahead.word()
    if ["Z", "UTC", "GMT"].contains(word) {
      time.zone = 0
      scanner = ahead
    } else if !word.isEmpty {
      return false
    }
    guard let sign = scanner.take(oneOf: "+-") else { return true }
    guard let hours = scanner.int(digits: 1...2) else { return false }
    _ = scanner.take(58)
    let minutes = scanner.int(digits: 2...2) ?? 0
    guard hours <= 18, minutes < 60 else { return false }
    time.zone = (sign == 45 ? -1 : 1) * (hours * 3600 + minutes * 60)
    return true
  }
}
