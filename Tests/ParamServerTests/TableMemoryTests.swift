import Sharding
import Testing

@testable import ParamServer

struct TableMemoryTests {
  @Test("What a table will take is what it takes", arguments: [100, 5000, 100_000, 1_000_000])
  func bytes(rows: Int) throws {
    let description = describeTable(width: 11)
    let memory = try TableMemory(description)
    var table = try Table(description, number: 0, seed: 1, undoDepth: 2)
    let ranks = (0..<UInt64(rows)).map(Rank.of).sorted()
    for _ in 0..<3 { table.apply(ranks, [Float](repeating: 1, count: rows * 11)) }
    let wanted =
      memory.bytes(rows: Double(rows), slots: Double(Rank.slots)) + Double(memory.emptyBytes)
      + memory.undoBytes(steps: 2, rows: Double(rows))
    #expect(abs(wanted / Double(table.bytes) - 1) < 0.03, "\(wanted) \(table.bytes)")
    #expect(memory.rowBytes == 8 + 4 * (11 + 23 + 1))
    #expect(memory.bytes(rows: 0, slots: 5) == 0)
  }
}
