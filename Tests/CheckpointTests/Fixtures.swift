import Checkpoint
import Foundation
import Sharding

/// A slot of `width` 3 and `stride` 10 with some rows and candidates, whose floats tell row and `version`.
func makeSlot(
  _ slot: Int, table: Int = 0, rows: [Int] = Array(0..<5), candidates: [Int] = [0, 1], version: Int = 0,
  earliest: UInt64 = 0
) -> SlotSnapshot {
  var snapshot = SlotSnapshot(table: table, slot: slot, width: 3, stride: 10, earliest: earliest)
  for row in rows {
    snapshot.append(
      Rank.first(ofSlot: slot) + UInt64(row) * 7, (0..<10).map { Float(slot * 100 + row * 10 + $0 + version) })
  }
  for row in candidates {
    snapshot.append(
      Rank.first(ofSlot: slot) + UInt64(row) * 7 + 1, .init(sightings: UInt32(row + 1), changedAt: UInt32(row + 5)))
  }
  return snapshot
}

/// A part of slots.
func writePart(
  _ slots: [SlotSnapshot], of number: Int, base: Int? = nil, server: Int = 0, run: UInt64 = 7, in directory: URL
) throws -> CheckpointPart {
  let header = PartHeader(run: run, checkpoint: number, clock: UInt64(number), base: base, server: server)
  let writer = try PartWriter(in: directory.appending(path: "server-\(server)").path, header)
  for slot in slots { try writer.write([slot]) }
  return try writer.finish()
}

/// All slots of the last of a chain of checkpoints, by table and slot; the first holds all rows.
func readAll(_ chain: [(number: Int, parts: [CheckpointPart])], run: UInt64 = 7) throws -> [[Int]: SlotSnapshot] {
  var slots: [[Int]: SlotSnapshot] = [:]
  var base: Int?
  let files = chain.map { number, parts in
    defer { base = number }
    return CheckpointFiles(number: number, clock: UInt64(number), base: base, parts: parts)
  }
  try CheckpointReading.read(run: run, files) { slots[[$1.table, $1.slot]] = $1 }
  return slots
}

func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
  let directory = FileManager.default.temporaryDirectory.appending(path: "checkpoint-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  try body(directory)
}
