import Foundation
import Testing

@testable import Features

struct SurveyMergeTests {
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
    #expect(index.remarks?.first?.hasPrefix("all 2100 rows have the label 1: there is no AUC of one class") == true)
    #expect(index.rows == 2100 && index.fieldNames == whole.fieldNames)
    #expect(index.encoding.fields[1] == whole.encoding.fields[1])
    guard case .number(.standardise(let mean, let deviation)) = index.encoding.fields[0].rule,
      case .number(.standardise(let wholeMean, let wholeDeviation)) = whole.encoding.fields[0].rule
    else {
      Issue.record("other rules")
      return
    }
    #expect(abs(mean - wholeMean) < 1e-9 && abs(deviation - wholeDeviation) < 1e-9)
    let local = Partition.deal(index, slices: 1, seed: 1)[0].localized(to: found[2]!.files)
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
