import Checkpoint
import Foundation
import Sharding
import Testing

@testable import ParamServer
@testable import Wire

@Suite("Restoring")
struct RestoreTests {
  private let keys = sorted(0..<400)

  private func train(_ core: inout ServerCore, steps: Range<Int>) {
    let own = keys.filter { core.owns(slot: Rank.slot(of: Rank.of($0))) }
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

  private func restored(_ server: Int, of servers: Int, from paths: [String], checkpoint: Int, clock: UInt64)
    throws -> ServerCore
  {
    let core = try ServerCore(
      assign(
        server: server, of: servers, restore: .init(checkpoint: checkpoint, databases: paths, clock: clock)))
    try ShardDatabase.read(paths, checkpoint: checkpoint, wanted: core.owns) { _, table, slot, blob in
      try core.restore(blob, table: table, slot: slot, isDirty: true)
    }
    return core
  }

  private func digests(_ cores: [ServerCore]) -> [SlotDigest] {
    cores.flatMap { $0.digests() }.sorted { ($0.table, $0.slot) < ($1.table, $1.slot) }
  }

  @Test("A run goes on with the same bits on any number of servers", arguments: [1, 2, 3], [1, 2, 3])
  func otherServers(before: Int, after: Int) throws {
    try withTemporaryDirectory { directory in
      var whole = try ServerCore(assign())
      train(&whole, steps: 0..<6)
      var paths: [String] = []
      for server in 0..<before {
        var core = try ServerCore(assign(server: server, of: before))
        train(&core, steps: 0..<3)
        paths.append(directory.appending(path: "server-\(server).sqlite").path)
        try write(core, checkpoint: 1, to: paths[server])
        // Written, but never committed: not restored.
        train(&core, steps: 3..<4)
        try write(core, checkpoint: 2, to: paths[server])
      }
      let cores = try (0..<after).map { server in
        var core = try restored(server, of: after, from: paths, checkpoint: 1, clock: 3)
        train(&core, steps: 3..<6)
        return core
      }
      #expect(digests(cores) == whole.digests())
    }
  }

  @Test("Another model starts from a checkpoint's parameters, with an optimizer of its own")
  func startFromAnotherModel() throws {
    var assignment = assign()
    var source = try ServerCore(assignment)
    _ = source.receive(push(sorted([1, 2, 3]), [Float](repeating: 1, count: 9)), from: somePeer)
    assignment.tables[0].optimizer.rule = .ftrl(beta: 1, l1: 0, l2: 0)
    let target = try ServerCore(assignment)
    for (table, slot) in source.dirtySlots where table == 0 {
      try target.start(from: source.snapshot(table: table, slot: slot).bytes, table: table, slot: slot)
    }
    #expect(target.digests() == source.digests() && !target.digests().isEmpty)
    #expect(target.dirtySlots.count == 3, "the next checkpoint writes what came from elsewhere")
  }

  @Test("Slots that came from another server's file are in the next checkpoint", arguments: [false, true])
  func movedSlotsAreDirty(isDirty: Bool) throws {
    var core = try ServerCore(assign())
    train(&core, steps: 0..<1)
    let target = try ServerCore(assign())
    for place in core.dirtySlots {
      try target.restore(
        core.snapshot(table: place.table, slot: place.slot).bytes, table: place.table, slot: place.slot,
        isDirty: isDirty)
    }
    #expect(target.dirtySlots.map(\.slot) == (isDirty ? core.dirtySlots.map(\.slot) : []))
  }
}
