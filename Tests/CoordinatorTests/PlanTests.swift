import Foundation
import Job
import Testing

@testable import Coordinator
@testable import Features

struct PlanTests {
  private static func plan(workers: Int, slices: Int = 8, files: [Int]) throws -> Plan {
    let encoding = Encoding(
      format: .libfm, separator: 9, hasHeader: false, hasQuotes: false, columns: [], labelColumn: 0,
      label: LabelRule(column: "label"), timestampColumn: nil, missingTexts: [""],
      fields: [.init(name: "1", column: 0, owner: 0, rule: .index, missing: .own, indices: nil)], firstField: 0,
      leavesOutUnknown: false, vocabulary: nil)
    let chunks = files.enumerated().flatMap { file, count in
      (0..<count).map { Chunk(file: file, offset: $0 * 10, length: 10, firstLine: 1, rows: 10) }
    }
    let index = DatasetIndex(
      encoding: encoding, files: files.indices.map { .init(name: "\($0)", path: "") }, chunks: chunks,
      rows: chunks.count * 10)
    var settings = Settings()
    settings.data.train = ["x"]
    settings.cluster.workers = workers
    settings.optimization.slices = slices
    settings.optimization.batch = slices * 2
    return try Plan(
      purpose: .train, settings: settings, model: settings.model.configuration(fields: 1), train: index,
      evaluation: nil,
      databases: [], gatherSeconds: 1)
  }

  @Test("Slices are dealt whole and in order, to every worker at least one", arguments: 1...8)
  func slices(workers: Int) throws {
    let plan = try Self.plan(workers: workers, files: [20])
    #expect(plan.workerSlices.joined().map { $0 } == Array(0..<8))
    #expect(plan.workerSlices.allSatisfy { !$0.isEmpty })
    #expect(plan.workerSlices.map(\.count).max()! - plan.workerSlices.map(\.count).min()! <= 1)
  }

  @Test("A worker is leased what it can read, and slices by how much that is")
  func locality() throws {
    var plan = try Self.plan(workers: 3, files: [60, 20, 20, 20])
    try plan.lease(by: [[0], [1], [2], [1, 2]])
    #expect(plan.workerSlices.map(\.count) == [3, 2, 3])
    #expect(plan.trainPartitions.reduce(0) { $0 + $1.rows } == 1200)
    #expect(plan.partitions(ofWorker: 0).reduce(0) { $0 + $1.rows } == 600)
    var numbers: [Int] = []
    for worker in 0..<3 {
      let partitions = plan.partitions(ofWorker: worker)
      #expect(partitions.map(\.slice) == plan.workerSlices[worker])
      for number in partitions.flatMap(\.numbers) {
        #expect([[0], [1], [2], [1, 2]][plan.train!.chunks[number].file].contains(worker))
        numbers.append(number)
      }
    }
    #expect(numbers.sorted() == Array(0..<120))
  }

  @Test("A worker that can read nothing is named")
  func idle() throws {
    var plan = try Self.plan(workers: 2, files: [5])
    let error = #expect(throws: ConfigurationError.self) { try plan.lease(by: [[0]]) }
    #expect(error?.description.contains("worker-1 has none of the training files") == true)
  }
}
