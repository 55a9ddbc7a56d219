import Foundation
import GRDB

/// A server's SQLite file: `shards/server-<n>.sqlite`.
///
/// | table | a row is |
/// |---|---|
/// | `slots` | a version of a slot: the checkpoint that wrote it, table and slot number, how many rows of parameters it holds, the SHA-256 of the blob, and the blob (`SlotSnapshot`) |
/// | `pruned` | one row: the newest checkpoint for which older versions were dropped, and those that were kept, as JSON |
///
/// A version counts only if its checkpoint is in the run's catalogue. `user_version` is the file's format.
public final class ShardDatabase {
  public let path: String
  private let queue: DatabaseQueue

  /// The format of the file and of the snapshots in it.
  public static let version = 5

  /// Opens a server's file to write to, and makes it if it is not there.
  public init(path: String) throws {
    self.path = path
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { try JournalMode.set(on: $0, path: path) }
    queue = try Self.explaining(path) {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.write { database in
        let isNew = try !database.tableExists("slots")
        guard isNew else { return try Self.checkVersion(database, path: path) }
        try database.execute(
          sql: """
            CREATE TABLE slots (
              checkpoint INTEGER NOT NULL, table_number INTEGER NOT NULL, slot INTEGER NOT NULL, rows INTEGER NOT NULL,
              sha256 TEXT NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (table_number, slot, checkpoint));
            CREATE TABLE pruned (checkpoint INTEGER NOT NULL, kept TEXT NOT NULL);
            INSERT INTO pruned VALUES (-1, '[]');
            PRAGMA user_version = \(Self.version);
            """)
      }
      return queue
    }
  }

  static func explaining<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw CheckpointError.database(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  static func checkVersion(_ database: Database, path: String) throws {
    let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    guard found == version else { throw CheckpointError.otherVersion(path: path, found: found) }
  }

  /// Writes some slots of a checkpoint in a transaction of their own: nobody reads them before the catalogue says so.
  public func write(_ snapshots: [SlotSnapshot], checkpoint: Int) throws {
    try Self.explaining(path) {
      try queue.write { database in
        let statement = try database.cachedStatement(sql: "INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?, ?, ?)")
        for snapshot in snapshots {
          try statement.execute(
            arguments: [
              checkpoint, snapshot.table, snapshot.slot, snapshot.count, snapshot.sha256.description,
              Data(snapshot.bytes),
            ])
        }
      }
    }
  }

  /// Folds the log into the file, as far as readers allow: it waits for none. What was written is on the disk already.
  public func sync() throws {
    try Self.explaining(path) {
      try queue.writeWithoutTransaction { _ = try Row.fetchOne($0, sql: "PRAGMA wal_checkpoint(PASSIVE)") }
    }
  }

  /// Drops versions whose checkpoint never got into the catalogue.
  public func keep(_ committed: [Int]) throws {
    let numbers = String(decoding: try JSONEncoder().encode(committed), as: UTF8.self)
    try Self.explaining(path) {
      try queue.write {
        try $0.execute(
          sql: "DELETE FROM slots WHERE checkpoint NOT IN (SELECT value FROM json_each(?))", arguments: [numbers])
      }
    }
  }

  /// Drops versions that none of these checkpoints needs.
  ///
  /// - Parameter kept: numbers; the greatest is that of the last committed one. Later versions stay as they are.
  public func prune(keeping kept: [Int]) throws {
    guard let last = kept.max() else { return }
    let numbers = String(decoding: try JSONEncoder().encode(kept), as: UTF8.self)
    try Self.explaining(path) {
      try queue.write {
        guard try Int.fetchOne($0, sql: "SELECT checkpoint FROM pruned") ?? -1 <= last else { return }
        try $0.execute(
          sql: """
            DELETE FROM slots WHERE checkpoint < ? AND NOT EXISTS (
              SELECT 1 FROM json_each(?) WHERE slots.checkpoint = (
                SELECT MAX(other.checkpoint) FROM slots AS other
                WHERE other.table_number = slots.table_number AND other.slot = slots.slot
                  AND other.checkpoint <= json_each.value))
            """, arguments: [last, numbers])
        try $0.execute(sql: "UPDATE pruned SET checkpoint = ?, kept = ?", arguments: [last, numbers])
      }
    }
  }
}
