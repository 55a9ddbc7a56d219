import Foundation
import Testing

@testable import Features

struct NegativeSamplingTests {
  private func index(
    _ files: [String], _ scratch: Scratch, rate: Double, seed: UInt64 = 1, chunkBytes: Int, threads: Int = 2,
    badRows: BadRowPolicy = .fail
  ) throws -> DatasetIndex {
    try DatasetIndex.build(
      files, schema: Schema(),
      ReadingOptions(
        spool: scratch.path, badRows: badRows, sampling: NegativeSampling(rate: rate, seed: seed),
        chunkBytes: chunkBytes,
        threads: threads))
  }

  @Test(
    "All clicks are kept and the share of the others, the same however the data are cut and read",
    arguments: [0.5, 0.1])
  func share(rate: Double) throws {
    let scratch = try Scratch()
    let lines = (0..<20_000).map { "\($0 % 5 == 0 ? 1 : 0),x\($0)\n" }
    let file = try scratch.file("a.csv", "label,x\n" + lines.joined())
    let one = try index([file], scratch, rate: rate, chunkBytes: 1 << 20)
    let kept = try scratch.rows(one)
    #expect(one.positives == 4000 && kept.labels.count { $0 == 1 } == 4000 && one.skipped == 0)
    let negatives = Double(one.rows - 4000)
    #expect(abs(negatives - 16_000 * rate) < 5 * (16_000 * rate * (1 - rate)).squareRoot())
    #expect(one.remarks?.first?.hasPrefix("of 16000 rows without a click \(one.rows - 4000) are kept") == true)
    for (chunkBytes, threads) in [(100, 1), (5000, 4)] {
      let other = try index([file], scratch, rate: rate, chunkBytes: chunkBytes, threads: threads)
      #expect(try scratch.rows(other).keys == kept.keys && other.rows == one.rows)
    }
    let seeded = try index([file], scratch, rate: rate, seed: 2, chunkBytes: 5000)
    #expect(try scratch.rows(seeded).keys != kept.keys)
    // Other data are whole.
    #expect(try DatasetIndex.build([file], encoding: one.encoding, ReadingOptions(spool: scratch.path)).rows == 20_000)
  }

  @Test("Bad rows are counted apart from those left out; packed rows cannot be sampled")
  func badRows() throws {
    let scratch = try Scratch()
    let lines = (0..<2000).map { $0 % 100 == 7 ? "1,x,y\n" : "\($0 % 2),x\($0)\n" }
    let file = try scratch.file("a.csv", "label,x\n" + lines.joined())
    let sampled = try index([file], scratch, rate: 0.3, chunkBytes: 700, badRows: .skip(limit: 100))
    #expect(sampled.skipped == 20 && sampled.chunks.allSatisfy { $0.skipped == $0.skipped.sorted() })
    #expect(try scratch.rows(sampled).rows == sampled.rows)
    let plain = try scratch.index([file], Schema(), badRows: .skip(limit: 100))
    let pack = scratch.path + "/a.pack"
    _ = try Packing.pack(plain, vocabulary: nil, to: pack)
    let error = #expect(throws: DatasetError.self) { try index([pack], scratch, rate: 0.3, chunkBytes: 700) }
    #expect(error?.description.contains("it is packed; rows are sampled from the text") == true)
  }
}
