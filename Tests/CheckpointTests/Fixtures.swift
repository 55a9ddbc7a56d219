import Checkpoint
import Foundation
import Sharding

/// A slot of `width` 3 and `stride` 10 with `rows` rows, whose floats tell rank and `version`.
func makeSlot(
  _ slot: Int, table: Int = 0, rows: Int = 5, candidates: Int = 2, version: Int = 0, earliest: UInt64 = 0
) -> SlotSnapshot {
  var snapshot = SlotSnapshot(table: table, slot: slot, width: 3, stride: 10, earliest: earliest, reservingRows: rows)
  for row in 0..<rows {
    snapshot.append(
      Rank.first(ofSlot: slot) + UInt64(row) * 7, (0..<10).map { Float(slot * 100 + row * 10 + $0 + version) })
  }
  for row in 0..<candidates {
    snapshot.append(candidate: Rank.first(ofSlot: slot) + UInt64(row) * 7 + 1, sightings: UInt32(row + 1))
  }
  return snapshot
}

/// All slots as of the last of some checkpoints, by table and slot.
func readAll(_ paths: [String], checkpoints: ClosedRange<Int>) throws -> [[Int]: [UInt8]] {
  var slots: [[Int]: [UInt8]] = [:]
  try ShardDatabase.read(paths, checkpoints: Array(checkpoints), wanted: { _ in true }) { _, table, slot, bytes in
    slots[[table, slot]] = bytes
  }
  return slots
}

func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
  let directory = FileManager.default.temporaryDirectory.appending(path: "checkpoint-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  try body(directory)
}
