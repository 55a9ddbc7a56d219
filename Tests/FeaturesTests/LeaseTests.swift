import Foundation
import Testing

@testable import Features

struct LeaseTests {
  @Test(
    "The leases of an epoch hold every row of the files once, for any number of workers",
    arguments: 1...5, [("\n", true), ("\n", false), ("\r\n", true), ("\r\n", false)])
  func leases(workers: Int, ending: (end: String, isLast: Bool)) throws {
    var random = SplitMix(workers)
    let scratch = try Scratch()
    for _ in 0..<5 {
      var key = 0
      let files = try (0..<Int.random(in: 1...4, using: &random)).map { file in
        let rows = Int.random(in: 1...500, using: &random)
        defer { key += rows }
        let lines = (key..<key + rows).map { "1 \($0):1" }
        return try scratch.file("\(file)", lines.joined(separator: ending.end) + (ending.isLast ? ending.end : ""))
      }
      let index = try scratch.index(files, .libfm, chunkBytes: Int.random(in: 1...900, using: &random))
      #expect(index.rows == key)
      let slices = 8
      for epoch in 1...2 {
        let order = EpochOrder.deal(index, slices: slices, seed: 1, epoch: epoch)
        var keys: [UInt64] = []
        for worker in 0..<workers {
          let threads = ReaderThreads(index, vocabulary: nil, count: worker % 3)
          for slice in worker * slices / workers..<(worker + 1) * slices / workers {
            var reader = PartitionReader(
              Lease(slice: slice, chunks: order[slice]), fields: 1, sliceRows: 37, seed: 1, epoch: epoch,
              threads: threads)
            var batch = Batch(fields: 1)
            while try reader.next(into: &batch) { keys += batch.keys }
          }
        }
        #expect(keys.sorted() == (0..<UInt64(key)).map { $0 })
      }
    }
  }

  @Test("Chunks of a file go to slices that may read it, evenly among them")
  func locality() throws {
    let scratch = try Scratch()
    let files = try (0..<3).map { file in
      try scratch.file("\(file)", (0..<1000).map { "1 \(file * 1000 + $0):1\n" }.joined())
    }
    var index = try scratch.index(files, .libfm, chunkBytes: 200)
    index.readers = [[0, 1, 2], [2, 3], [0, 1, 2, 3]]
    for epoch in 1...3 {
      let order = EpochOrder.deal(index, slices: 4, seed: 7, epoch: epoch)
      #expect(order.joined().sorted() == Array(index.chunks.indices))
      for (slice, chunks) in order.enumerated() {
        for chunk in chunks { #expect(index.readers![index.chunks[chunk].file].contains(slice)) }
        #expect(abs(EpochOrder.rows(of: chunks, in: index) - 750) < 60)
      }
    }
  }

  @Test("What workers found merges into one data set: copies count once, statistics as if one had read all")
  func merge() throws {
    var random = SplitMix(8)
    let scratch = try Scratch()
    let schema = Schema(fields: [FieldSchema("x", .numeric), FieldSchema("y", .numeric, transform: .quantile)])
    let files = try ["a", "b", "c"].map { name in
      try scratch.file(
        name + ".csv",
        "label,x,y\n"
          + (0..<700).map { _ in
            "1,\(Int.random(in: 0..<999, using: &random)),\(Int.random(in: 0..<99, using: &random))\n"
          }.joined())
    }
    func survey(_ files: [String]) throws -> DatasetSurvey {
      try DatasetSurvey.run(files, .learn(schema), ReadingOptions(spool: scratch.path))
    }
    let found = try [survey([files[1], files[0]]), nil, survey([files[1], files[2]])]
    let merged = try #require(try DatasetSurvey.merge(found, schema: schema))
    #expect(merged.survey.files.map(\.name) == ["a.csv", "b.csv", "c.csv"] && merged.holders == [[0], [0, 2], [2]])
    let index = merged.survey.index(schema)
    let whole = try scratch.index(files, schema)
    #expect(index.rows == 2100 && index.fieldNames == whole.fieldNames)
    #expect(index.encoding.fields[1] == whole.encoding.fields[1])
    guard case .number(.standardise(let mean, let deviation)) = index.encoding.fields[0].rule,
      case .number(.standardise(let wholeMean, let wholeDeviation)) = whole.encoding.fields[0].rule
    else {
      Issue.record("other rules")
      return
    }
    #expect(abs(mean - wholeMean) < 1e-9 && abs(deviation - wholeDeviation) < 1e-9)
    let local = DatasetSurvey.localize(index, to: found[2]!.files)
    #expect(local.files.map(\.path.isEmpty) == [true, false, false])
    // A file of the same name and size that differs is no copy; and no worker may have two of a name.
    let text = try String(contentsOfFile: files[1], encoding: .utf8)
    _ = try scratch.file("b.csv", "label,x,y\n0" + text.dropFirst("label,x,y\n1".count))
    let changed = try survey([files[1]])
    #expect(changed.rows == 700)
    #expect(throws: DatasetError.differentCopies(file: "b.csv")) {
      try DatasetSurvey.merge([found[0], changed], schema: schema)
    }
    try FileManager.default.createDirectory(atPath: scratch.path + "/other", withIntermediateDirectories: true)
    let namesake = try scratch.file("other/a.csv", "label,x,y\n1,2,3\n")
    #expect(throws: DatasetError.sameName(file: "a.csv")) {
      try DatasetSurvey.merge([survey([files[0], namesake])], schema: schema)
    }
    #expect(DataFiles.distinct([files[0], scratch.path + "/./a.csv", files[2]]) == [files[0], files[2]])
    #expect(try DatasetSurvey.merge([nil, nil], schema: schema) == nil)
  }
}
