/// What the columns of a data set mean, as a person writes it down: one YAML file, or a preset by name.
///
/// A schema says what is wanted; an ``Encoding`` is what becomes of it once the files' columns and the training data's
/// statistics are known.
public struct Schema: Sendable, Hashable {
  public var format: DataFormat
  /// Between columns: one character, or `tab`. nil: the format's own.
  public var separator: String?
  /// Whether the first line names the columns; nil: the format's own rule.
  public var header: Bool?
  /// Whether fields may stand in double quotes (RFC 4180); nil: the format's own rule.
  public var quotes: Bool?
  /// Whether blanks around a column's text are no part of it; nil: they are.
  public var trim: Bool?
  /// Names of the columns where there is no header.
  public var columns: [String]?
  /// The column that says whether there was a click, and the rule that reads it.
  public var label: LabelRule
  /// Not a field unless it is listed as one; `split --time` reads it.
  public var timestamp: TimestampRule?
  /// Columns that are no fields.
  public var ignore: [String]
  /// Texts that stand for a value that is missing.
  public var missing: [String]
  /// The fields, in the model's order. nil: every column that is neither label, nor timestamp, nor ignored, as a category.
  public var fields: [FieldSchema]?

  public init(
    format: DataFormat = .csv, separator: String? = nil, header: Bool? = nil, quotes: Bool? = nil,
    trim: Bool? = nil, columns: [String]? = nil, label: LabelRule? = nil, timestamp: TimestampRule? = nil,
    ignore: [String] = [],
    missing: [String] = [""], fields: [FieldSchema]? = nil
  ) {
    self.format = format
    self.separator = separator
    self.header = header
    self.quotes = quotes
    self.trim = trim
    self.columns = columns
    self.label = label ?? LabelRule(column: "label")
    self.timestamp = timestamp
    self.ignore = ignore
    self.missing = missing
    self.fields = fields
  }

  public var hasHeader: Bool { format.isDelimited && (header ?? (format != .criteo && columns == nil)) }
  public var hasQuotes: Bool { format.isDelimited && (quotes ?? (format != .criteo)) }
}

/// One field of the model: a column, and how its values become features.
public struct FieldSchema: Sendable, Hashable {
  /// The column's name.
  public var name: String
  public var type: FieldType
  /// The field whose keys this one shares: the same value is then the same feature in both.
  public var vocabulary: String?
  /// Between the values of a multi-valued field; `|` unless said otherwise.
  public var separator: String?
  /// What a multi-valued field's vectors are added up to; the mean unless said otherwise.
  public var pooling: Pooling?
  /// Numeric fields only.
  public var transform: NumberTransformName?
  /// How many categories `quantile` makes; 10 unless said otherwise.
  public var buckets: Int?
  public var missing: MissingRule?
  /// libsvm and libfm: the features of this field, such as `1-943`.
  public var indices: String?

  public init(
    _ name: String, _ type: FieldType = .categorical, vocabulary: String? = nil, separator: String? = nil,
    pooling: Pooling? = nil, transform: NumberTransformName? = nil, buckets: Int? = nil, missing: MissingRule? = nil,
    indices: String? = nil
  ) {
    self.name = name
    self.type = type
    self.vocabulary = vocabulary
    self.separator = separator
    self.pooling = pooling
    self.transform = transform
    self.buckets = buckets
    self.missing = missing
    self.indices = indices
  }
}

public enum FieldType: String, Codable, Sendable, CaseIterable {
  case categorical, numeric
  case multiValued = "multi-valued"
}

/// How the vectors of a multi-valued field's values become one.
public enum Pooling: String, Codable, Sendable, CaseIterable {
  case sum, mean
}

/// How a number becomes a feature. Every rule is defined for zero and for negative numbers.
public enum NumberTransformName: String, Codable, Sendable, CaseIterable {
  /// The number itself.
  case raw
  /// `sign(x) · ln(1 + |x|)`
  case log1p
  /// `(x - mean) / deviation` over the training data.
  case standardise
  /// `(x - min) / (max - min)` over the training data, kept within 0 and 1.
  case minMax = "min-max"
  /// The category `floor(ln(x)²)` for x > 2, else `floor(x)`: the winners' rule for Criteo's integers.
  case logSquared = "log-squared"
  /// One of `buckets` categories that are equally frequent in the training data.
  case quantile
}

/// What a value that is missing becomes.
public enum MissingRule: Sendable, Hashable {
  /// A feature of its own.
  case own
  /// No feature: the field contributes nothing to the row.
  case skip
  /// A bad row.
  case fail
  /// Numeric fields: the mean of the training data.
  case mean
  /// Numeric fields: this number, before the transform.
  case number(Double)
}
