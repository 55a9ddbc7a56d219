import Features
import Foundation
import Job
import Testing

@testable import Run

struct EstimateTests {
  private static func settings(_ change: (inout Settings) throws -> Void = { _ in }) rethrows -> Settings {
    var settings = Settings()
    try change(&settings)
    return settings
  }

  @Test("Rows, bytes and traffic follow from the number of features")
  func keys() throws {
    let estimate = try Estimate.make(Self.settings(), keys: 9_000_000, samplesPerSecond: 40_960)
    #expect(estimate.fields == 39 && estimate.tables.map(\.rows) == [9_000_000, 472])
    // Rank, weight and vector of 10, two moments of each, a count, and the clock of the last change.
    #expect(estimate.tables[0].rowBytes == 8 + 4 * (11 + 22 + 2))
    let rows = Double(9_000_000 * estimate.tables[0].rowBytes)
    #expect((1.1...1.6).contains(Double(estimate.tables[0].bytes) / rows))
    #expect((1.1...1.8).contains(2 * Double(estimate.serverBytes - estimate.undoBytes) / rows))
    // Two workers of 2048 rows that share no feature: rank and 11 floats of each; and all dense blocks to each.
    #expect(estimate.pulledBytes == 2 * (2048 * 39 * (8 + 44) + 472 * (8 + 4096)))
    #expect(estimate.replicatedBytes == 0 && abs(estimate.bytesPerSecond - 20 * Double(estimate.pulledBytes)) < 1)
    let replicated = try Estimate.make(
      Self.settings { $0.cluster.replicas = 1 }, keys: 9_000_000, samplesPerSecond: 40_960)
    #expect((1.9...2.1).contains(Double(replicated.serverBytes) / Double(estimate.serverBytes)))
    #expect(replicated.replicatedBytes == 4096 * 39 * (8 + 44) + 472 * (8 + 4096))
    let async = try Estimate.make(
      Self.settings { $0.cluster.consistency = .async }, keys: 9_000_000, samplesPerSecond: 1)
    #expect(async.undoBytes == 0)
  }

  @Test("As many servers as fit the memory that each may take")
  func serverMemory() throws {
    func servers(_ memory: String) throws -> Int {
      try Estimate.make(
        Self.settings { $0.cluster.serverMemory = try ByteCount(named: memory) }, keys: 9_000_000, samplesPerSecond: 1
      ).servers
    }
    #expect(try servers("64g") == 2, "no fewer than the job has")
    let (few, many) = (try servers("512m"), try servers("128m"))
    #expect(few >= 4 && few <= 6 && many > 3 * few)
    let error = #expect(throws: ConfigurationError.self) { try servers("1m") }
    #expect(error?.description.hasPrefix("server-memory: 1m ") == true)
  }

  @Test("From data, from a part of them, and from a vocabulary")
  func sources() throws {
    let scratch = try ScratchDirectory("estimate")
    let path = scratch.path + "/a.txt"
    _ = try Synthesizer(truthSeed: 1, seed: 2).write(rows: 10_000, to: path)
    func make(_ rows: Int? = nil, _ change: (inout Settings) -> Void = { _ in }) throws -> Estimate {
      try Estimate.make(
        Self.settings {
          $0.data.train = [path]
          change(&$0)
        }, rows: rows, samplesPerSecond: 1000)
    }
    let estimate = try make()
    #expect((10_000...200_000).contains(estimate.tables[0].rows))
    #expect(estimate.pulledBytes < 2 * (2048 * 39 * (8 + 44) + 472 * (8 + 4096)), "frequent features are pulled once")
    let more = try make(1_000_000)
    #expect(more.tables[0].rows > estimate.tables[0].rows && more.assumptions.count == 2)
    #expect(more.pulledBytes == estimate.pulledBytes)
    let index = try DatasetIndex.build(
      [path], schema: Settings().data.readSchema(), ReadingOptions(spool: scratch.path))
    let fields = try VocabularyBuilder(index, minimumCount: 5, memory: 64 << 20).build(to: scratch.path + "/v") { _ in }
    let kept = fields.reduce(0) { $0 + $1.kept }
    let counted = try make { $0.data.vocabulary = scratch.path + "/v" }
    let alone = try make {
      $0.data.train = []
      $0.data.vocabulary = scratch.path + "/v"
    }
    #expect(alone.tables[0].rows == kept + fields.count)
    // It does not know the categories that numbers become.
    #expect((1...1.2).contains(Double(counted.tables[0].rows) / Double(alone.tables[0].rows)))
    #expect(abs(Double(alone.pulledBytes) / Double(counted.pulledBytes) - 1) < 0.1)
  }

  @Test("Nothing to count from is said so, with the way out")
  func nothing() {
    let bare = #expect(throws: ConfigurationError.self) { try Estimate.make(Settings(), samplesPerSecond: 1) }
    #expect(bare?.description.contains("--train FILE; or say how many features there are") == true)
    let fieldless = #expect(throws: ConfigurationError.self) {
      try Estimate.make(Self.settings { $0.data.schema = "csv" }, keys: 5, samplesPerSecond: 1)
    }
    #expect(fieldless?.description.hasPrefix("schema: csv ") == true)
  }
}
