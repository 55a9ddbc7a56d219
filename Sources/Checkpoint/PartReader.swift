import Foundation
import GRDB
import Sharding

/// Reads a server's part of a checkpoint, and believes nothing of it that the manifest does not say.
final class PartReader {
  let part: CheckpointPart
  private let queue: DatabaseQueue

  /// Opens a part and checks its list of slots against the manifest. Once this has returned the part can be read to its end, even
  /// if the run drops it meanwhile.
  ///
  /// - Parameter header: what it must say of itself.
  /// - Throws: `CheckpointError`.
  init(_ part: CheckpointPart, _ header: PartHeader) throws {
    self.part = part
    guard FileManager.default.fileExists(atPath: part.path) else {
      throw CheckpointError.missing(path: part.path, checkpoint: header.checkpoint)
    }
    var configuration = Configuration()
    configuration.readonly = true
    queue = try CheckpointError.explaining(part.path) {
      let queue = try DatabaseQueue(path: part.path, configuration: configuration)
      try queue.read { try Self.check($0, part, header) }
      return queue
    }
  }

  private static func check(_ database: Database, _ part: CheckpointPart, _ wanted: PartHeader) throws {
    let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    guard found == PartWriter.version else { throw CheckpointError.otherVersion(path: part.path, found: found) }
    guard let row = try Row.fetchOne(database, sql: "SELECT * FROM part") else {
      throw CheckpointError.otherPart(path: part.path, is: "not finished", wanted: describe(wanted))
    }
    let altered = CheckpointError.altered(path: part.path, checkpoint: wanted.checkpoint)
    guard let run: Int64 = row.value("run"), let checkpoint: Int = row.value("checkpoint"),
      let clock: Int64 = row.value("clock"), let server: Int = row.value("server")
    else { throw altered }
    let header = PartHeader(
      run: UInt64(bitPattern: run), checkpoint: checkpoint, clock: UInt64(clamping: clock), base: row.value("base"),
      server: server)
    guard header == wanted else {
      let isOtherRun = header.run != wanted.run
      throw CheckpointError.otherPart(
        path: part.path, is: describe(header) + (isOtherRun ? " of another run" : ""), wanted: describe(wanted))
    }
    var sum = PartSum(header)
    let slots = try Row.fetchCursor(database, sql: "SELECT place, rows, length(blob) AS bytes, xxh3 FROM slots")
    while let slot = try slots.next() {
      guard let place: Int = slot.value("place"), let rows: Int = slot.value("rows"),
        let bytes: Int = slot.value("bytes"), let checksum: Int64 = slot.value("xxh3")
      else { throw altered }
      sum.add(place: place, rows: rows, bytes: bytes, checksum: UInt64(bitPattern: checksum))
    }
    guard sum.part(at: part.path) == part else { throw altered }
  }

  private static func describe(_ header: PartHeader) -> String {
    "server-\(header.server)'s part of checkpoint \(header.checkpoint), step \(header.clock)"
      + (header.base.map { ", standing on checkpoint \($0)" } ?? "")
  }

  /// The places of its slots, ascending.
  func places() throws -> [Int] {
    try CheckpointError.explaining(part.path) {
      try queue.read { try Int.fetchAll($0, sql: "SELECT place FROM slots ORDER BY place") }
    }
  }

  /// Reads one of its slots.
  func slot(at place: Int) throws -> SlotSnapshot {
    let (table, slot) = (place / Rank.slots, place % Rank.slots)
    func damaged(_ reason: String) -> CheckpointError {
      .damagedSlot(path: part.path, table: table, slot: slot, reason: reason)
    }
    return try CheckpointError.explaining(part.path) {
      try queue.unsafeRead { database in
        let statement = try database.cachedStatement(sql: "SELECT xxh3, blob FROM slots WHERE place = ?")
        guard let row = try Row.fetchOne(statement, arguments: [place]) else { throw damaged("it is not there") }
        guard let checksum: Int64 = row.value("xxh3"), let blob: Data = row.value("blob") else {
          throw damaged("it is empty")
        }
        let bytes = [UInt8](blob)
        guard SlotSnapshot.checksum(bytes) == UInt64(bitPattern: checksum) else {
          throw damaged("its checksum differs")
        }
        do {
          return try SlotSnapshot(bytes, table: table, slot: slot)
        } catch let error as SnapshotError {
          throw damaged("\(error)")
        }
      }
    }
  }
}

extension Row {
  /// A value of a file that may have been tampered with; nil where it is none of this type.
  fileprivate func value<Value: DatabaseValueConvertible>(_ column: String) -> Value? {
    (self[column] as DatabaseValue?).flatMap { Value.fromDatabaseValue($0) }
  }
}
