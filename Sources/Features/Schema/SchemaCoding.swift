import Foundation
import Yams

extension Schema: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case format, separator, header, quotes, trim, columns, label, timestamp, ignore, missing, fields
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      format: try values.decodeIfPresent(DataFormat.self, forKey: .format) ?? .csv,
      separator: try values.decodeIfPresent(String.self, forKey: .separator),
      header: try values.decodeIfPresent(Bool.self, forKey: .header),
      quotes: try values.decodeIfPresent(Bool.self, forKey: .quotes),
      trim: try values.decodeIfPresent(Bool.self, forKey: .trim),
      columns: try values.decodeIfPresent([String].self, forKey: .columns),
      label: try values.decodeIfPresent(LabelRule.self, forKey: .label),
      timestamp: try values.decodeIfPresent(TimestampRule.self, forKey: .timestamp),
      ignore: try values.decodeIfPresent([String].self, forKey: .ignore) ?? [],
      missing: try values.decodeIfPresent([String].self, forKey: .missing) ?? [""],
      fields: try values.decodeIfPresent([FieldSchema].self, forKey: .fields))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(format, forKey: .format)
    try values.encodeIfPresent(separator, forKey: .separator)
    try values.encodeIfPresent(header, forKey: .header)
    try values.encodeIfPresent(quotes, forKey: .quotes)
    try values.encodeIfPresent(trim, forKey: .trim)
    try values.encodeIfPresent(columns, forKey: .columns)
    try values.encode(label, forKey: .label)
    try values.encodeIfPresent(timestamp, forKey: .timestamp)
    if !ignore.isEmpty { try values.encode(ignore, forKey: .ignore) }
    if missing != [""] { try values.encode(missing, forKey: .missing) }
    try values.encodeIfPresent(fields, forKey: .fields)
  }
}

extension FieldSchema: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, type, vocabulary, separator, pooling, transform, buckets, missing, indices
  }

  /// A field may be its name alone: a category.
  public init(from decoder: any Decoder) throws {
    if let name = try? decoder.singleValueContainer().decode(String.self) {
      self.init(name)
      return
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try values.decode(String.self, forKey: .name),
      try values.decodeIfPresent(FieldType.self, forKey: .type) ?? .categorical,
      vocabulary: try values.decodeIfPresent(String.self, forKey: .vocabulary),
      separator: try values.decodeIfPresent(String.self, forKey: .separator),
      pooling: try values.decodeIfPresent(Pooling.self, forKey: .pooling),
      transform: try values.decodeIfPresent(NumberTransformName.self, forKey: .transform),
      buckets: try values.decodeIfPresent(Int.self, forKey: .buckets),
      missing: try values.decodeIfPresent(MissingRule.self, forKey: .missing),
      indices: try values.decodeIfPresent(String.self, forKey: .indices))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(name, forKey: .name)
    try values.encode(type, forKey: .type)
    try values.encodeIfPresent(vocabulary, forKey: .vocabulary)
    try values.encodeIfPresent(separator, forKey: .separator)
    try values.encodeIfPresent(pooling, forKey: .pooling)
    try values.encodeIfPresent(transform, forKey: .transform)
    try values.encodeIfPresent(buckets, forKey: .buckets)
    try values.encodeIfPresent(missing, forKey: .missing)
    try values.encodeIfPresent(indices, forKey: .indices)
  }
}

extension MissingRule: Codable {
  private static let names: [(String, MissingRule)] = [
    ("own", .own), ("skip", .skip), ("fail", .fail), ("mean", .mean),
  ]

  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let number = try? value.decode(Double.self), number.isFinite {
      self = .number(number)
      return
    }
    let text = try value.decode(String.self)
    guard let rule = Self.names.first(where: { $0.0 == text })?.1 else {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription: "there is no rule \"\(text)\"; there are own, skip, fail, mean, or a number"))
    }
    self = rule
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    if case .number(let number) = self { return try value.encode(number) }
    try value.encode(Self.names.first { $0.1 == self }!.0)
  }
}

extension Schema {
  /// The preset of that name, or the schema in the file of that name.
  ///
  /// - Throws: `SchemaError`.
  public static func named(_ name: String) throws -> Schema {
    if let preset = SchemaPreset(rawValue: name) { return try preset.schema() }
    guard FileManager.default.fileExists(atPath: name) else {
      throw SchemaError.unknownName(name, nearest: Nearest.word(to: name, among: SchemaPreset.allCases.map(\.rawValue)))
    }
    guard let text = try? String(contentsOfFile: name, encoding: .utf8) else {
      throw SchemaError.unreadable(file: name, reason: "cannot be read as a text file")
    }
    return try Schema(yaml: text, file: name)
  }

  /// - Parameter file: what messages call it.
  /// - Throws: `SchemaError` that names the key.
  public init(yaml: String, file: String) throws {
    do {
      guard let mapping = try Yams.compose(yaml: yaml)?.mapping else {
        throw SchemaError.unreadable(file: file, reason: "holds no `key: value` lines")
      }
      try Self.checkKeys(of: mapping, among: CodingKeys.allCases.map(\.rawValue), file: file)
      try Self.checkNames(["format": DataFormat.allCases.map(\.rawValue)], in: mapping, file: file)
      for (key, known) in [
        ("label", LabelRule.CodingKeys.allCases.map(\.rawValue)),
        ("timestamp", TimestampRule.CodingKeys.allCases.map(\.rawValue)),
      ] {
        if let rule = mapping[key]?.mapping { try Self.checkKeys(of: rule, among: known, file: file) }
      }
      for field in mapping["fields"]?.sequence ?? [] {
        guard let field = field.mapping else { continue }
        try Self.checkKeys(of: field, among: FieldSchema.CodingKeys.allCases.map(\.rawValue), file: file)
        try Self.checkNames(
          [
            "type": FieldType.allCases.map(\.rawValue), "pooling": Pooling.allCases.map(\.rawValue),
            "transform": NumberTransformName.allCases.map(\.rawValue),
          ], in: field, file: file)
      }
      self = try YAMLDecoder().decode(Schema.self, from: yaml)
      try validate(file: file)
    } catch let error as SchemaError {
      throw error
    } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context),
      let DecodingError.dataCorrupted(context), let DecodingError.keyNotFound(_, context)
    {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      let reason = Self.oneLine(
        (key.isEmpty ? context.underlyingError.map { "\($0)" } : nil) ?? context.debugDescription)
      throw SchemaError.unreadable(file: file, reason: key.isEmpty ? reason : "\(key): \(reason)")
    } catch {
      throw SchemaError.unreadable(file: file, reason: Self.oneLine(error))
    }
  }

  public var yaml: String { (try? YAMLEncoder().encode(self)) ?? "" }

  private static func oneLine(_ error: Any) -> String {
    "\(error)".split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
  }

  private static func checkKeys(of mapping: Node.Mapping, among known: [String], file: String) throws {
    for key in mapping.keys.compactMap(\.string) where !known.contains(key) {
      throw SchemaError.unknownKey(file: file, key: key, nearest: Nearest.word(to: key, among: known))
    }
  }

  private static func checkNames(_ names: [String: [String]], in mapping: Node.Mapping, file: String) throws {
    for (key, known) in names {
      guard let value = mapping[key]?.string, !known.contains(value) else { continue }
      throw SchemaError.invalid(
        file: file, key: key, value: value,
        reason: "did you mean \"\(Nearest.word(to: value, among: known))\"? There are: \(known.joined(separator: ", "))"
      )
    }
  }
}

/// A schema that cannot be used: a usage error.
public enum SchemaError: Error, Equatable, CustomStringConvertible {
  case unknownName(String, nearest: String)
  case unreadable(file: String, reason: String)
  case unknownKey(file: String, key: String, nearest: String)
  case invalid(file: String, key: String, value: String, reason: String)
  /// A column that the schema names is not in the data.
  case noColumn(data: String, column: String, nearest: String)

  public var description: String {
    switch self {
    case .unknownName(let name, let nearest):
      "schema: there is no file \"\(name)\" and no preset of that name; did you mean \"\(nearest)\"? `deepfm schema list` names the presets."
    case .unreadable(let file, let reason): "\(file): \(reason)."
    case .unknownKey(let file, let key, let nearest): "\(file): unknown key \"\(key)\". Did you mean \"\(nearest)\"?"
    case .invalid(let file, let key, let value, let reason): "\(file): \(key): \"\(value)\" cannot be used: \(reason)."
    case .noColumn(let data, let column, let nearest):
      "\(data): there is no column \"\(column)\", which the schema names; did you mean \"\(nearest)\"? Correct the schema, or choose another with --schema."
    }
  }
}
