import Foundation
import GRDB

/// The catalogue of a run: `run.sqlite`, made to be queried with the `sqlite3` shell.
///
/// | table | a row is |
/// |---|---|
/// | `run` | a fact of the run by name: `configuration` and `model` as JSON |
/// | `members` | a process of a view: role, number, host, process, endpoint |
/// | `partitions` | the part of the data that a slice reads, fixed for as long as the run lives: purpose, slice, digest, article |
/// | `epochs` | an epoch that ended with a checkpoint: steps, rows, train_logloss, auc, logloss, seconds (training alone), samples_per_second, stall_seconds, finished_at |
/// | `checkpoints` | a checkpoint that is whole: number, epoch, next step, slots and bytes written, created_at |
/// | `shards` | a SQLite file that a checkpoint's slots are in |
/// | `events` | something a person may want to know: at, text |
///
/// A checkpoint exists from the moment its row is here; slots that a server wrote for one that is not do not count.
/// Readers, a shell among them, do not hold up the run where the file system is a local one.
public final class Catalogue: Sendable {
  public let path: String
  private let database: DatabaseQueue

  /// Creates the catalogue of a new run.
  public static func create(at path: String) throws -> Catalogue {
    let catalogue = try Catalogue(path: path, readOnly: false)
    try catalogue.explainingFailures { try catalogue.database.write { try $0.execute(sql: schema) } }
    return catalogue
  }

  /// Opens the catalogue of a run that was, to read from it.
  public static func open(at path: String) throws -> Catalogue {
    guard FileManager.default.fileExists(atPath: path) else { throw CatalogueError.missing(path: path) }
    return try Catalogue(path: path, readOnly: true)
  }

  private init(path: String, readOnly: Bool) throws {
    self.path = path
    var configuration = Configuration()
    configuration.readonly = readOnly
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      if !readOnly { try JournalMode.set(on: database, path: path) }
    }
    do {
      database = try DatabaseQueue(path: path, configuration: configuration)
    } catch {
      throw CatalogueError.unusable(path: path, reason: "\(error)")
    }
  }

  private static let schema = """
    CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE members (
      view INTEGER NOT NULL, role TEXT NOT NULL, number INTEGER NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL,
      endpoint TEXT, PRIMARY KEY (view, role, number));
    CREATE TABLE partitions (
      purpose TEXT NOT NULL, slice INTEGER NOT NULL, digest TEXT NOT NULL, article BLOB NOT NULL,
      PRIMARY KEY (purpose, slice));
    CREATE TABLE epochs (
      epoch INTEGER PRIMARY KEY, steps INTEGER NOT NULL, rows INTEGER NOT NULL, train_logloss REAL NOT NULL, auc REAL,
      logloss REAL, seconds REAL NOT NULL, samples_per_second REAL NOT NULL, stall_seconds REAL NOT NULL,
      finished_at TEXT NOT NULL);
    CREATE TABLE checkpoints (
      number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, step INTEGER NOT NULL, slots INTEGER NOT NULL,
      bytes INTEGER NOT NULL, created_at TEXT NOT NULL);
    CREATE TABLE shards (
      checkpoint INTEGER NOT NULL REFERENCES checkpoints(number), path TEXT NOT NULL, PRIMARY KEY (checkpoint, path));
    CREATE TABLE events (at TEXT NOT NULL, text TEXT NOT NULL);
    """

  private func explainingFailures<Value>(_ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw CatalogueError.unusable(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  private func now() -> String { Date().ISO8601Format() }

  /// Records a fact of the run, as JSON.
  public func record(_ name: String, _ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let json = String(decoding: try encoder.encode(value), as: UTF8.self)
    try explainingFailures {
      try database.write { try $0.execute(sql: "INSERT OR REPLACE INTO run VALUES (?, ?)", arguments: [name, json]) }
    }
  }

  /// Reads what `record` wrote.
  public func fact<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let json = try explainingFailures {
      try database.read { try String.fetchOne($0, sql: "SELECT value FROM run WHERE name = ?", arguments: [name]) }
    }
    guard let json else { throw CatalogueError.unusable(path: path, reason: "it has no \"\(name)\"") }
    return try JSONDecoder().decode(Value.self, from: Data(json.utf8))
  }

  /// Records who takes part in a view.
  public func record(members: [MemberRecord], view: Int) throws {
    try explainingFailures {
      try database.write { database in
        for member in members {
          try database.execute(
            sql: "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [view, member.role, member.number, member.host, member.process, member.endpoint])
        }
      }
    }
  }

  /// Records which rows each slice reads, once and for all.
  public func record(partitions: [PartitionRecord]) throws {
    try explainingFailures {
      try database.write { database in
        let statement = try database.cachedStatement(sql: "INSERT INTO partitions VALUES (?, ?, ?, ?)")
        for partition in partitions {
          try statement.execute(arguments: [partition.purpose, partition.slice, partition.digest, partition.article])
        }
      }
    }
  }

  /// Records something that a person may want to know.
  public func record(event text: String) throws {
    try explainingFailures {
      try database.write { try $0.execute(sql: "INSERT INTO events VALUES (?, ?)", arguments: [now(), text]) }
    }
  }

  /// The transaction that makes a checkpoint, and the epoch it ends, exist.
  public func commit(_ epoch: EpochRecord, _ checkpoint: CheckpointRecord) throws {
    try explainingFailures {
      try database.write { database in
        try database.execute(
          sql: "INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          arguments: [
            epoch.epoch, epoch.steps, epoch.rows, epoch.trainLogloss, epoch.auc, epoch.logloss, epoch.seconds,
            epoch.samplesPerSecond, epoch.stallSeconds, now(),
          ])
        try database.execute(
          sql: "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [
            checkpoint.number, checkpoint.epoch, Int64(checkpoint.step), checkpoint.slots, checkpoint.bytes, now(),
          ])
        for path in checkpoint.shards {
          try database.execute(sql: "INSERT INTO shards VALUES (?, ?)", arguments: [checkpoint.number, path])
        }
      }
    }
  }

  /// The newest checkpoint, nil if there is none yet.
  public func lastCheckpoint() throws -> CheckpointRecord? {
    try explainingFailures {
      try database.read { database in
        guard let row = try Row.fetchOne(database, sql: "SELECT * FROM checkpoints ORDER BY number DESC LIMIT 1") else {
          return nil
        }
        let number: Int = row["number"]
        let step: Int64 = row["step"]
        return CheckpointRecord(
          number: number, epoch: row["epoch"], step: UInt64(step), slots: row["slots"], bytes: row["bytes"],
          shards: try String.fetchAll(
            database, sql: "SELECT path FROM shards WHERE checkpoint = ? ORDER BY path", arguments: [number]))
      }
    }
  }
}

/// A catalogue that cannot be used.
public enum CatalogueError: Error, CustomStringConvertible {
  case missing(path: String)
  case unusable(path: String, reason: String)

  public var description: String {
    switch self {
    case .missing(let path):
      "\(path) does not exist. Name the directory of a run, as `deepfm train --run-dir` made it."
    case .unusable(let path, let reason): "\(path): \(reason). Is the disk full, or the file another program's?"
    }
  }
}
