import Checkpoint
import Sharding
import Testing

@Suite("Snapshots of slots")
struct SlotSnapshotTests {
  private let written = makeSlot(77)

  private func read(
    _ bytes: [UInt8], table: Int = 0, slot: Int = 77, width: Int = 3, stride: Int? = 10
  ) throws(SnapshotError) -> SlotSnapshot {
    try SlotSnapshot(bytes, table: table, slot: slot, width: width, stride: stride)
  }

  @Test("A snapshot reads back as it was written")
  func roundTrip() throws {
    let again = try read(written.bytes)
    #expect(again == written && again.sha256 == written.sha256 && again.count == 5 && again.candidates == 2)
    var copy = SlotSnapshot(table: 0, slot: 77, width: 3, stride: 10)
    again.forEachRow { copy.append($0, $1) }
    again.forEachCandidate { copy.append(candidate: $0, sightings: $1) }
    #expect(copy == written)
    #expect(try read(written.bytes, stride: nil) == written)
  }

  @Test("A snapshot cut short anywhere, or with more behind it, is refused")
  func length() throws {
    for count in 0..<written.bytes.count {
      #expect(throws: SnapshotError.self) { try read(Array(written.bytes[..<count])) }
    }
    #expect(throws: SnapshotError.self) { try read(written.bytes + [0]) }
  }

  @Test("A snapshot of another table, slot, width or optimizer is refused")
  func otherTable() throws {
    #expect(throws: SnapshotError.otherTable) { try read(written.bytes, table: 1) }
    #expect(throws: SnapshotError.otherTable) { try read(written.bytes, slot: 78) }
    #expect(throws: SnapshotError.otherTable) { try read(written.bytes, width: 4) }
    #expect(throws: SnapshotError.otherTable) { try read(written.bytes, stride: 11) }
  }

  @Test("A snapshot of an older or newer format is refused by name", arguments: [UInt8(1), 2, 3, 5])
  func otherVersion(version: UInt8) throws {
    var bytes = written.bytes
    bytes[4] = version
    let error = #expect(throws: SnapshotError.otherVersion(Int(version))) { try read(bytes) }
    #expect(error.map { "\($0)".contains(version < 4 ? "an older version" : "a newer version") } == true)
  }

  @Test("Ranks that do not ascend or are of another slot are refused", arguments: [56, 56 + 48, 56 + 5 * 48, 62, 63])
  func ranks(offset: Int) throws {
    var bytes = written.bytes
    bytes[offset] = 0xFF
    #expect(throws: SnapshotError.self) { try read(bytes) }
  }

  @Test("No mutation of a byte does harm")
  func mutations() throws {
    for offset in 0..<written.bytes.count {
      for bit in 0..<8 {
        var bytes = written.bytes
        bytes[offset] ^= 1 << bit
        if let snapshot = try? read(bytes) { #expect(snapshot.count == 5 && snapshot.candidates == 2) }
      }
    }
  }
}
