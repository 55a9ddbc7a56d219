import Testing

@testable import Features

struct CountingTests {
  @Test("Distinct numbers are counted to one and a half percent", arguments: [0, 1, 10, 1000, 100_000, 3_000_000])
  func distinct(numbers: Int) {
    var count = DistinctCount()
    for number in 0..<UInt64(numbers) { count.add(number) }
    for number in 0..<UInt64(numbers / 3) { count.add(number) }
    #expect(abs(count.estimate - Double(numbers)) <= 0.015 * Double(numbers))
  }

  @Test("Features of data, of batches of them, and of more rows than there are")
  func features() throws {
    let scratch = try Scratch()
    _ = try Synthesizer(truthSeed: 1, seed: 2).write(rows: 20_000, to: scratch.path + "/a")
    let index = try scratch.index([scratch.path + "/a"], Schema(format: .criteo), chunkBytes: 1 << 16)
    let rows = try scratch.rows(index)
    let count = try FeatureCount(index, batches: [1000, 70_000])
    #expect(abs(count.distinct / Double(Set(rows.keys).count) - 1) < 0.015)
    let perBatch = (0..<20).reduce(0.0) { $0 + Double(Set(rows.keys[$1 * 39_000..<($1 + 1) * 39_000]).count) } / 20
    #expect(count.distinct(perBatchOf: 1000) == perBatch)
    #expect(count.distinct(perBatchOf: 70_000) == Double(Set(rows.keys).count), "no batch is full")
    #expect(count.distinct(ofRows: 20_000) == count.distinct)
    #expect(abs(count.distinctOfHalf / Double(Set(rows.keys[..<390_000]).count) - 1) < 0.015)
    let whole = try FeatureCount(scratch.index([scratch.path + "/a"], .criteo), batches: [1000])
    #expect(whole.distinctOfHalf == count.distinctOfHalf, "however the rows lie in chunks")
    let (more, most) = (count.distinct(ofRows: 40_000), count.distinct(ofRows: 80_000))
    #expect(more > count.distinct && most > more && most < 4 * count.distinct)
    // As many rows as there really are, from a part of them.
    _ = try Synthesizer(truthSeed: 1, seed: 2).write(rows: 5_000, to: scratch.path + "/b")
    let part = try FeatureCount(scratch.index([scratch.path + "/b"], .criteo), batches: [1000])
    #expect(abs(part.distinct(ofRows: 20_000) / count.distinct - 1) < 0.2)
  }

  @Test("A vocabulary says how many features a batch is to be expected to meet")
  func vocabulary() {
    let count = FeatureCount(counts: [1000, 500, 1], others: 2, rows: 1000, batches: [1, 2, 100_000])
    #expect(count.distinct == 5)
    #expect(abs(count.distinct(perBatchOf: 1) - (1 + 0.5 + 0.001 + 2)) < 1e-6)
    #expect(abs(count.distinct(perBatchOf: 2) - (1 + 0.75 + 0.001999 + 2)) < 1e-6)
    #expect(abs(count.distinct(perBatchOf: 100_000) - 5) < 1e-6)
  }
}
