/// The column that says when a row was, and how it writes that.
public struct TimestampRule: Sendable, Hashable {
  public var column: String
  /// nil: to be found out from the data.
  public var format: TimeFormat?

  public init(_ column: String, format: TimeFormat? = nil) {
    self.column = column
    self.format = format
  }
}

extension TimestampRule: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case column, format
  }

  /// The column's name, or a mapping.
  public init(from decoder: any Decoder) throws {
    if let column = try? decoder.singleValueContainer().decode(String.self) {
      self.init(column)
      return
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(try values.decode(String.self, forKey: .column))
    guard let text = try values.decodeIfPresent(String.self, forKey: .format) else { return }
    guard let format = TimeFormat(text) else {
      throw DecodingError.dataCorruptedError(
        forKey: .format, in: values, debugDescription: "\"\(text)\" is no format of times; write \(TimeFormat.help)")
    }
    self.format = format
  }

  public func encode(to encoder: any Encoder) throws {
    guard let format else {
      var value = encoder.singleValueContainer()
      return try value.encode(column)
    }
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(column, forKey: .column)
    try values.encode(format.text, forKey: .format)
  }
}

extension TimestampRule: ExpressibleByStringLiteral {
  public init(stringLiteral column: String) { self.init(column) }
}
