import Job
import Sharding
import Testing
import Wire

@testable import Coordinator
@testable import Features

@Suite("A plan")
struct PlanTests {
  private static func model(
    workers: Int, slices: Int = 8, files: [Int], holders: [[Int]]? = nil
  ) throws -> ModelPlan {
    let settings = Sample.settings(workers: workers, slices: slices)
    let index = Sample.index(files.map { Array(repeating: 10, count: $0) })
    return try Sample.model(settings, train: index, evaluation: nil, trainHolders: holders)
  }

  private static func partitions(_ data: DataPlan) throws -> [Partition] {
    try data.train.map { try Partition(decoding: try #require(data.articles[$0])) }
  }

  @Test("Slices are dealt whole and in order, to every worker at least one", arguments: 1...8)
  func slices(workers: Int) throws {
    let plan = try Self.model(workers: workers, files: [20])
    #expect(plan.workerSlices.joined().map { $0 } == Array(0..<8))
    #expect(plan.workerSlices.allSatisfy { !$0.isEmpty })
    #expect(plan.workerSlices.map(\.count).max()! - plan.workerSlices.map(\.count).min()! <= 1)
  }

  @Test("Partitions are a function of data, seed and slices: the number of workers does not show", arguments: 2...8)
  func independence(workers: Int) throws {
    let one = try Self.model(workers: 1, files: [20, 11]).data
    let many = try Self.model(workers: workers, files: [20, 11]).data
    #expect(one.train == many.train && one.articles == many.articles && one.epochSteps == many.epochSteps)
    #expect(one.catalogued.map(\.digest) == one.train.map(\.description))
    #expect(try Self.partitions(one).flatMap(\.numbers).sorted() == Array(0..<31))
  }

  @Test("A worker is leased what it can read, and slices by how much that is")
  func locality() throws {
    let holders = [[0], [1], [2], [1, 2]]
    let plan = try Self.model(workers: 3, files: [60, 20, 20, 20], holders: holders)
    #expect(plan.workerSlices.map(\.count) == [3, 2, 3])
    let partitions = try Self.partitions(plan.data)
    #expect(partitions.map(\.slice) == Array(0..<8) && partitions.flatMap(\.numbers).sorted() == Array(0..<120))
    for (worker, slices) in plan.workerSlices.enumerated() {
      let mine = slices.map { partitions[$0] }
      if worker == 0 { #expect(mine.reduce(0) { $0 + $1.rows } == 600) }
      for file in mine.flatMap(\.files) {
        let number = try #require(Int(file.baseName.dropFirst(5)))
        #expect(holders[number].contains(worker))
      }
    }
  }

  @Test("A worker that can read nothing is named")
  func idle() throws {
    let error = #expect(throws: ConfigurationError.self) { try Self.model(workers: 2, files: [5], holders: [[0]]) }
    #expect(error?.description.contains("worker-1 has none of the training files") == true)
  }

  @Test("More steps than can be counted are refused")
  func manySteps() {
    var settings = Sample.settings()
    settings.optimization.epochs = .max
    #expect(throws: (any Error).self) { try Sample.model(settings) }
  }

  @Test("A worker hears of its own slices alone")
  func ownArticles() throws {
    let data = try Self.model(workers: 4, files: [40]).data
    let articles = data.articles(forSlices: [2, 3])
    #expect(articles.train == Array(data.train[2...3]) && articles.evaluation.isEmpty && articles.vocabulary == nil)
    #expect(articles.all.allSatisfy { data.articles[$0] != nil })
  }

  @Test("Of a million chunks, dealt to 500 slices, no worker is sent a megabyte")
  func terabyte() throws {
    var index = Sample.index([])
    index.files = (0..<24).map { .init(name: "/data/criteo/day_\($0)", path: "/data/criteo/day_\($0)", checksum: 7) }
    index.chunks = (0..<1_000_000).map { number in
      Chunk(
        file: number / 41_667, offset: number % 41_667 * (1 << 20 + 150), length: 1 << 20 + number * 7919 % 300,
        firstLine: 1 + number % 41_667 * 4600, rows: 4500 + number * 104_729 % 250,
        checksum: UInt32(truncatingIfNeeded: number &* 2_654_435_761))
    }
    index.rows = index.chunks.reduce(0) { $0 + $1.rows }
    let plan = try Sample.model(
      Sample.settings(workers: 500, slices: 500), train: index, evaluation: nil)
    for slices in plan.workerSlices {
      let bytes = plan.data.articles(forSlices: slices).all.reduce(0) { $0 + plan.data.articles[$1]!.count }
      #expect(slices.count == 1 && bytes < 1_000_000)
    }
    #expect(plan.data.rows == index.rows)
  }
}

@Suite("The parameters' digest")
struct ParameterDigestTests {
  @Test("It depends on every slot's digest, not on their order")
  func digest() {
    let digests = (0..<5).map { SlotDigest(table: $0 % 2, slot: $0, digest: SHA256.hash([UInt8($0)])) }
    let combined = ParameterDigest.combine(digests)
    #expect(combined == ParameterDigest.combine(digests.reversed()))
    #expect(combined.count == 64 && combined != ParameterDigest.combine(Array(digests.dropLast())))
    var changed = digests
    changed[2].digest = SHA256.hash([9])
    #expect(combined != ParameterDigest.combine(changed))
  }
}
