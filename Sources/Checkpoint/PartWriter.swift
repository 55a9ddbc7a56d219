import Foundation
import GRDB
import Sharding

/// Writes a server's part of a checkpoint: a SQLite file of its own, `shards/server-<n>/checkpoint-<number>.sqlite`.
///
/// | table | a row is |
/// |---|---|
/// | `part` | one row: the run, the checkpoint, its clock, the checkpoint that it stands on (`base`; NULL: it holds all rows), the server, and the SHA-256 of these and of all slots' checksums, as the catalogue's manifest has it |
/// | `slots` | a slot that the part has something of: table and slot number, how many rows, the XXH3 checksum of the blob, and the blob (`SlotSnapshot`); `place` is table · 2¹⁴ + slot |
///
/// Nobody reads a part before the catalogue names it, and nobody writes it any more then: it needs neither journal nor log, and is
/// dropped by removing the file. What a checkpoint cost is one sequential write.
public final class PartWriter {
  public let path: String
  private var sum: PartSum
  /// Whose it is, and of what.
  public var header: PartHeader { sum.header }
  private let queue: DatabaseQueue

  /// The format of the file and of the snapshots in it.
  public static let version = 7

  /// Begins a part in a server's directory, which is made if it is not there. What an earlier try left is gone.
  public init(in folder: String, _ header: PartHeader) throws {
    path = folder + "/" + header.name
    sum = PartSum(header)
    try? FileManager.default.removeItem(atPath: path)
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw CheckpointError.file(path: folder, reason: error.localizedDescription)
    }
    var configuration = Configuration()
    configuration.prepareDatabase {
      try $0.execute(
        sql: """
          PRAGMA page_size = 32768; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
          PRAGMA locking_mode = EXCLUSIVE
          """)
    }
    queue = try CheckpointError.explaining(path) { [path] in
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.write {
        try $0.execute(
          sql: """
            CREATE TABLE part (
              run INTEGER NOT NULL, checkpoint INTEGER NOT NULL, clock INTEGER NOT NULL, base INTEGER,
              server INTEGER NOT NULL, sha256 TEXT NOT NULL);
            CREATE TABLE slots (
              place INTEGER PRIMARY KEY, table_number INTEGER NOT NULL, slot INTEGER NOT NULL, rows INTEGER NOT NULL,
              xxh3 INTEGER NOT NULL, blob BLOB NOT NULL);
            PRAGMA user_version = \(Self.version);
            """)
      }
      return queue
    }
  }

  /// Appends some slots, each of which comes once.
  public func write(_ snapshots: [SlotSnapshot]) throws {
    try CheckpointError.explaining(path) {
      try queue.write { database in
        let statement = try database.cachedStatement(sql: "INSERT INTO slots VALUES (?, ?, ?, ?, ?, ?)")
        for snapshot in snapshots {
          let checksum = snapshot.checksum
          sum.add(place: snapshot.place, rows: snapshot.count, bytes: snapshot.bytes.count, checksum: checksum)
          try snapshot.bytes.withUnsafeBytes { bytes in
            // SQLite copies the bytes into its page before the statement returns.
            let blob = Data(
              bytesNoCopy: UnsafeMutableRawPointer(mutating: bytes.baseAddress!), count: bytes.count, deallocator: .none
            )
            try statement.execute(
              arguments: [
                snapshot.place, snapshot.table, snapshot.slot, snapshot.count, Int64(bitPattern: checksum), blob,
              ])
          }
        }
      }
    }
  }

  /// Completes the part: when this returns it is on the disk.
  public func finish() throws -> CheckpointPart {
    let part = sum.part(at: path)
    let header = sum.header
    try CheckpointError.explaining(path) {
      try queue.write {
        try $0.execute(
          sql: "INSERT INTO part VALUES (?, ?, ?, ?, ?, ?)",
          arguments: [
            Int64(bitPattern: header.run), header.checkpoint, Int64(header.clock), header.base, header.server,
            part.digest.description,
          ])
      }
      try queue.close()
    }
    for path in [path, (path as NSString).deletingLastPathComponent] { try Self.sync(path) }
    return part
  }

  private static func sync(_ path: String) throws {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    defer { if file >= 0 { close(file) } }
    guard file >= 0, fsync(file) == 0 else {
      throw CheckpointError.file(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// Gives the part up: nothing of it is left.
  public func abandon() {
    try? queue.close()
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Removes from a server's directory the parts of checkpoints that are not kept.
  public static func clear(_ folder: String, keeping kept: [Int]) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names {
      guard let number = PartHeader.checkpoint(ofName: name), !kept.contains(number) else { continue }
      try? FileManager.default.removeItem(atPath: folder + "/" + name)
    }
  }
}
