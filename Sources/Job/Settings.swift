/// Everything that decides what a run computes, and where.
///
///     var settings = Settings()
///     settings.data.train = ["day_1.txt"]
///     settings.model.hidden = [64, 32]
///
/// A setting is written once: a property with its default in the section that it belongs to, and its key there. Keys are
/// those of the configuration file, which has no sections, and the names of the tool's flags.
public struct Settings: Codable, Sendable, Hashable {
  public var data = DataSettings()
  public var model = ModelSettings()
  public var optimization = OptimizationSettings()
  public var cluster = ClusterSettings()
  /// Where the run leaves its files; nil: a new directory in `runs/`.
  public var runDirectory: String?

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case runDirectory = "run-dir"
  }

  /// Every key, section by section.
  public static let keys: [String] =
    DataSettings.CodingKeys.allCases.map(\.rawValue) + ModelSettings.CodingKeys.allCases.map(\.rawValue)
    + OptimizationSettings.CodingKeys.allCases.map(\.rawValue) + ClusterSettings.CodingKeys.allCases.map(\.rawValue)
    + CodingKeys.allCases.map(\.rawValue)

  /// The sections lie side by side in one flat mapping.
  public init(from decoder: any Decoder) throws {
    data = try DataSettings(from: decoder)
    model = try ModelSettings(from: decoder)
    optimization = try OptimizationSettings(from: decoder)
    cluster = try ClusterSettings(from: decoder)
    runDirectory = try decoder.container(keyedBy: CodingKeys.self).decodeIfPresent(String.self, forKey: .runDirectory)
  }

  public func encode(to encoder: any Encoder) throws {
    try data.encode(to: encoder)
    try model.encode(to: encoder)
    try optimization.encode(to: encoder)
    try cluster.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(runDirectory, forKey: .runDirectory)
  }

  /// Refuses what cannot run.
  ///
  /// - Throws: `ConfigurationError` with the key, the value and the way out.
  public func validate() throws {
    try data.validate()
    try model.validate()
    try optimization.validate()
    try cluster.validate()
    try require(
      data.evict == nil || cluster.staleness[ParameterTables.sparse] != nil, DataSettings.CodingKeys.evict,
      data.evict?.description ?? "",
      "an async table has no clock at which all see the same rows: choose sync or lag:N, or leave it out")
    let slices = optimization.slices
    try require(
      cluster.workers <= slices, ClusterSettings.CodingKeys.workers, cluster.workers,
      "every worker needs a slice: at most \(slices), or raise slices")
    try require(
      optimization.patience == 0 || !data.valid.isEmpty, OptimizationSettings.CodingKeys.patience,
      optimization.patience, "early stopping needs data to evaluate on: name it with valid")
  }
}
