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

  @Test("Partitions are a function of data, seed and slices: the number of workers does not show", arguments: 2...8)
  func independence(workers: Int) throws {
    let one = try Self.model(workers: 1, files: [20, 11]).data
    let many = try Self.model(workers: workers, files: [20, 11]).data
    #expect(one.train == many.train && one.articles == many.articles && one.epochSteps == many.epochSteps)
    #expect(one.catalogued(stage: 2).map(\.digest) == one.train.map(\.description))
    #expect(try Self.partitions(one).flatMap(\.numbers).sorted() == Array(0..<31))
  }

  @Test("With data of their own, workers can read slices by how much they have, and all can be read by somebody")
  func locality() throws {
    let holders = [[0], [1], [2], [1, 2]]
    let data = try Self.model(workers: 3, files: [60, 20, 20, 20], holders: holders).data
    let partitions = try Self.partitions(data)
    #expect(partitions.map(\.slice) == Array(0..<8) && partitions.flatMap(\.numbers).sorted() == Array(0..<120))
    let readable = (0..<3).map { worker in
      data.readable(with: holders.indices.filter { holders[$0].contains(worker) }.map { "file-\($0)" })!
    }
    #expect(readable.map(\.count) == [3, 2, 3] || readable.reduce(Set()) { $0.union($1) } == Set(0..<8))
    #expect(readable[0].reduce(0) { $0 + partitions[$1].rows } == 600)
    for (worker, slices) in readable.enumerated() {
      for file in slices.flatMap({ partitions[$0].files }) {
        let number = try #require(Int(file.baseName.dropFirst(5)))
        #expect(holders[number].contains(worker))
      }
    }
    #expect(data.readable(with: [])!.isEmpty)
    #expect(data.readable(with: (0..<4).map { "file-\($0)" }) == Set(0..<8))
    #expect(try Self.model(workers: 3, files: [60]).data.readable(with: []) == nil, "all can read what is shared")
  }

  @Test("A plan from the catalogue's partitions is the one that was made from the data", arguments: [false, true])
  func fromCatalogue(isLocal: Bool) throws {
    let settings = Sample.settings(workers: 2, slices: 8)
    let made = try Sample.model(
      settings, train: Sample.index([[20, 7], [30]]), evaluation: Sample.index([[9], [5]]),
      trainHolders: isLocal ? [[0], [1]] : nil)
    let read = try ModelPlan(
      settings: settings, model: made.model, partitions: made.data.catalogued(stage: 1).shuffled(),
      encoding: Sample.encoding, vocabulary: nil, isLocal: isLocal, start: made.start)
    #expect(read.data.epochSteps == made.data.epochSteps && read.data.rows == made.data.rows && made.data.rows == 57)
    #expect(read.data.articles == made.data.articles && read.data.articles.count > 8)
    #expect(read.data.train == made.data.train && read.data.evaluation == made.data.evaluation)
    #expect(read.data.evaluationRows == made.data.evaluationRows && made.data.evaluationRows == [9, 5])
    #expect(read.data.files == made.data.files && (made.data.files != nil) == isLocal)
    #expect(read.tables == made.tables)
    #expect(read.data.articles(forSlices: [1, 5]) == made.data.articles(forSlices: [1, 5]))
  }

  @Test("Without data to evaluate on, neither plan has any")
  func withoutEvaluation() throws {
    let settings = Sample.settings(slices: 8)
    let made = try Sample.model(settings, evaluation: nil)
    let read = try ModelPlan(
      settings: settings, model: made.model, partitions: made.data.catalogued(stage: 0), encoding: Sample.encoding,
      vocabulary: nil, isLocal: false, start: made.start)
    #expect(made.data.evaluationRows == nil && read.data.evaluationRows == nil && read.data.evaluation.isEmpty)
    #expect(read.data.epochSteps == made.data.epochSteps)
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
    for slice in 0..<500 {
      let bytes = plan.data.articles(forSlices: [slice]).all.reduce(0) { $0 + plan.data.articles[$1]!.count }
      #expect(bytes < 1_000_000)
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
