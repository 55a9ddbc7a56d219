import Sharding
import Testing

@testable import ParamServer

@Suite("Admission")
struct AdmissionTests {
  private let rank: UInt64 = 5 << 50

  private func table(_ sightings: Int, alwaysAdmitted: [UInt64] = []) throws -> Table {
    var description = describeTable()
    description.admission = .init(sightings: sightings, alwaysAdmitted: alwaysAdmitted)
    return try Table(description, number: 0, seed: 1)
  }

  private func met(_ count: UInt32, rank: UInt64? = nil) -> Sightings {
    Sightings(ranks: [rank ?? self.rank], counts: [count])
  }

  @Test("A key gets its row after so many sightings, and not by being asked for", arguments: [1, 2, 3, 7])
  func admission(sightings: Int) throws {
    var table = try table(sightings)
    for _ in 0..<sightings {
      #expect(table.isAbsent(rank) && table.rowCount == 0)
      // The gradient of a candidate is dropped, in the step that admits it too.
      table.apply([rank], [1, 1, 1], sightings: met(1))
    }
    #expect(!table.isAbsent(rank) && table.rowCount == 1 && table.candidateCount == 0)
    let plain = try Table(describeTable(), number: 0, seed: 1)
    #expect(table.read([rank]) == plain.read([rank]), "the row begins with its start")
    // From here on sightings are dropped and gradients count.
    let before = table.read([rank])
    table.apply([], [], sightings: met(9))
    #expect(table.read([rank]) == before && table.candidateCount == 0)
    table.apply([rank], [1, 1, 1])
    #expect(table.read([rank]) != before)
  }

  @Test("Sightings of one step count together; those of another key do not")
  func counting() throws {
    var table = try table(5)
    table.apply([], [], sightings: Sightings(ranks: [1, 2], counts: [4, 5]))
    #expect(table.isAbsent(1) && !table.isAbsent(2) && table.candidateCount == 1)
  }

  @Test("Keys that stand for others read as their start and get rows with their first gradients")
  func alwaysAdmitted() throws {
    var table = try table(100, alwaysAdmitted: [rank])
    let plain = try Table(describeTable(), number: 0, seed: 1)
    #expect(table.read([rank], absent: .zeros) == [0, 0, 0])
    #expect(table.read([rank]) == plain.read([rank]))
    table.apply([], [], sightings: met(200))
    #expect(table.rowCount == 0 && table.candidateCount == 0)
    table.apply([rank], [1, 1, 1])
    #expect(table.rowCount == 1)
  }

  @Test("Sightings survive a checkpoint")
  func checkpoint() throws {
    var table = try table(5)
    table.apply([], [], sightings: met(4))
    let slot = Rank.slot(of: rank)
    #expect(table.slots == [slot] && table.filledSlots.isEmpty)
    let snapshot = table.snapshot(slot: slot)
    #expect(snapshot.count == 0 && snapshot.candidates == 1)
    var other = try self.table(5)
    try other.restore(snapshot.bytes, slot: slot)
    other.apply([], [], sightings: met(1))
    #expect(other.isAbsent(rank) == false)
  }

  @Test("No number of sightings that anyone may push does harm", arguments: [0, 1, UInt32.max])
  func hostile(sightings: UInt32) throws {
    var table = try table(1 << 40)
    for _ in 0..<3 { table.apply([], [], sightings: met(sightings)) }
    #expect(table.isAbsent(rank) == (sightings < .max))
    #expect(table.slots.isEmpty == (sightings == 0))
  }

  @Test("A table without admission drops sightings")
  func withoutAdmission() throws {
    var table = try Table(describeTable(), number: 0, seed: 1)
    table.apply([], [], sightings: met(9))
    #expect(table.rowCount == 0 && table.candidateCount == 0 && table.slots(changedSince: 0).isEmpty)
  }
}
