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
    #expect(again == written && again.count == 5 && again.candidates == 2)
    var copy = SlotSnapshot(table: 0, slot: 77, width: 3, stride: 10)
    again.forEachRow { copy.append($0, $1) }
    again.forEachCandidate { copy.append($0, $1) }
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

  @Test("A snapshot of an older or newer format is refused by name", arguments: [UInt8(1), 2, 3, 4, 5, 7])
  func otherVersion(version: UInt8) throws {
    var bytes = written.bytes
    bytes[4] = version
    let error = #expect(throws: SnapshotError.otherVersion(Int(version))) { try read(bytes) }
    #expect(error.map { "\($0)".contains(version < 6 ? "an older version" : "a newer version") } == true)
  }

  @Test("Ranks that do not ascend or are of another slot are refused", arguments: [56, 56 + 48, 56 + 5 * 48, 62, 63])
  func ranks(offset: Int) throws {
    var bytes = written.bytes
    bytes[offset] = 0xFF
    #expect(throws: SnapshotError.self) { try read(bytes) }
  }

  @Test("No mutation of a byte does harm", arguments: [false, true])
  func mutations(withSteps: Bool) throws {
    let written = withSteps ? Self.withSteps() : self.written
    for offset in 0..<written.bytes.count {
      for bit in 0..<8 {
        var bytes = written.bytes
        bytes[offset] ^= 1 << bit
        if let snapshot = try? read(bytes) {
          #expect(snapshot.count == 5 && snapshot.candidates == 2 && snapshot.history.count == snapshot.steps)
        }
      }
    }
  }

  // MARK: Steps

  private static let steps = [
    SlotSnapshot.Step(clock: 7, ranks: [Rank.first(ofSlot: 77)], rows: [1, 2, 3], absent: []),
    SlotSnapshot.Step(clock: 9, absent: [Rank.first(ofSlot: 77) + 7, Rank.first(ofSlot: 77) + 14]),
    SlotSnapshot.Step(
      clock: 10, ranks: [Rank.first(ofSlot: 77), Rank.first(ofSlot: 77) + 7], rows: [4, 5, 6, 7, 8, .nan],
      absent: [Rank.first(ofSlot: 77) + 21]),
  ]

  private static func withSteps(_ steps: [SlotSnapshot.Step] = steps) -> SlotSnapshot {
    var snapshot = makeSlot(77, earliest: 6)
    for step in steps { snapshot.append(step) }
    return snapshot
  }

  @Test("What a slot was before some steps reads back as it was written, and cut anywhere it is refused")
  func history() throws {
    let written = Self.withSteps()
    let again = try read(written.bytes)
    #expect(again == written && again.earliest == 6 && again.steps == 3)
    let history = again.history
    #expect(history.map(\.clock) == [7, 9, 10] && history.map(\.ranks) == Self.steps.map(\.ranks))
    #expect(history.map(\.absent) == Self.steps.map(\.absent))
    #expect(history.map { $0.rows.map(\.bitPattern) } == Self.steps.map { $0.rows.map(\.bitPattern) })
    for count in 0..<written.bytes.count {
      #expect(throws: SnapshotError.self) { try read(Array(written.bytes[..<count])) }
    }
    #expect(throws: SnapshotError.self) { try read(written.bytes + [0]) }
  }

  @Test("Steps that do not ascend, are earlier than is known, or are of another slot are refused")
  func badSteps() throws {
    let other = SlotSnapshot.Step(clock: 7, ranks: [Rank.first(ofSlot: 78)], rows: [1, 2, 3])
    let descending = SlotSnapshot.Step(clock: 7, absent: [Rank.first(ofSlot: 77) + 7, Rank.first(ofSlot: 77)])
    for steps in [[Self.steps[1], Self.steps[0]], [.init(clock: 5)], [other], [descending]] {
      #expect(throws: SnapshotError.self) { try read(Self.withSteps(steps).bytes) }
    }
  }
}
