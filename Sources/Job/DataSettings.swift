import Features

/// What a run reads, and how.
public struct DataSettings: Codable, Sendable, Hashable {
  public var train: [String] = []
  public var valid: [String] = []
  /// What the data's columns mean: a preset's name or a file; nil: the preset of the format's name.
  public var schema: String?
  /// How rows are written; nil: as the schema says.
  public var format: DataFormat?
  /// Between columns; nil: as the schema says.
  public var separator: String?
  /// The vocabulary beyond which values share a key; nil: all values have keys of their own.
  public var vocabulary: String?
  /// Sightings after which a key gets a row of its own; until then it shares its field's out-of-vocabulary row.
  public var admitAfter = 1
  /// Which rows of features go again; nil: none.
  public var evict: EvictionChoice?
  /// Steps in which all rows are looked through once; nil: an epoch's.
  public var evictEvery: Int?
  /// The share of training rows without a click that are trained on.
  public var negativeRate = 1.0
  public var badRows = BadRows.fail
  /// With `badRows: skip`, the most that are skipped.
  public var maxBadRows = 1000
  /// Pack the training data in the run directory first, so that they are parsed once.
  public var cache = false
  public var placement = DataPlacement.shared
  /// Threads of a worker that read and encode.
  public var readers = 1
  /// Read and compute in turn, for comparison with asynchronous reading.
  public var syncReading = false

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case train, valid, schema, format, separator
    case vocabulary = "vocab"
    case admitAfter = "admit-after"
    case evict
    case evictEvery = "evict-every"
    case negativeRate = "negative-rate"
    case badRows = "bad-rows"
    case maxBadRows = "max-bad-rows"
    case cache
    case placement = "data"
    case readers
    case syncReading = "sync-reading"
  }

  /// Refuses what cannot be read, naming the key and the way out.
  public func validate() throws {
    try require(
      1...1 << 20 ~= admitAfter, CodingKeys.admitAfter, admitAfter,
      "choose 1 sighting, to admit every key, to \(1 << 20)")
    try require(
      1...1 << 30 ~= evictEvery ?? 1, CodingKeys.evictEvery, evictEvery ?? 1, "choose 1 step to \(1 << 30)")
    try require(
      negativeRate > 0 && negativeRate <= 1, CodingKeys.negativeRate, negativeRate, "choose a share above 0, up to 1")
    try require(0...1 << 40 ~= maxBadRows, CodingKeys.maxBadRows, maxBadRows, "choose 0 to \(1 << 40)")
    try require(
      !cache || placement == .shared, CodingKeys.cache, cache,
      "workers with data of their own pack them with `deepfm pack`")
    try require(1...64 ~= readers, CodingKeys.readers, readers, "choose 1 to 64")
  }

  /// The schema with what the other settings say otherwise.
  ///
  /// - Throws: `SchemaError`.
  public func readSchema() throws -> Schema {
    let name = schema ?? format?.rawValue ?? SchemaPreset.criteo.rawValue
    var schema = try Schema.named(name)
    if let format { schema.format = format }
    if let separator { schema.separator = separator }
    try schema.validate(file: name)
    return schema
  }

  public var badRowPolicy: BadRowPolicy { badRows == .fail ? .fail : .skip(limit: maxBadRows) }
}

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
