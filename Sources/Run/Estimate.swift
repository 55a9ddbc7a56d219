import DeepFM
import Features
import Foundation
import Job
import ParamServer
import Sharding

/// What a job takes of its servers and of the network, before it is launched.
public struct Estimate: Codable, Sendable {
  public struct Table: Codable, Sendable {
    public var name: String
    public var rows: Int
    /// Of a row: rank, parameters, optimizer's state.
    public var rowBytes: Int
    /// Of all rows, once, as servers allocate it.
    public var bytes: Int

    public enum CodingKeys: String, CodingKey {
      case name, rows, bytes
      case rowBytes = "row_bytes"
    }
  }

  public let model: String
  public let fields: Int
  public let tables: [Table]
  /// As many as the job has, or as it takes to fit `--server-memory`.
  public let servers: Int
  public let workers: Int
  public let replicas: Int
  /// Of each server, replicas and what can be undone included.
  public let serverBytes: Int
  /// Of that, what can be undone.
  public let undoBytes: Int
  /// A whole one; later ones hold what has changed.
  public let checkpointBytes: Int
  /// Rows of a global minibatch.
  public let batch: Int
  /// Bytes of a step: keys asked for and rows answered, for all workers.
  public let pulledBytes: Int
  /// Of a step: gradients, from all workers.
  public let pushedBytes: Int
  /// Of a step: gradients on their way to further homes.
  public let replicatedBytes: Int
  public let samplesPerSecond: Double
  /// What is not known but taken to be so.
  public let assumptions: [String]

  public enum CodingKeys: String, CodingKey {
    case model, fields, tables, servers, workers, replicas, batch, assumptions
    case serverBytes = "server_bytes"
    case undoBytes = "undo_bytes"
    case checkpointBytes = "checkpoint_bytes"
    case pulledBytes = "pulled_bytes_per_step"
    case pushedBytes = "pushed_bytes_per_step"
    case replicatedBytes = "replicated_bytes_per_step"
    case samplesPerSecond = "samples_per_second"
  }

  /// Of all links together.
  public var bytesPerSecond: Double {
    Double(pulledBytes + pushedBytes + replicatedBytes) * samplesPerSecond / Double(batch)
  }

  /// - Parameters:
  ///   - fields: of the data.
  ///   - features: distinct ones, and how many of them batches of `batches(of:)` meet.
  ///   - rows: of the data in all, if they are more than were counted.
  ///   - samplesPerSecond: of all workers together.
  /// - Throws: `ConfigurationError` or the model's own error for settings that cannot be run.
  init(
    _ settings: Settings, fields: Int, features: FeatureCount, rows: Int?, samplesPerSecond: Double,
    assumptions: [String]
  ) throws {
    try settings.validate()
    let configuration = settings.modelConfiguration(fields: fields)
    let model = try makeModel(configuration)
    let descriptions = ParameterTables.describe(model, settings, totalSteps: 1)
    let dense = Double(model.dense.count / DenseLayout.blockSize)
    let all = [rows.map { features.distinct(ofRows: $0) } ?? features.distinct, dense]
    let met = [features.distinct(perBatchOf: Self.batches(of: settings).global), dense]
    let metByWorker = [features.distinct(perBatchOf: Self.batches(of: settings).worker), dense]
    let memories = try descriptions.map { try TableMemory($0) }
    let cluster = settings.cluster

    var load = ServerMemory(tables: [], homes: cluster.replicas + 1)
    for (table, memory) in memories.enumerated() {
      let steps = descriptions[table].staleness == nil ? 0 : 2 * cluster.lag + 2
      load.tables.append((memory, rows: all[table], undo: memory.undoBytes(steps: steps, rows: met[table])))
    }
    servers = try load.servers(atLeast: cluster.servers, within: cluster.serverMemory)
    serverBytes = Int(load.bytes(servers: servers))
    undoBytes = Int(load.undoBytes(servers: servers))
    self.model = settings.model.model.rawValue
    self.fields = fields
    tables = descriptions.indices.map { table in
      Table(
        name: descriptions[table].name, rows: Int(all[table].rounded()), rowBytes: memories[table].rowBytes,
        bytes: Int(memories[table].bytes(rows: all[table], slots: Double(Rank.slots))))
    }
    (workers, replicas) = (cluster.workers, cluster.replicas)
    checkpointBytes = tables.reduce(0) { $0 + $1.rows * $1.rowBytes }
    batch = settings.optimization.batch
    // Keys go one way and rows the other; gradients go with their keys.
    func bytes(of rows: [Double]) -> Int {
      Int(descriptions.indices.reduce(0.0) { $0 + rows[$1] * Double(8 + 4 * descriptions[$1].width) })
    }
    pulledBytes = workers * bytes(of: metByWorker)
    pushedBytes = pulledBytes
    replicatedBytes = replicas * bytes(of: met)
    self.samplesPerSecond = samplesPerSecond
    self.assumptions = assumptions
  }

  /// Rows of a global minibatch, and of a worker's part.
  static func batches(of settings: Settings) -> (global: Int, worker: Int) {
    let batch = settings.optimization.batch
    return (batch, max(1, batch / max(1, settings.cluster.workers)))
  }

  /// What tables take of each of so many servers.
  private struct ServerMemory {
    /// Rows, and bytes that can be undone, of all servers, once.
    var tables: [(memory: TableMemory, rows: Double, undo: Double)]
    let homes: Int

    /// The share of `--server-memory` that is not to be passed: where a run warns.
    private static let filled = 0.8

    func undoBytes(servers: Int) -> Double {
      tables.reduce(0) { $0 + $1.undo * Double(homes) / Double(servers) }
    }

    func bytes(servers: Int) -> Double {
      let share = Double(homes) / Double(servers)
      return tables.reduce(undoBytes(servers: servers)) { sum, table in
        sum + table.memory.bytes(rows: table.rows * share, slots: Double(Rank.slots) * share)
          + Double(table.memory.emptyBytes * homes)
      }
    }

    /// The fewest that fit the bound.
    func servers(atLeast least: Int, within bound: ByteCount?) throws -> Int {
      guard let bound else { return least }
      guard let enough = (least...1024).first(where: { bytes(servers: $0) <= Self.filled * Double(bound.bytes) }) else {
        throw ConfigurationError.invalid(
          key: ClusterSettings.CodingKeys.serverMemory.rawValue, value: "\(bound)",
          reason: "1024 servers of that size would not do: choose more")
      }
      return enough
    }
  }
}

extension Estimate {
  /// - Parameters:
  ///   - settings: of the job. Its training data, or a part of them, are read through and counted; without, its vocabulary
  ///     says what there is.
  ///   - keys: distinct features, where neither data nor a vocabulary are at hand.
  ///   - rows: of all the data, where those that are read are a part.
  ///   - samplesPerSecond: of all workers together.
  ///   - caller: sees how far the reading is.
  /// - Throws: `ConfigurationError` where it is not said how many features there are, or for settings that cannot be run;
  ///   `DatasetError`, `SchemaError` or `VocabularyError` for what cannot be read.
  public static func make(
    _ settings: Settings, keys: Int? = nil, rows: Int? = nil, samplesPerSecond: Double, caller: Caller = Caller()
  ) throws -> Estimate {
    let batches = [batches(of: settings).global, batches(of: settings).worker]
    var assumptions: [String] = []
    if settings.data.admitAfter > 1 {
      assumptions.append(
        "every feature is met often enough for a row; one that is met less than \(settings.data.admitAfter) times takes a few bytes"
      )
    }
    func made(_ fields: Int, _ features: FeatureCount) throws -> Estimate {
      try Estimate(
        settings, fields: fields, features: features, rows: rows, samplesPerSecond: samplesPerSecond,
        assumptions: assumptions)
    }
    if keys == nil, !settings.data.train.isEmpty {
      let scratch = try ScratchDirectory("plan")
      defer { scratch.remove() }
      var index = try DatasetIndex.build(
        settings.data.train, schema: settings.data.readSchema(),
        caller.reading("reading", spool: scratch.path, badRows: settings.data.badRowPolicy))
      var vocabulary: Vocabulary?
      if let path = settings.data.vocabulary {
        let (loaded, fingerprint) = try VocabularyFile.load(path, for: index.encoding)
        (vocabulary, index.encoding.vocabulary) = (loaded, fingerprint)
      }
      let features = try FeatureCount(index, vocabulary: vocabulary, batches: batches) { done in
        try caller.show("counting", done, of: index.rows)
      }
      assumptions.append("batches meet as many features as the first of the \(index.rows.grouped) rows that were read")
      if let rows, rows > index.rows {
        assumptions.append(
          "\(rows.grouped) rows have \(Int(features.distinct(ofRows: rows)).grouped) features, if they go on growing as in those"
            + " (from \(Int(features.distinctOfHalf).grouped) in half of them to \(Int(features.distinct).grouped))")
      }
      return try made(index.fields, features)
    }
    guard let fields = try settings.data.readSchema().fields?.count else {
      throw ConfigurationError.invalid(
        key: "schema", value: settings.data.schema ?? settings.data.format?.rawValue ?? SchemaPreset.criteo.rawValue,
        reason: "it does not list its fields: name some data with --train FILE")
    }
    if let keys {
      assumptions.append("no feature is met twice in a batch: traffic is at most this")
      return try made(fields, FeatureCount(distinct: keys, fields: fields, batches: batches))
    }
    guard let path = settings.data.vocabulary else {
      throw ConfigurationError.invalid(
        key: "train", value: "nothing",
        reason:
          "name the data, or a part of them, with --train FILE; or say how many features there are with --vocab FILE or --keys N"
      )
    }
    let counted = try VocabularyFile.counts(path)
    assumptions.append("rows are met at random, features as often as the vocabulary says")
    return try made(
      fields, FeatureCount(counts: counted.counts, others: counted.fields, rows: counted.rows, batches: batches))
  }
}
