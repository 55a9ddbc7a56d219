import Sharding
import Testing
import Wire

@testable import ParamServer

@Suite("Slots that are copied to a server")
struct CopyTests {
  /// Server 1, to which server 0 copies slots of group 0.
  private static func shard() throws -> Shard {
    let map = try SlotMap(runs: [
      .init(first: 0, count: 16_383, homes: [0]), .init(first: 16_383, count: 1, homes: [1]),
    ])
    return try Shard(assign(server: 1, of: 2, slots: map), before: nil)
  }

  /// A slot with some rows, in parts.
  private static func copies(_ slot: Int, clock: UInt64, parts: Int = 3) throws -> [Copy] {
    var table = try Table(describeTable(), number: 0, seed: 1)
    table.apply((0..<8).map { rank(slot, $0) }, [Float](repeating: 1, count: 24))
    let bytes = table.snapshot(slot: slot).bytes
    let size = (bytes.count + parts - 1) / parts
    return (0..<parts).map { part in
      Copy(
        group: 0, table: 0, slot: slot, clock: clock, totals: StepTotals(rows: 5, lossSum: 1), part: part, parts: parts,
        bytes: Frame(Array(bytes[part * size..<min(bytes.count, (part + 1) * size)])))
    }
  }

  private static func root(_ clock: UInt64) -> Wire.Push {
    guard case .push(let push) = push([], [], clock: clock) else { fatalError("no push") }
    return push
  }

  @Test("A slot is there when all its parts are, in any order and however often they come")
  func parts() throws {
    var shard = try Self.shard()
    let copies = try Self.copies(7, clock: 4)
    for copy in [copies[2], copies[0], copies[2], copies[0]] {
      _ = try shard.take(copy, from: 0)
      #expect(shard.copies.isEmpty)
    }
    _ = try shard.take(copies[1], from: 0)
    let table = try #require(shard.copies[0]?.tables[0])
    #expect(table.clock == 4 && table.table.totals == StepTotals(rows: 5, lossSum: 1) && table.table.rowCount == 8)
    #expect(table.table.earliestReturn == 4 && table.table.slots(changedSince: 3) == [7])
    #expect(table.table.slots(changedSince: 4).isEmpty)
  }

  @Test("What comes again of a slot that is whole changes nothing, and is kept no longer than until the next clock")
  func repeated() throws {
    var shard = try Self.shard()
    let first = try Self.copies(7, clock: 4)
    for copy in first { _ = try shard.take(copy, from: 0) }
    let table = try #require(shard.copies[0]?.tables[0])
    let before = table.table.state
    for copy in first + first.dropLast() { _ = try shard.take(copy, from: 0) }
    #expect(table.table.state == before && shard.copyParts.count == 1)
    #expect(try table.follow(Self.root(4)).name == "pushed")
    #expect(table.advance(group: 0, table: 0).isEmpty && table.clock == 5)
    // A late one is acknowledged: it is in the state.
    #expect(try shard.take(first[0], from: 0).name == "pushed" && table.table.clock == 5)
    guard case .refusal(.notYet) = try shard.take(Self.copies(8, clock: 6)[0], from: 0) else { throw Missing() }
    for copy in try Self.copies(8, clock: 5) { _ = try shard.take(copy, from: 0) }
    #expect(shard.copyParts.isEmpty && table.table.rowCount == 16)
  }

  @Test("A copy that is of another's group, slot or table, or that is none, is refused")
  func refused() throws {
    var shard = try Self.shard()
    let copy = try Self.copies(7, clock: 4, parts: 1)[0]
    func refuses(_ giver: Int = 0, _ change: (inout Copy) -> Void) -> Bool {
      var other = copy
      change(&other)
      do { _ = try shard.take(other, from: giver) } catch { return true }
      return false
    }
    #expect(refuses(1) { _ in })
    #expect(refuses { $0.group = 1 } && refuses { $0.group = 2 } && refuses { $0.group = -1 })
    #expect(refuses { $0.table = 1 } && refuses { $0.slot = 16_383 })
    #expect(refuses { $0.bytes = frame([1]) } && refuses { $0.slot = 8 })
    #expect(shard.copies[0]?.served.allSatisfy { $0.table.rowCount == 0 } ?? true)
    #expect(!refuses { _ in })
  }
}
