import Checkpoint
import Foundation
import ParamServer
import Sharding
import Testing
import Wire

@Suite("Restoring")
struct RestoreTests {
  private let pool = (0..<300).map { rank($0 * 54, UInt64($0 % 7)) }

  private func train(_ rig: Rig, server: Int, of servers: Int, steps: Range<UInt64>) throws {
    let owners = SlotMap(servers: servers).owners()
    let own = pool.filter { Int(owners[Rank.slot(of: $0)]) == server }
    for step in steps {
      let values = own.flatMap { rank -> [Float] in
        let place = UInt64(Rank.slot(of: rank)) + step
        return (0..<3).map { Float((place + $0 * 7) % 11) - 5 }
      }
      #expect(rig.clock == step)
      try rig.train(own, values, group: server)
    }
  }

  /// Hands over stored slots as the edge does, and returns what the server says to it.
  private func restore(
    _ rig: Rig, _ assignment: ServerAssignment, from stored: [(path: String, slots: [SlotBytes])]
  ) throws -> [ServerReport] {
    let effects = rig.order(.adopt(assignment), view: 1)
    guard case .open(let path, kept: _)? = effects.dropFirst().first,
      case .read(let restore, let wanted)? = effects.last
    else {
      Issue.record("\(effects)")
      return []
    }
    #expect(path == assignment.folder && .restored(restore) == assignment.start && effects.count == 3)
    for (path, slots) in stored {
      for slot in slots where wanted.contains(where: { $0.contains(slot.slot) }) {
        #expect(rig.tell(.slot(.init(path: path, table: slot.table, slot: slot.slot, bytes: slot.bytes))).isEmpty)
      }
    }
    return rig.tell(.restored).reports
  }

  private func digests(_ rigs: [Rig]) throws -> [SlotDigest] {
    try rigs.flatMap { try $0.digests() }.sorted { ($0.table, $0.slot) < ($1.table, $1.slot) }
  }

  @Test("A run goes on with the same bits on any number of servers", arguments: [1, 2, 3], [1, 2, 3])
  func otherServers(before: Int, after: Int) throws {
    let whole = try Rig.serving()
    try train(whole, server: 0, of: 1, steps: 0..<6)
    var stored: [(path: String, slots: [SlotBytes])] = []
    for server in 0..<before {
      let rig = try Rig.serving(assign(server: server, of: before))
      try train(rig, server: server, of: before, steps: 0..<3)
      stored.append((path: "server-\(server)", slots: try rig.checkpoint(number: 1)))
    }
    let rigs = try (0..<after).map { server in
      let rig = try Rig.welcomed()
      let assignment = restoring(1, stored.map(\.path), clock: 3, server: server, of: after)
      guard case .adopted? = try self.restore(rig, assignment, from: stored).first else { throw Missing() }
      try train(rig, server: server, of: after, steps: 3..<6)
      return rig
    }
    #expect(try digests(rigs) == whole.digests())
  }

  @Test("Another model starts from one table's parameters, with an optimizer of its own, at the first step")
  func startFromAnotherModel() throws {
    let tables = [describeTable(), describeTable(width: 4)]
    let source = try Rig.serving(assign(tables: tables))
    for table in 0..<2 {
      _ = source.ask(push([rank(1), rank(2)], [Float](repeating: 1, count: 6 + 2 * table), table: table))
    }
    let slots = try source.checkpoint(number: 1)
    var other = tables
    other[0].optimizer.rule = .ftrl(beta: 1, l1: 0, l2: 0)
    other[1].regions[0].columns[1].width = 9
    let rig = try Rig.welcomed()
    let effects = rig.order(.adopt(restoring(1, ["a"], clock: 0, tables: other, onlyParametersOf: [0])), view: 1)
    guard case .open(folder: "own", kept: [])? = effects.dropFirst().first else {
      Issue.record("a run of its own keeps nothing of its file")
      return
    }
    for slot in slots {
      #expect(rig.tell(.slot(.init(path: "a", table: slot.table, slot: slot.slot, bytes: slot.bytes))).isEmpty)
    }
    #expect(rig.tell(.restored).reports.count == 1 && rig.clock == 0)
    #expect(try rig.digests() == source.digests().filter { $0.table == 0 })
    #expect(try rig.checkpoint(number: 1).count == 2, "the next checkpoint writes what came from elsewhere")
  }

  @Test("What was restored is in the committed checkpoints: the next one leaves it out, until a step changes it")
  func restoredSlots() throws {
    let source = try Rig.serving()
    try train(source, server: 0, of: 1, steps: 0..<1)
    let slots = try source.checkpoint(number: 2)
    let rig = try Rig.welcomed()
    let stored = [(path: "own", slots: Array(slots[..<100])), (path: "other", slots: Array(slots[100...]))]
    #expect(try self.restore(rig, restoring(2, ["own", "other"], clock: 1), from: stored).count == 1)
    #expect(try rig.checkpoint(number: 3, since: 1).isEmpty)
    try rig.train([pool[7]], [1, 1, 1])
    #expect(try rig.checkpoint(number: 4, since: 1).map(\.slot) == [Rank.slot(of: pool[7])])
    #expect(try rig.checkpoint(number: 5).count == slots.count)
  }

  @Test("A server keeps of its own files those of checkpoints that are kept", arguments: [[], [5], [2, 5, 9]])
  func opening(kept: [Int]) throws {
    let rig = try Rig.welcomed()
    let effects = rig.order(.adopt(assign(kept: kept)), view: 1)
    guard case .open(folder: "own", kept)? = effects.dropFirst().first else {
      Issue.record("\(effects)")
      return
    }
  }

  @Test("A view that goes back again reads anew, and what was being read before it is none of its slots")
  func twoRestores() throws {
    let source = try Rig.serving()
    try train(source, server: 0, of: 1, steps: 0..<3)
    let slots = try source.checkpoint(number: 1)
    let rig = try Rig.welcomed()
    _ = rig.order(.adopt(restoring(1, ["a"], clock: 3, server: 0, of: 2)), view: 1)
    _ = rig.tell(.slot(.init(path: "a", table: 0, slot: slots[0].slot, bytes: slots[0].bytes)))
    #expect(try rig.propose(2).view == 0, "what is not all there is not held")
    _ = rig.order(.adopt(restoring(1, ["a"], clock: 3)), view: 2)
    for slot in slots[1..<5] {
      #expect(rig.tell(.slot(.init(path: "a", table: slot.table, slot: slot.slot, bytes: slot.bytes))).isEmpty)
    }
    #expect(rig.tell(.restored).isEmpty, "that was the first reading's end")
    #expect(rig.ask(pull([], clock: 3)).refusals == [.notYet])
    for slot in slots {
      #expect(rig.tell(.slot(.init(path: "a", table: slot.table, slot: slot.slot, bytes: slot.bytes))).isEmpty)
    }
    #expect(rig.tell(.restored).reports.count == 1)
    #expect(try rig.digests() == source.digests())
  }

  @Test("A server reads the slots that it holds, and beats while it does")
  func wanted() throws {
    let rig = try Rig.welcomed()
    let effects = rig.order(.adopt(restoring(5, ["a"], clock: 8, server: 1, of: 2)), view: 1)
    guard case .read(let restore, ofSlots: [8192..<16_384])? = effects.last,
      restore.chain.flatMap(\.parts).map(\.path) == ["a"]
    else {
      Issue.record("\(effects)")
      return
    }
    #expect(try rig.beat().activity == Activity(.restoring))
  }

  enum Damage: CaseIterable { case cut, magic, otherTable, otherSlot, descending, noTable, empty }

  @Test("A damaged slot ends the server, which names file, table and slot", arguments: Damage.allCases)
  func damaged(damage: Damage) throws {
    let source = try Rig.serving()
    try source.train([rank(7), rank(7, 1)], [1, 2, 3, 4, 5, 6])
    var slot = try #require(try source.checkpoint(number: 1).first)
    switch damage {
    case .cut: slot.bytes.removeLast()
    case .magic: slot.bytes[0] ^= 1
    case .otherTable: slot.bytes[8] ^= 1
    case .otherSlot: slot.slot = 8
    // The first row's rank is above the second's.
    case .descending: slot.bytes[56] = 9
    case .noTable: slot.table = 1
    case .empty: slot.bytes = []
    }
    let rig = try Rig.welcomed()
    _ = rig.order(.adopt(restoring(1, ["a.sqlite"], clock: 1)), view: 1)
    let effects = rig.tell(.slot(.init(path: "a.sqlite", table: slot.table, slot: slot.slot, bytes: slot.bytes)))
    #expect(effects.hasEnded && effects.told.first?.message.name == "failed")
    let sentence = effects.error?.description ?? ""
    #expect(sentence.hasPrefix("a.sqlite: slot \(slot.slot) of table \(slot.table) is damaged"))
    #expect(rig.tell(.restored).isEmpty)
  }

  @Test("What is written to files and read from them again is the same")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "parts-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let source = try Rig.serving(assign(folder: folder))
    var chain: [CheckpointFiles] = []
    for number in 1...3 {
      let clock = UInt64(number)
      try train(source, server: 0, of: 1, steps: clock - 1..<clock)
      guard case .held? = source.hold(number, at: clock, since: number > 1 ? clock - 1 : nil).reports.first else {
        throw Missing()
      }
      #expect(source.order(.write(checkpoint: number)).isEmpty)
      var writer: PartWriter?
      while source.hasLongWork {
        for effect in source.tell(.turn) {
          switch effect {
          case .write(let slots, let header):
            writer = try writer ?? PartWriter(in: folder, header)
            try writer!.write(slots)
            _ = source.tell(.written(checkpoint: number))
          case .finish(let header):
            let part = try writer!.finish()
            #expect(source.tell(.finished(checkpoint: number, part)).reports.count == 1)
            chain.append(CheckpointFiles(number: number, clock: header.clock, base: header.base, parts: [part]))
          default: Issue.record("\(effect)")
          }
        }
      }
    }
    var slots: [SlotBytes] = []
    try CheckpointReading.read(run: Rig.run, Array(chain[..<2])) { slots.append(SlotBytes($1)) }
    let rig = try Rig.welcomed()
    #expect(try self.restore(rig, restoring(2, ["a"], clock: 2, folder: folder), from: [("a", slots)]).count == 1)
    try train(rig, server: 0, of: 1, steps: 2..<3)
    #expect(try rig.digests() == source.digests())
  }
}
