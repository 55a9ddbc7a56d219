import Features

/// What becomes of rows that cannot be read.
public enum BadRows: String, Codable, Sendable, CaseIterable {
  /// The first ends the run.
  case fail
  /// They are counted and left out, up to a limit.
  case skip
}

/// Who can read the data.
public enum DataPlacement: String, Codable, Sendable, CaseIterable {
  /// Everyone, under the same paths.
  case shared
  /// Each worker the files it names.
  case local
}

extension JobConfiguration {
  /// The schema with what the flags say otherwise.
  ///
  /// - Throws: `SchemaError`.
  public func dataSchema() throws -> Schema {
    let name = schema ?? format?.rawValue ?? SchemaPreset.criteo.rawValue
    var schema = try Schema.named(name)
    if let format { schema.format = format }
    if let separator { schema.separator = separator }
    try schema.validate(file: name)
    return schema
  }

  public var badRowPolicy: BadRowPolicy { badRows == .fail ? .fail : .skip(limit: maxBadRows) }
}
