import Foundation
import Testing

@testable import Features

struct LabelTests {
  private func labels(_ texts: [String], _ rule: LabelRule) throws -> [Float] {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "y,x\n" + texts.map { "\"\($0)\",a\n" }.joined())
    return try scratch.rows(scratch.index([file], Schema(label: rule))).labels
  }

  @Test(
    "What says yes or no is a label",
    arguments: [
      (["0", "1"], [0, 1]), (["-1", "1"], [0, 1]), (["+1", "1.0", "0.0", "-1.0"], [1, 1, 0, 0]),
      (["true", "FALSE", "True"], [1, 0, 1]), (["yes", "no", "Y", "n"], [1, 0, 1, 0]), (["t", "f", " 1 "], [1, 0, 1]),
    ] as [([String], [Float])])
  func usual(texts: [String], labels: [Float]) throws {
    #expect(try self.labels(texts, LabelRule(column: "y")) == labels)
  }

  @Test(
    "Any texts are labels where the schema says so",
    arguments: [
      ("label: {column: y, positive: 2, negative: 1}", ["1", "2", "2.0"], [0, 1, 1]),
      ("label: {column: y, positive: \">50K\"}", ["<=50K", ">50K", " >50K "], [0, 1, 1]),
      ("label: {column: y, positive: [a, b]}", ["a", "b", "c"], [1, 1, 0]),
      ("label: {column: y, negative: none}", ["a", "none"], [1, 0]),
      ("label: 'y == \">50K\"'", ["<=50K", ">50K"], [0, 1]), ("label: y != none", ["none", "x"], [0, 1]),
      ("label: y == buy", ["buy", "look"], [1, 0]), ("label: y == 3", ["3", "4"], [1, 0]),
      ("label: y >= 4", ["3.5", "4", "1e2"], [0, 1, 1]),
    ] as [(String, [String], [Float])])
  func texts(yaml: String, texts: [String], labels: [Float]) throws {
    let schema = try Schema(yaml: "format: csv\n\(yaml)\n", file: "s.yaml")
    #expect(try self.labels(texts, schema.label) == labels)
    // The schema survives being written, the rule the JSON by which it reaches workers.
    #expect(try Schema(yaml: schema.yaml, file: "again").label == schema.label)
    #expect(
      try JSONDecoder().decode(LabelRule.self, from: JSONEncoder().encode([schema.label])[1...].dropLast())
        == schema.label)
  }

  @Test("A text that is neither is a bad row, and says what to do")
  func bad() throws {
    let rule = LabelRule(column: "y", .texts(positive: ["a"], negative: ["b"]))
    for (rule, text, says) in [
      (LabelRule(column: "y"), "2", "say what a click is: `label: {column: y, positive: \"2\"}`"),
      (rule, "c", "\"a\", \"b\""),
      (LabelRule(column: "y", .texts(positive: ["a"], negative: [])), "", "one of the labels"),
      (LabelRule(column: "y", .greater, 1), "x", "a number for `y > 1`"),
    ] {
      let error = #expect(throws: DatasetError.self) { try labels([text], rule) }
      #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }
    for yaml in ["label: {positive: a, negative: a}", "label: {colum: a}", "label: y >= x"] {
      #expect(throws: SchemaError.self) { try Schema(yaml: "format: csv\n\(yaml)\n", file: "s.yaml") }
    }
  }

  @Test("Skipping bad rows never makes data of one class out of a label that was not understood", arguments: 1..<6)
  func share(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let share = Double.random(in: 0.06...0.9, using: &random)
    let rows = (0..<2000).map { _ in
      "\(Double.random(in: 0..<1, using: &random) < share ? "2" : "1"),\(Int.random(in: 0..<9, using: &random))\n"
    }
    let file = try scratch.file("a.csv", "label,x\n" + rows.joined())
    let error = #expect(throws: DatasetError.self) { try scratch.index([file], .csv, badRows: .skip(limit: 1_000_000)) }
    #expect(error?.description.contains("of the first 1000 rows are bad, too many to skip") == true)
    #expect(error?.description.contains("expected the label 1, 0, -1") == true)
    // Below that share, but after which only one class is left.
    let few = try scratch.file("b.csv", "label,x\n" + (0..<500).map { "\($0 % 100 == 7 ? "2" : "1"),a\n" }.joined())
    let one = #expect(throws: DatasetError.self) { try scratch.index([few], .csv, badRows: .skip(limit: 1_000_000)) }
    #expect(
      one?.description.hasPrefix("5 rows were skipped for their labels, and the 495 that are left are of one class")
        == true)
  }

  @Test("Data of one class are said to be that")
  func oneClass() throws {
    let scratch = try Scratch()
    for label in [0, 1] {
      let index = try scratch.index([scratch.file("a.csv", "label,x\n\(label),a\n\(label),b\n")], .csv)
      #expect(
        index.remarks == [
          "all 2 rows have the label \(label): there is no AUC of one class, and nothing to learn from it"
        ])
    }
    #expect(try scratch.index([scratch.file("b.csv", "label,x\n1,a\n0,b\n")], .csv).remarks == nil)
  }
}
