import Foundation
import Randomness

/// What a column's values in a sample say of it.
struct ColumnProfile {
  let name: String
  /// As they stand, without blanks around.
  let values: [String]
  private(set) var missingTexts: Set<String> = []
  /// Of those that are there: how often each occurs.
  let counts: [String: Int]
  /// In the order of the rows; nil where a value is missing. Empty unless all are numbers.
  let numbers: [Double?]
  let isWhole: Bool
  let examples: [String]
  /// Between values, where cells have several.
  let separator: String?
  /// The share of values that have blanks around.
  let padded: Double

  /// - Parameter isList: whether the cells are known to have several values, with bars between.
  init(_ name: String, _ texts: [String], isList: Bool = false) {
    self.name = name
    values = texts.map { $0.trimmingCharacters(in: Self.blanks) }
    padded = Double(zip(texts, values).count { $0.count != $1.count }) / Double(max(1, texts.count))
    var counts: [String: Int] = [:]
    var examples: [String] = []
    for value in values {
      guard !Self.textsOfNothing.contains(value) else {
        missingTexts.insert(value)
        continue
      }
      counts[value, default: 0] += 1
      if examples.count < 3, counts[value] == 1 { examples.append(value) }
    }
    self.counts = counts
    self.examples = examples
    let parsed = Dictionary(uniqueKeysWithValues: counts.keys.map { ($0, Self.number($0)) })
    let isNumeric = !counts.isEmpty && parsed.values.allSatisfy { $0 != nil }
    numbers = isNumeric ? values.map { parsed[$0] ?? nil } : []
    isWhole = isNumeric && parsed.values.allSatisfy { $0! == $0!.rounded() }
    separator = isList ? "|" : isNumeric ? nil : Self.separator(of: counts)
  }

  private static let blanks = CharacterSet(charactersIn: " \t")

  private static func number(_ text: String) -> Double? {
    text.withSpan { NumberText.parse($0.start, count: $0.count) }
  }

  private static func separator(of counts: [String: Int]) -> String? {
    let rows = counts.values.reduce(0, +)
    return ["|", ";", ","].first { separator in
      var parts = 0
      var distinct: Set<Substring> = []
      for (text, count) in counts {
        let found = text.split(separator: Character(separator))
        parts += count * found.count
        distinct.formUnion(found)
      }
      return parts > rows + rows / 20 && distinct.count < counts.count
    }
  }

  static let textsOfNothing: Set<String> = [
    "", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "\\N", "?",
  ]

  var distinct: Int { counts.count }
  var missing: Int { values.count - counts.values.reduce(0, +) }
  var isNumeric: Bool { !numbers.isEmpty }

  func column(_ role: String) -> SchemaInference.Column {
    SchemaInference.Column(
      name: name, role: role, distinct: distinct, missing: Double(missing) / Double(max(1, values.count)),
      examples: examples)
  }

  // MARK: What it may be

  /// The parts of its name, in small letters: `userId`, `user_id` and `user id` have two.
  private var words: [String] {
    var words = [""]
    var wasLower = false
    for letter in name {
      if !letter.isLetter && !letter.isNumber || (letter.isUppercase && wasLower) { words.append("") }
      if letter.isLetter || letter.isNumber { words[words.count - 1] += letter.lowercased() }
      wasLower = letter.isLowercase
    }
    return words.filter { !$0.isEmpty }
  }

  private static let times: Set<String> = ["timestamp", "time", "date", "datetime", "hour", "ts", "day", "at"]
  private static let amounts: Set<String> = [
    "age", "amount", "balance", "bid", "count", "counts", "days", "distance", "duration", "gain", "height", "hours",
    "income",
    "length", "loss", "num", "number", "price", "qty", "quantity", "salary", "score", "seconds", "size", "total",
    "views",
    "weight", "width",
  ]
  private static let names: Set<String> = [
    "id", "ids", "uid", "user", "item", "ad", "campaign", "zip", "zipcode", "postcode", "code", "ip", "device", "type",
    "category", "cat", "class", "group", "kind", "model", "site", "app", "domain", "hash", "key", "phone", "version",
    "year",
    "month", "weekday",
  ]

  var looksLikeTime: Bool { words.contains(where: Self.times.contains) && words.count <= 3 }
  var isCalledAmount: Bool { words.contains(where: Self.amounts.contains) && !isCalledName }
  var isCalledName: Bool { words.contains(where: Self.names.contains) }

  var looksLikeIdentifier: Bool {
    values.count > 100 && missing == 0 && distinct == values.count && (isWhole || !isNumeric)
  }

  /// How it writes times, if all its values are such; or why nobody can say of when they are.
  var times: Result<TimeFormat, TimeFailure> {
    if isNumeric {
      for pattern in ["YYYYMMDDHHmmss", "YYYYMMDDHH", "YYYYMMDD", "YYMMDDHH"] {
        guard let format = TimeFormat(pattern) else { continue }
        let fits = counts.keys.allSatisfy { text in
          text.utf8.count == pattern.utf8.count
            && (format.instant(of: text).map { Self.plausible.contains($0.seconds) } ?? false)
        }
        if fits { return .success(format) }
      }
    }
    var inference = TimeInference()
    for text in counts.keys.sorted() { inference.add(text) }
    do { return .success(try inference.format()) } catch { return .failure(error) }
  }

  /// 1990 to 2100.
  private static let plausible: ClosedRange<Int64> = 631_152_000...4_102_444_800

  // MARK: Amounts

  /// The field that it makes.
  ///
  /// - Parameter clicks: by row: whole numbers are names of things as often as amounts, and of amounts the
  ///   order says something of the clicks.
  func field(clicks: [Bool]) -> FieldSchema {
    if let separator { return FieldSchema(name, .multiValued, separator: separator, pooling: .mean) }
    guard isNumeric, isAmount(clicks) else { return FieldSchema(name) }
    return FieldSchema(name, .numeric, transform: hasLongTail ? .log1p : .standardise)
  }

  /// How far its numbers may go, by those looked at.
  var limits: NumberLimits? {
    let known = numbers.compactMap { $0 }
    guard let lowest = known.min(), let highest = known.max() else { return nil }
    return NumberLimits(around: lowest...highest)
  }

  private func isAmount(_ clicks: [Bool]) -> Bool {
    guard isWhole else { return true }
    if distinct > 20, isCalledAmount { return true }
    guard distinct > 20, !isCalledName, hasLongTail || hasNegatives else { return false }
    return orderTells(of: clicks)
  }

  /// -1 alone is a mark of nothing.
  private var hasNegatives: Bool { Set(numbers.compactMap { $0 }.filter { $0 < 0 }).count > 1 }

  private var hasLongTail: Bool {
    let sorted = numbers.compactMap { $0 }.sorted()
    guard sorted.count > 1 else { return false }
    let (low, middle, high) = (sorted[0], sorted[sorted.count / 2], sorted[sorted.count * 99 / 100])
    return high - low > 4 * max(1, middle - low) || high > 1e5
  }

  /// Whether the order of the numbers says more of the clicks than any of nineteen orders drawn by chance, which it does by
  /// chance once in twenty.
  private func orderTells(of clicks: [Bool]) -> Bool {
    var rows: [Double: (rows: Int, clicks: Int)] = [:]
    for (number, isClick) in zip(numbers, clicks) {
      guard let number else { continue }
      rows[number, default: (0, 0)].rows += 1
      rows[number]!.clicks += isClick ? 1 : 0
    }
    let sorted = rows.sorted { $0.key < $1.key }.map(\.value)
    let ours = Self.spread(sorted)
    var random = CounterRandom(DrawPurpose.chanceOrder)
    for _ in 1...19 {
      var drawn = sorted
      random.shuffle(&drawn)
      if Self.spread(drawn) >= ours { return false }
    }
    return true
  }

  /// How much the share of clicks differs between about twenty bins of neighbours: a chi-squared statistic.
  private static func spread(_ values: [(rows: Int, clicks: Int)]) -> Double {
    let all = values.reduce((rows: 0, clicks: 0)) { ($0.rows + $1.rows, $0.clicks + $1.clicks) }
    let share = Double(all.clicks) / Double(max(1, all.rows))
    guard share > 0, share < 1 else { return 0 }
    var bin = (rows: 0, clicks: 0)
    var sum = 0.0
    func close() {
      let expected = Double(bin.rows) * share
      if bin.rows > 0 {
        sum += (Double(bin.clicks) - expected) * (Double(bin.clicks) - expected) / (expected * (1 - share))
      }
      bin = (0, 0)
    }
    for value in values {
      bin = (bin.rows + value.rows, bin.clicks + value.clicks)
      if bin.rows * 20 >= all.rows { close() }
    }
    close()
    return sum
  }
}

extension FieldSchema {
  var role: String {
    switch type {
    case .categorical: "categorical"
    case .numeric: "numeric, \(transform?.rawValue ?? "standardise")"
    case .multiValued: "multi-valued, separator \(separator ?? "|")"
    }
  }
}
