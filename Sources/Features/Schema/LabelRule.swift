import Foundation

/// Which rows are clicks.
public struct LabelRule: Sendable, Hashable {
  public enum Comparison: String, Codable, Sendable, CaseIterable {
    case greaterOrEqual = ">="
    case lessOrEqual = "<="
    case equal = "=="
    case notEqual = "!="
    case greater = ">"
    case less = "<"

    func holds(_ left: Double, _ right: Double) -> Bool {
      switch self {
      case .greaterOrEqual: left >= right
      case .lessOrEqual: left <= right
      case .equal: left == right
      case .notEqual: left != right
      case .greater: left > right
      case .less: left < right
      }
    }
  }

  public enum Condition: Sendable, Hashable {
    /// The column says 1, true, yes, t or y; or 0, -1, false, no, f or n.
    case usual
    /// It holds for the column's number.
    case number(Comparison, Double)
    /// The column is one of these texts. Where the others are listed, what is neither is a bad row.
    case texts(positive: [String], negative: [String])
  }

  public var column: String
  public var condition: Condition

  public init(column: String, _ condition: Condition = .usual) {
    self.column = column
    self.condition = condition
  }

  public init(column: String, _ comparison: Comparison, _ threshold: Double) {
    self.init(column: column, .number(comparison, threshold))
  }

  /// Reads `click`, `rating >= 4`, `income == ">50K"`; nil for what is no rule.
  public init?(_ text: String) {
    // At the first of the signs, of which the longer ones come first: `>=` is not `>` and a rest.
    let signs = Comparison.allCases.compactMap { comparison in
      text.range(of: comparison.rawValue).map { (comparison: comparison, place: $0) }
    }
    guard let first = signs.map(\.place.lowerBound).min(),
      let sign = signs.first(where: { $0.place.lowerBound == first })
    else {
      let column = text.trimmingCharacters(in: .whitespaces)
      guard !column.isEmpty else { return nil }
      self.init(column: column)
      return
    }
    let column = text[..<sign.place.lowerBound].trimmingCharacters(in: .whitespaces)
    let right = text[sign.place.upperBound...].trimmingCharacters(in: .whitespaces)
    guard !column.isEmpty, !right.isEmpty else { return nil }
    if let threshold = Double(right) {
      guard threshold.isFinite else { return nil }
      self.init(column: column, sign.comparison, threshold)
      return
    }
    let isQuoted = right.count > 1 && right.hasPrefix("\"") && right.hasSuffix("\"")
    let value = isQuoted ? String(right.dropFirst().dropLast()) : right
    switch sign.comparison {
    case .equal: self.init(column: column, .texts(positive: [value], negative: []))
    case .notEqual: self.init(column: column, .texts(positive: [], negative: [value]))
    default: return nil
    }
  }

  /// For people: the column, and what is asked of it.
  public var text: String {
    switch condition {
    case .usual: return column
    case .number(let comparison, let threshold): return "\(column) \(comparison.rawValue) \(Self.text(threshold))"
    case .texts(let positive, let negative):
      guard !positive.isEmpty else { return "\(column) != " + negative.joined(separator: ", ") }
      return "\(column) == " + positive.joined(separator: ", ")
    }
  }

  private static func text(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
  }

  /// What is wrong with a text that says neither, and what to do.
  ///
  /// - Parameter found: in quotes.
  public func failure(_ found: String) -> String {
    let expected =
      switch condition {
      case .usual: "the label 1, 0, -1, true, false, yes or no"
      case .number: "a number for `\(text)`"
      case .texts(let positive, let negative):
        "one of the labels " + (positive + negative).map { "\"\($0)\"" }.joined(separator: ", ")
      }
    let remedy =
      condition == .usual
      ? ", or say what a click is: `label: {column: \(column), positive: \(found)}` in the schema"
      : ", or the schema's label"
    return "expected \(expected), found \(found). Correct or remove the row\(remedy)"
  }
}

extension LabelRule: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case column, positive, negative
  }

  /// A text or a number, or a list of some.
  private struct Texts: Codable {
    var texts: [String]

    init(_ texts: [String]) { self.texts = texts }

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let text = try? value.decode(String.self) { texts = [text] } else { texts = try value.decode([String].self) }
    }

    func encode(to encoder: any Encoder) throws {
      var value = encoder.singleValueContainer()
      try texts.count == 1 ? value.encode(texts[0]) : value.encode(texts)
    }
  }

  /// A rule as a text, or a mapping with the texts of clicks and, perhaps, of those that are none.
  public init(from decoder: any Decoder) throws {
    if let text = try? decoder.singleValueContainer().decode(String.self) {
      guard let rule = LabelRule(text) else {
        throw DecodingError.dataCorrupted(
          .init(
            codingPath: decoder.codingPath,
            debugDescription: "\"\(text)\" is no rule; write a column, or a column, a comparison and a number or text: "
              + "rating >= 4, income == \">50K\""))
      }
      self = rule
      return
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let column = try values.decodeIfPresent(String.self, forKey: .column) ?? "label"
    let positive = try values.decodeIfPresent(Texts.self, forKey: .positive)?.texts ?? []
    let negative = try values.decodeIfPresent(Texts.self, forKey: .negative)?.texts ?? []
    if let both = positive.first(where: negative.contains) {
      throw DecodingError.dataCorruptedError(
        forKey: .negative, in: values, debugDescription: "\"\(both)\" is listed as positive and as negative")
    }
    self.init(
      column: column,
      positive.isEmpty && negative.isEmpty ? .usual : .texts(positive: positive, negative: negative))
  }

  public func encode(to encoder: any Encoder) throws {
    guard case .texts(let positive, let negative) = condition else {
      var value = encoder.singleValueContainer()
      return try value.encode(text)
    }
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(column, forKey: .column)
    if !positive.isEmpty { try values.encode(Texts(positive), forKey: .positive) }
    if !negative.isEmpty { try values.encode(Texts(negative), forKey: .negative) }
  }
}
