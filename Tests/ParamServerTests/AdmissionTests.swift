import Checkpoint
import Foundation
import Sharding
import Testing
import Wire

@testable import ParamServer

struct AdmissionTests {
  private static func describe(_ sightings: Int, always: [UInt64] = []) -> TableDescription {
    var table = describeTable()
    table.admission = .init(sightings: sightings, always: always)
    return table
  }

  private static func core(_ sightings: Int, always: [UInt64] = [], restore: ServerAssignment.Restore? = nil) throws
    -> ServerCore
  {
    try ServerCore(assign(tables: [describe(sightings, always: always)], restore: restore))
  }

  private static func isAbsent(_ core: inout ServerCore, _ key: UInt64, clock: UInt64 = 0) -> Bool {
    let rows = core.receive(pull([key], clock: clock), from: somePeer).messages[0].floats
    return rows.withUnsafeBufferPointer { TableDescription.Admission.isAbsent($0.baseAddress!) }
  }

  @Test("A key gets its row after so many sightings, and not by being asked for", arguments: [2, 3, 7])
  func admission(sightings: Int) throws {
    var core = try Self.core(sightings)
    for step in 0..<UInt64(sightings) {
      #expect(Self.isAbsent(&core, 5, clock: step) && core.load.tables[0].rows == 0)
      _ = core.receive(push([5], [1, 0, 0], clock: step), from: somePeer)
    }
    #expect(!Self.isAbsent(&core, 5, clock: UInt64(sightings)) && core.load.tables[0].rows == 1)
    // From here on what is pushed is a gradient.
    let before = core.read([5])
    _ = core.receive(push([5], [1, 1, 1], clock: UInt64(sightings)), from: somePeer)
    #expect(core.read([5]) != before)
  }

  @Test("Sightings of one step count together; those of another key do not")
  func counting() throws {
    var core = try Self.core(5)
    let keys = sorted([1, 2])
    let counts: [Float] = keys[0] == 1 ? [4, 0, 0, 5, 0, 0] : [5, 0, 0, 4, 0, 0]
    _ = core.receive(push(keys, counts), from: somePeer)
    #expect(Self.isAbsent(&core, 1, clock: 1) && !Self.isAbsent(&core, 2, clock: 1))
  }

  @Test("Keys that stand for others have rows when they are asked for; in evaluation they read as zeros")
  func always() throws {
    var core = try Self.core(100, always: [9])
    #expect(core.receive(pull([9], readOnly: true), from: somePeer).messages[0].floats == [0, 0, 0])
    #expect(!Self.isAbsent(&core, 9) && core.load.tables[0].rows == 1)
    var plain = try ServerCore(assign())
    _ = plain.receive(pull([9]), from: somePeer)
    #expect(core.read([9]) == plain.read([9]), "the same start as without admission")
  }

  @Test("Sightings survive a checkpoint")
  func checkpoint() throws {
    var core = try Self.core(5)
    _ = core.receive(push([5], [4, 0, 0]), from: somePeer)
    #expect(core.dirtySlots.count == 1 && core.filledSlots.isEmpty && core.digests().isEmpty)
    let (table, slot) = core.dirtySlots[0]
    let snapshot = core.snapshot(table: table, slot: slot)
    #expect(snapshot.count == 0 && snapshot.candidates == 1)
    var other = try Self.core(5)
    try other.restore(snapshot.bytes, table: table, slot: slot, isDirty: false)
    _ = other.receive(push([5], [1, 0, 0]), from: somePeer)
    #expect(!Self.isAbsent(&other, 5, clock: 1))
    for damage in [snapshot.bytes.count - 1, 33] {
      var bytes = snapshot.bytes
      if damage > 40 { bytes.removeLast() } else { bytes[damage] = 7 }
      #expect(throws: SnapshotError.self) { try other.restore(bytes, table: table, slot: slot, isDirty: false) }
    }
  }

  @Test(
    "No number of sightings that anyone may push does harm", arguments: [Float.nan, .infinity, -.infinity, -5, 1e30, 0])
  func hostile(sightings: Float) throws {
    var core = try Self.core(1000)
    for step in 0..<3 { _ = core.receive(push([5], [sightings, 0, 0], clock: UInt64(step)), from: somePeer) }
    #expect(Self.isAbsent(&core, 5, clock: 3) == !(sightings == 1e30))
  }
}
