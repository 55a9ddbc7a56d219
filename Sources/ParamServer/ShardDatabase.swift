import Foundation
import GRDB

/// A server's SQLite file: `shards/server-<n>.sqlite`.
///
/// Table `slots` has a row for each version of a slot: the checkpoint that wrote it, table and slot number, how many
/// rows of parameters it holds, the SHA-256 of the blob, and the blob (`SlotSnapshot`). A version counts only if its
/// checkpoint is in the run's catalogue.
final class ShardDatabase {
  let path: String
  private let queue: DatabaseQueue

  init(path: String) throws {
    self.path = path
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      // FULL: a commit is on the disk when it returns, whether or not a reader keeps the log from being folded in.
      try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    }
    queue = try Self.explaining(path) {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.write {
        try $0.execute(
          sql: """
            CREATE TABLE IF NOT EXISTS slots (
              checkpoint INTEGER NOT NULL, table_number INTEGER NOT NULL, slot INTEGER NOT NULL, rows INTEGER NOT NULL,
              sha256 TEXT NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (table_number, slot, checkpoint))
            """)
      }
      return queue
    }
  }

  private static func explaining<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch let error as DatabaseError {
      throw ServerError.database(path: path, reason: error.message ?? "SQLite error \(error.resultCode.rawValue)")
    }
  }

  /// Writes some slots of a checkpoint in a transaction of their own: nobody reads them before the catalogue says so.
  func write(_ snapshots: [SlotSnapshot], checkpoint: Int) throws {
    try Self.explaining(path) {
      try queue.write { database in
        let statement = try database.cachedStatement(sql: "INSERT OR REPLACE INTO slots VALUES (?, ?, ?, ?, ?, ?)")
        for snapshot in snapshots {
          try statement.execute(
            arguments: [
              checkpoint, snapshot.table, snapshot.slot, snapshot.count, snapshot.sha256, Data(snapshot.bytes),
            ])
        }
      }
    }
  }

  /// Folds the log into the file. What was written is on the disk already.
  func sync() throws {
    try Self.explaining(path) {
      try queue.writeWithoutTransaction { _ = try Row.fetchOne($0, sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
    }
  }

  /// Drops versions whose checkpoint never got into the catalogue, before their number is used again.
  func discard(newerThan committed: Int) throws {
    try Self.explaining(path) {
      try queue.write { try $0.execute(sql: "DELETE FROM slots WHERE checkpoint > ?", arguments: [committed]) }
    }
  }

  /// Drops versions that a committed one has replaced.
  func prune(committed: Int) throws {
    try Self.explaining(path) {
      try queue.write {
        try $0.execute(
          sql: """
            DELETE FROM slots WHERE checkpoint < (
              SELECT MAX(newer.checkpoint) FROM slots AS newer
              WHERE newer.table_number = slots.table_number AND newer.slot = slots.slot AND newer.checkpoint <= ?)
            """, arguments: [committed])
      }
    }
  }

  /// Reads the newest version not above `checkpoint` of every wanted slot, over all files of a run: it may have been
  /// written by another number of servers.
  static func read(
    _ paths: [String], checkpoint: Int, wanted: (_ slot: Int) -> Bool,
    body: (_ path: String, _ table: Int, _ slot: Int, _ blob: [UInt8]) throws -> Void
  ) throws {
    struct Place: Hashable {
      var table: Int
      var slot: Int
    }
    struct Version {
      var checkpoint: Int
      var file: Int
    }
    var configuration = Configuration()
    configuration.readonly = true
    // Several servers may open the same file at the same moment.
    configuration.busyMode = .timeout(10)
    var newest: [Place: Version] = [:]
    let queues = try paths.map { path in
      try explaining(path) { try DatabaseQueue(path: path, configuration: configuration) }
    }
    for (file, queue) in queues.enumerated() {
      try explaining(paths[file]) {
        try queue.read { database in
          let rows = try Row.fetchCursor(
            database,
            sql:
              "SELECT table_number, slot, MAX(checkpoint) FROM slots WHERE checkpoint <= ? GROUP BY table_number, slot",
            arguments: [checkpoint])
          while let row = try rows.next() {
            let place = Place(table: row[0], slot: row[1])
            let version = Version(checkpoint: row[2], file: file)
            if wanted(place.slot), version.checkpoint > newest[place]?.checkpoint ?? -1 { newest[place] = version }
          }
        }
      }
    }
    for (place, version) in newest.sorted(by: { ($0.key.table, $0.key.slot) < ($1.key.table, $1.key.slot) }) {
      let path = paths[version.file]
      let row = try explaining(path) {
        try queues[version.file].read {
          try Row.fetchOne(
            $0, sql: "SELECT sha256, blob FROM slots WHERE table_number = ? AND slot = ? AND checkpoint = ?",
            arguments: [place.table, place.slot, version.checkpoint])
        }
      }
      guard let row, let sha256 = row[0] as String?, let blob = row[1] as Data? else { continue }
      let bytes = [UInt8](blob)
      guard SHA256.hash(bytes) == sha256 else {
        throw ServerError.damagedSlot(path: path, table: place.table, slot: place.slot, reason: "its SHA-256 differs")
      }
      try body(path, place.table, place.slot, bytes)
    }
  }
}
