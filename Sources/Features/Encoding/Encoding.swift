/// How the rows of a data set become features: a ``Schema`` whose columns are found and whose statistics are known.
///
/// Whoever has the same encoding reads the same keys and values from the same bytes, on any machine. A run keeps the one
/// it was trained with, and scores all other data with it.
public struct Encoding: Codable, Sendable, Hashable {
  public struct Field: Codable, Sendable, Hashable {
    public var name: String
    /// Delimited formats: the column, from 0.
    public var column: Int
    /// The field whose features these are: its own number, or that of the one whose vocabulary it shares.
    public var owner: Int
    public var rule: FieldRule
    public var missing: MissingRule
    /// libsvm and libfm: the indices of its features; nil where they come by position.
    public var indices: ClosedRange<UInt64>?
    /// Numbers beyond are taken for the nearer of these.
    public var limits: NumberLimits? = nil
  }

  /// What becomes of a field's text.
  public enum FieldRule: Codable, Sendable, Hashable {
    /// Its hash.
    case category
    /// The hashes of its parts.
    case categories(separator: UInt8, pooling: Pooling)
    /// A value beside a key that is the field's own.
    case number(NumberTransform)
    /// A category of numbers.
    case bucket(BucketRule)
    /// libsvm, libfm, libffm: the index is the key.
    case index
  }

  public enum NumberTransform: Codable, Sendable, Hashable {
    case raw
    case log1p
    case standardise(mean: Double, deviation: Double)
    case minMax(minimum: Double, maximum: Double)
  }

  public enum BucketRule: Codable, Sendable, Hashable {
    case logSquared
    /// Category i holds the numbers from boundary i - 1 up to, without, boundary i.
    case quantile(boundaries: [Double])
  }

  public var format: DataFormat
  public var separator: UInt8
  public var hasHeader: Bool
  public var hasQuotes: Bool
  /// Whether blanks around a column's text are no part of it; nil: they are.
  public var trims: Bool? = nil
  /// Names of all columns of a delimited format.
  public var columns: [String]
  public var labelColumn: Int
  public var label: LabelRule
  public var timestampColumn: Int?
  public var missingTexts: [String]
  public var fields: [Field]
  /// libffm: the number of the first field.
  public var firstField: Int
  /// libsvm without ranges: features that training never saw are left out. Elsewhere they are a bad row.
  public var leavesOutUnknown: Bool
  /// The fingerprint of the vocabulary beyond which values are out of vocabulary; nil: all values have keys of their own.
  public var vocabulary: String?

  /// The fields' names.
  public var fieldNames: [String] { fields.map(\.name) }

  /// Whether it can be used at all: what a file says of itself is not to be trusted.
  var isConsistent: Bool {
    guard 1...Schema.mostFields ~= fields.count, firstField >= 0, missingTexts.count <= 1 << 10 else { return false }
    if format.isDelimited {
      // Each column is one field's at most: rows get no more memory than that.
      let taken = Set(fields.map(\.column))
      guard taken.count == fields.count, taken.allSatisfy(columns.indices.contains),
        columns.indices.contains(labelColumn), timestampColumn.map(columns.indices.contains) ?? true
      else { return false }
    }
    return fields.allSatisfy { field in
      guard fields.indices.contains(field.owner) else { return false }
      switch field.rule {
      case .index: return !format.isDelimited
      case .bucket(.quantile(let boundaries)): return format.isDelimited && boundaries == boundaries.sorted()
      case .category, .categories, .number, .bucket(.logSquared): return format.isDelimited
      }
    }
  }

  /// By field, the feature that stands for values out of vocabulary or not yet admitted.
  public var otherKeys: [UInt64] { fields.map { FeatureHash.outOfVocabulary(field: $0.owner) } }
}

/// What is learnt of a data set's layout by looking at it.
struct LearntLayout: Sendable {
  /// Delimited formats: the columns' names, from the header.
  var header: [String]?
  /// Columns behind those of the rows: what the folders say that the files lie in.
  var folders: [String] = []
  /// Columns, or features, of the first row.
  var firstRowColumns = 0
  /// libsvm: the smallest and largest index; libffm: of the fields' numbers.
  var numbers: ClosedRange<UInt64>?
}

extension Schema {
  /// Finds the schema's columns in the data. Statistics are not known yet: fields that need some have neutral ones.
  ///
  /// - Parameter file: the data, for messages.
  /// - Throws: `SchemaError.noColumn`, or `DatasetError` where the data cannot be of this layout.
  func encoding(for layout: LearntLayout, file: String) throws -> Encoding {
    var encoding = Encoding(
      format: format, separator: separatorByte ?? 9, hasHeader: hasHeader, hasQuotes: hasQuotes, columns: [],
      labelColumn: 0, label: label, timestampColumn: nil, missingTexts: missing, fields: [], firstField: 0,
      leavesOutUnknown: false, vocabulary: nil)
    guard format.isDelimited else {
      try addIndexedFields(to: &encoding, layout, file: file)
      return encoding
    }
    let own = columns ?? layout.header ?? (format == .criteo ? CriteoLayout.columns : [])
    let columns = own + layout.folders.filter { !own.contains($0) }
    guard columns.count > 1 else {
      throw DatasetError.badRow(
        file: file, line: 1,
        reason: "the header has one column only; expected a label and fields with separators between. "
          + "Choose the layout with --schema, --format or --separator")
    }
    func position(_ column: String) throws -> Int {
      guard let position = columns.firstIndex(of: column) else {
        throw SchemaError.noColumn(data: file, column: column, nearest: Nearest.word(to: column, among: columns))
      }
      return position
    }
    encoding.columns = columns
    encoding.labelColumn = try position(label.column)
    encoding.timestampColumn = try timestamp.map { try position($0.column) }
    encoding.trims = trim
    for column in ignore { _ = try position(column) }
    let fields =
      fields
      ?? (format == .criteo && self.columns == nil
        ? CriteoLayout.fields
        : columns.filter {
          // What has no name is the index that pandas writes.
          $0 != label.column && $0 != timestamp?.column && !ignore.contains($0) && !$0.hasPrefix(FileHeader.unnamed)
        }.map { FieldSchema($0) })
    guard 1...Self.mostFields ~= fields.count else {
      throw SchemaError.invalid(
        file: file, key: "fields", value: "\(fields.count)", reason: "a row has 1 to \(Self.mostFields) fields")
    }
    let numbers = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($1.name, $0) })
    encoding.fields = try fields.enumerated().map { number, field in
      Encoding.Field(
        name: field.name, column: try position(field.name), owner: field.vocabulary.flatMap { numbers[$0] } ?? number,
        rule: field.rule, missing: field.missing ?? (field.type == .multiValued ? .skip : .own), indices: nil)
    }
    return encoding
  }

  private func addIndexedFields(to encoding: inout Encoding, _ layout: LearntLayout, file: String) throws {
    func field(_ name: String, _ number: Int, _ indices: ClosedRange<UInt64>?) -> Encoding.Field {
      Encoding.Field(name: name, column: 0, owner: number, rule: .index, missing: .skip, indices: indices)
    }
    if let fields {
      encoding.fields = fields.enumerated().map { field($1.name, $0, $1.indexRange) }
      return
    }
    if format == .libfm {
      guard layout.firstRowColumns > 0 else {
        throw DatasetError.badRow(file: file, line: 1, reason: "expected `label index:value ...`, found no feature")
      }
      encoding.fields = (0..<layout.firstRowColumns).map {
        var positional = field("\($0 + 1)", $0, nil)
        positional.missing = .own
        return positional
      }
      return
    }
    guard let numbers = layout.numbers else {
      throw DatasetError.badRow(file: file, line: 1, reason: "no row has a feature. Choose the layout with --schema")
    }
    guard numbers.upperBound - numbers.lowerBound < UInt64(Self.mostFields) else {
      throw SchemaError.invalid(
        file: file, key: "fields", value: "\(numbers)",
        reason: format == .libsvm
          ? "an index would be a field, and a row has at most \(Self.mostFields). Write a schema that gives fields ranges of indices; see `deepfm schema show libsvm`"
          : "a row has at most \(Self.mostFields) fields")
    }
    if format == .libffm {
      guard let first = Int(exactly: numbers.upperBound).map({ _ in Int(numbers.lowerBound) }) else {
        throw SchemaError.invalid(
          file: file, key: "fields", value: "\(numbers.upperBound)", reason: "a field's number is below 2^63")
      }
      encoding.firstField = first
    }
    encoding.leavesOutUnknown = format == .libsvm
    encoding.fields = numbers.enumerated().map { number, index in
      field("\(index)", number, format == .libsvm ? index...index : nil)
    }
  }
}

extension FieldSchema {
  fileprivate var rule: Encoding.FieldRule {
    switch type {
    case .categorical: return .category
    case .multiValued:
      return .categories(separator: Schema.byte(separator ?? "|") ?? 124, pooling: pooling ?? .mean)
    case .numeric:
      switch transform ?? .standardise {
      case .raw: return .number(.raw)
      case .log1p: return .number(.log1p)
      case .standardise: return .number(.standardise(mean: 0, deviation: 1))
      case .minMax: return .number(.minMax(minimum: 0, maximum: 1))
      case .logSquared: return .bucket(.logSquared)
      case .quantile: return .bucket(.quantile(boundaries: []))
      }
    }
  }
}

/// Criteo's columns: `label TAB I1 ... I13 TAB C1 ... C26`.
enum CriteoLayout {
  static let columns = ["label"] + (1...13).map { "I\($0)" } + (1...26).map { "C\($0)" }
  static let fields =
    (1...13).map { FieldSchema("I\($0)", .numeric, transform: .logSquared) } + (1...26).map { FieldSchema("C\($0)") }
}
