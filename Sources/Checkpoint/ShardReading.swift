import Foundation
import GRDB
import Sharding

extension ShardDatabase {
  private struct Place: Hashable, Comparable {
    var table: Int
    var slot: Int

    static func < (left: Place, right: Place) -> Bool { (left.table, left.slot) < (right.table, right.slot) }
  }

  private struct Version {
    var checkpoint: Int
    var file: Int
  }

  /// Reads the newest version of every wanted slot that one of the checkpoints wrote, over all files of a run: it may have been
  /// written by other servers than read it.
  ///
  /// Each file is read in one transaction: what was there when reading began is there to its end, whatever a run that
  /// still trains drops meanwhile.
  ///
  /// - Parameter body: takes a slot's bytes, in ascending order of tables and slots, and the file they are from.
  /// - Throws: `CheckpointError`; `dropped` where the run had not kept the checkpoint when reading began.
  public static func read(
    _ paths: [String], checkpoints: [Int], wanted: (_ slot: Int) -> Bool,
    body: (_ path: String, _ table: Int, _ slot: Int, _ blob: [UInt8]) throws -> Void
  ) throws {
    var configuration = Configuration()
    configuration.readonly = true
    // Several servers may open the same file at the same moment.
    configuration.busyMode = .timeout(10)
    let numbers = String(decoding: try JSONEncoder().encode(checkpoints), as: UTF8.self)
    let queues = try paths.map { path in
      try explaining(path) { try DatabaseQueue(path: path, configuration: configuration) }
    }
    try withSnapshots(of: queues[...], paths: paths[...], opened: []) { databases in
      var newest: [Place: Version] = [:]
      for (file, database) in databases.enumerated() {
        let found = try explaining(paths[file]) {
          try versions(
            in: database, path: paths[file], checkpoints: numbers, last: checkpoints.max() ?? -1, wanted: wanted)
        }
        for (place, number) in found where number > newest[place]?.checkpoint ?? -1 {
          newest[place] = Version(checkpoint: number, file: file)
        }
      }
      for (place, version) in newest.sorted(by: { $0.key < $1.key }) {
        let path = paths[version.file]
        let bytes = try explaining(path) {
          try blob(at: place, checkpoint: version.checkpoint, in: databases[version.file], path: path)
        }
        try body(path, place.table, place.slot, bytes)
      }
    }
  }

  /// Holds a read transaction in every file while `body` runs.
  private static func withSnapshots(
    of queues: ArraySlice<DatabaseQueue>, paths: ArraySlice<String>, opened: [Database],
    _ body: ([Database]) throws -> Void
  ) throws {
    guard let queue = queues.first, let path = paths.first else { return try body(opened) }
    try explaining(path) {
      try queue.read { database in
        // The transaction begins with the first look.
        try checkVersion(database, path: path)
        _ = try Int.fetchOne(database, sql: "SELECT checkpoint FROM pruned")
        try withSnapshots(of: queues.dropFirst(), paths: paths.dropFirst(), opened: opened + [database], body)
      }
    }
  }

  /// The newest version that counts of each wanted slot of a file.
  ///
  /// - Parameter checkpoints: as JSON.
  private static func versions(
    in database: Database, path: String, checkpoints: String, last checkpoint: Int, wanted: (Int) -> Bool
  ) throws -> [(Place, Int)] {
    let row = try Row.fetchOne(database, sql: "SELECT checkpoint, kept FROM pruned")
    let pruned = row.map { $0["checkpoint"] as Int } ?? -1
    let kept = try row.map { try JSONDecoder().decode([Int].self, from: Data(($0["kept"] as String).utf8)) } ?? []
    guard pruned <= checkpoint || kept.contains(checkpoint) else {
      throw CheckpointError.dropped(path: path, checkpoint: checkpoint, prunedFor: pruned)
    }
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT table_number, slot, MAX(CASE WHEN checkpoint IN (SELECT value FROM json_each(?)) THEN checkpoint END)
        FROM slots GROUP BY table_number, slot
        """, arguments: [checkpoints])
    var found: [(Place, Int)] = []
    while let row = try rows.next() {
      let place = Place(table: row[0], slot: row[1])
      guard wanted(place.slot) else { continue }
      let newest: Int? = row[2]
      if let number = newest { found.append((place, number)) }
    }
    return found
  }

  private static func blob(at place: Place, checkpoint: Int, in database: Database, path: String) throws -> [UInt8] {
    let statement = try database.cachedStatement(
      sql: "SELECT sha256, blob FROM slots WHERE table_number = ? AND slot = ? AND checkpoint = ?")
    func damaged(_ reason: String) -> CheckpointError {
      .damagedSlot(path: path, table: place.table, slot: place.slot, reason: reason)
    }
    guard let row = try Row.fetchOne(statement, arguments: [place.table, place.slot, checkpoint]) else {
      throw damaged("the file's index names it, but it is not there")
    }
    guard let sha256 = row[0] as String?, let blob = row[1] as Data? else { throw damaged("it is empty") }
    let bytes = [UInt8](blob)
    guard SHA256.hash(bytes).description == sha256 else { throw damaged("its SHA-256 differs") }
    return bytes
  }
}
