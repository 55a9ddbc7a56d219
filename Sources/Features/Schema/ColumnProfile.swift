/// What a column's values in a sample say of it.
struct ColumnProfile {
  let name: String
  let rows: Int
  private(set) var missing = 0
  private(set) var missingTexts: Set<String> = []
  var distinct: Int
  let isNumeric: Bool
  let isWhole: Bool
  let isBinary: Bool
  let hasNegative: Bool
  /// The smallest number of the upper half.
  let upperHalf: Double
  let examples: [String]
  let separator: String?

  init(_ name: String, _ values: [String]) {
    self.name = name
    rows = values.count
    var present: [String] = []
    for value in values {
      if Self.textsOfNothing.contains(value) {
        missing += 1
        missingTexts.insert(value)
      } else {
        present.append(value)
      }
    }
    let numbers = present.compactMap(Double.init)
    isNumeric = !present.isEmpty && numbers.count == present.count && numbers.allSatisfy(\.isFinite)
    isWhole = isNumeric && numbers.allSatisfy { $0 == $0.rounded() }
    isBinary = isNumeric && missing == 0 && Set(numbers).isSubset(of: [-1, 0, 1]) && Set(numbers).count == 2
    hasNegative = numbers.contains { $0 < 0 }
    let sorted = Set(numbers).sorted()
    upperHalf = sorted.isEmpty ? 0 : sorted[sorted.count * 3 / 5]
    let set = Set(present)
    var examples: [String] = []
    for value in present where !examples.contains(value) {
      examples.append(value)
      if examples.count == 3 { break }
    }
    self.examples = examples
    distinct = set.count
    separator =
      isNumeric
      ? nil
      : ["|", ";", ","].first { separator in
        let parts = present.map { $0.split(separator: Character(separator)).count }
        guard parts.reduce(0, +) > present.count + present.count / 20 else { return false }
        return Set(present.flatMap { $0.split(separator: Character(separator)) }).count < set.count
      }
  }

  private static let textsOfNothing: Set<String> = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "\\N", "?"]
  private static let amounts = [
    "age", "amount", "bid", "count", "days", "duration", "height", "hours", "length", "num", "number", "price",
    "size",
    "total", "width",
  ]

  func column(_ role: String) -> SchemaInference.Column {
    SchemaInference.Column(
      name: name, role: role, distinct: distinct, missing: Double(missing) / Double(max(1, rows)), examples: examples)
  }

  var looksLikeTime: Bool {
    let name = name.lowercased()
    return ["timestamp", "time", "date", "datetime", "hour", "ts"].contains(name) || name.hasSuffix("_at")
  }

  var looksLikeIdentifier: Bool {
    rows > 100 && missing == 0 && distinct == rows && (isWhole || !isNumeric)
  }

  var field: FieldSchema {
    if let separator { return FieldSchema(name, .multiValued, separator: separator, pooling: .mean) }
    // Whole numbers are names of things more often than amounts; what the column is called tells.
    let name = name.lowercased()
    let isAmount =
      hasNegative || Self.amounts.contains { name == $0 || name.hasPrefix($0 + "_") || name.hasSuffix("_" + $0) }
    guard isNumeric, !isWhole || (distinct > 20 && isAmount) else { return FieldSchema(self.name) }
    return FieldSchema(self.name, .numeric, transform: isWhole ? .quantile : .standardise)
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
