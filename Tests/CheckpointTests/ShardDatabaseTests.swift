import Foundation
import Testing

@testable import ParamServer
@testable import Wire

@Suite("Snapshots and shard files")
struct CheckpointTests {
  private let keys = sorted(0..<400)

  /// Servers that have trained `steps` steps.
  private func trained(servers: Int, steps: Int = 3) throws -> [ServerCore] {
    var cores = try (0..<servers).map { try ServerCore(assign(server: $0, of: servers)) }
    for server in cores.indices { train(&cores[server], steps: 0..<steps) }
    return cores
  }

  private func train(_ core: inout ServerCore, steps: Range<Int>) {
    let own = keys.filter { core.owns(slot: SlotOrder.slot(of: $0)) }
    for step in steps {
      let values = own.flatMap { key in (0..<3).map { Float((Int(key) + $0 * 7 + step) % 11) - 5 } }
      let effects = core.receive(push(own, values, clock: UInt64(step)), from: somePeer)
      #expect(effects.isEmpty)
    }
  }

  private func write(_ core: ServerCore, checkpoint: Int, to path: String) throws {
    let database = try ShardDatabase(path: path)
    var writer = CheckpointWriter(number: checkpoint, core: core)
    while try !writer.writeSome(of: core, to: database) {}
  }

  private func snapshot() throws -> SlotSnapshot {
    let core = try trained(servers: 1)[0]
    let place = core.dirtySlots[0]
    return core.snapshot(table: place.table, slot: place.slot)
  }

  @Test("A snapshot reads back as it was written")
  func roundTrip() throws {
    let written = try snapshot()
    let read = try SlotSnapshot(
      written.bytes, table: 0, slot: written.slot, width: written.width, stride: written.stride)
    #expect(read.count == written.count && read.bytes == written.bytes && read.sha256 == written.sha256)
  }

  @Test("A snapshot cut short anywhere is refused")
  func truncated() throws {
    let written = try snapshot()
    for count in 0..<written.bytes.count {
      #expect(throws: SnapshotError.self) {
        try SlotSnapshot(
          Array(written.bytes[..<count]), table: 0, slot: written.slot, width: written.width, stride: written.stride)
      }
    }
  }

  @Test("A snapshot of another table, slot or width is refused")
  func otherTable() throws {
    let it = try snapshot()
    #expect(throws: SnapshotError.self) { try SlotSnapshot(it.bytes, table: 1, slot: it.slot, width: 3, stride: 10) }
    #expect(throws: SnapshotError.self) {
      try SlotSnapshot(it.bytes, table: 0, slot: it.slot + 1, width: 3, stride: 10)
    }
    #expect(throws: SnapshotError.self) { try SlotSnapshot(it.bytes, table: 0, slot: it.slot, width: 4, stride: 10) }
    #expect(throws: SnapshotError.self) { try SlotSnapshot(it.bytes, table: 0, slot: it.slot, width: 3, stride: 11) }
  }

  @Test("A flipped byte in the file is found, and the error names file, table and slot")
  func flippedByte() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "server-0.sqlite").path
      try write(try trained(servers: 1)[0], checkpoint: 1, to: path)
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
      // The last byte of some row's blob: blobs start with their magic.
      let magic = Array("SLOT".utf8)
      let place = bytes.indices.dropLast(4).last { Array(bytes[$0..<$0 + 4]) == magic }!
      bytes[place + 40] ^= 1
      try Data(bytes).write(to: URL(filePath: path))
      let error = #expect(throws: ServerError.self) {
        try ShardDatabase.read([path], checkpoint: 1, wanted: { _ in true }) { _, _, _, _ in }
      }
      let sentence = error.map { "\($0)" } ?? ""
      #expect(sentence.contains(path) && sentence.contains("slot") && sentence.contains("table 0"))
    }
  }

  @Test("A file that is not there is named in the error")
  func missingFile() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "server-9.sqlite").path
      let error = #expect(throws: ServerError.self) {
        try ShardDatabase.read([path], checkpoint: 1, wanted: { _ in true }) { _, _, _, _ in }
      }
      #expect(error.map { "\($0)".contains(path) } == true)
    }
  }

  @Test("Pruning keeps what the committed checkpoint needs")
  func prune() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "server-0.sqlite").path
      var core = try trained(servers: 1)[0]
      try write(core, checkpoint: 1, to: path)
      train(&core, steps: 3..<4)
      try write(core, checkpoint: 2, to: path)
      train(&core, steps: 4..<5)
      try write(core, checkpoint: 3, to: path)
      let database = try ShardDatabase(path: path)
      try database.prune(committed: 2)
      func count(_ checkpoint: Int) throws -> Int {
        var count = 0
        try ShardDatabase.read([path], checkpoint: checkpoint, wanted: { _ in true }) { _, _, _, _ in count += 1 }
        return count
      }
      #expect(try count(1) == 0)
      #expect(try count(2) == core.digests().count)
      #expect(try count(3) == core.digests().count)
    }
  }
}
