import Foundation
import Testing

@testable import Features

@Suite("Rows that somebody asks about")
struct RequestRowsTests {
  private static let header = "click,age,city,tags\n"
  private static let schema = Schema(
    format: .csv, label: LabelRule("click"),
    fields: [
      FieldSchema("age", .numeric, transform: .log1p), FieldSchema("city"), FieldSchema("tags", .multiValued),
    ])
  private static let lines = ["1,30,\"Rome, Italy\",a|b\n", "0,,Oslo,\n", "1,7.5,\"say \"\"hi\"\"\",c\n"]

  /// What a file's rows become, and what takes requests of the same encoding.
  private func read(_ scratch: Scratch) throws -> (Batch, RequestRows) {
    let file = try scratch.file("a.csv", Self.header + Self.lines.joined())
    let index = try scratch.index([file], Self.schema)
    return (try scratch.rows(index), RequestRows(index.encoding, vocabulary: nil))
  }

  private func same(_ a: Batch, _ b: Batch) -> Bool {
    a.keys == b.keys && a.values == b.values && a.offsets == b.offsets && b.labels == a.labels.map { _ in 0 }
  }

  @Test("Texts and JSON come to the features that the same rows of a file have, whatever their labels")
  func formats() throws {
    let scratch = try Scratch()
    let (wanted, rows) = try read(scratch)
    var batch = Batch(fields: 3)
    let text = Self.lines[0] + "," + Self.lines[1].dropFirst(2) + "never" + Self.lines[2].dropFirst()
    #expect(try Array(text.utf8).withUnsafeBytes { try rows.append(texts: $0, to: &batch) } == 3)
    #expect(same(wanted, batch))
    let json = """
      [{"age": 30, "city": "Rome, Italy", "tags": "a|b"}, {"age": null, "city": "Oslo"},
       {"age": 7.5, "city": "say \\"hi\\"", "tags": "c", "click": 1}]
      """
    for body in [json, "{\"rows\": \(json)}"] {
      batch.reset()
      #expect(try rows.append(json: Data(body.utf8), most: 3, to: &batch) == 3)
      #expect(same(wanted, batch))
    }
    // Without the label, or with the columns' names, in any order.
    for text in [
      Self.lines.map { $0.dropFirst(2) }.joined(),
      "tags,city,more,age\na|b,\"Rome, Italy\",1,30\n,Oslo,,\nc,\"say \"\"hi\"\"\",,7.5\n",
    ] {
      batch.reset()
      #expect(
        try Array(text.utf8).withUnsafeBytes { try rows.append(texts: $0, to: &batch) } == 3 && same(wanted, batch))
    }
    #expect(throws: RequestRows.Unfit.self) {
      try Array("age,city\n1,Rome\n".utf8).withUnsafeBytes { try rows.append(texts: $0, to: &batch) }
    }
    batch.reset()
    let texts = String(decoding: try JSONEncoder().encode(Self.lines.map { String($0.dropLast()) }), as: UTF8.self)
    #expect(try rows.append(json: Data(texts.utf8), most: 3, to: &batch) == 3 && same(wanted, batch))
    #expect(try rows.append(json: Data("[]".utf8), most: 3, to: &batch) == 0 && batch.rows == 3)
  }

  @Test(
    "A row that cannot be read is named, and nothing of the others is taken",
    arguments: [
      ("[{\"age\": 1}, {\"aeg\": 1}]", "row 1: there is no column \"aeg\". Is it \"age\"?"),
      ("[{\"age\": \"old\"}]", "row 0: age: expected a number or nothing, found \"old\""),
      ("[{\"age\": [1]}]", "row 0: age: expected a number, a text or null"),
      ("[1]", "row 0: expected an object"), ("[\"a\\nb\"]", "row 0: a row is one line"),
      ("{\"row\": 1}", "expected an array"),
      ("[{}", "not JSON"), ("", "not JSON"), ("[{}, {}, {}, {}]", "4 rows; send at most 3"),
      ("[\"1,2\"]", "row 0: expected 4 comma-separated columns, found 2"), ("[{\"city\": \"\\u0000\"}]", "NUL"),
    ])
  func bad(body: String, reason: String) throws {
    let scratch = try Scratch()
    let (_, rows) = try read(scratch)
    var batch = Batch(fields: 3)
    do {
      try rows.append(json: Data(body.utf8), most: 3, to: &batch)
      Issue.record("\(body) was taken")
    } catch { #expect("\(error)".contains(reason), "\(error)") }
    #expect(batch.rows == 0)
  }

  @Test("Rows without columns are texts")
  func features() throws {
    let scratch = try Scratch()
    let index = try scratch.index([scratch.file("a.libfm", "1 3:1 7:0.5\n0 4:1 7:1\n")], .libfm)
    let rows = RequestRows(index.encoding, vocabulary: nil)
    var batch = Batch(fields: 2)
    #expect(try rows.append(json: Data("[\"0 3:1 7:0.5\", \"? 4:1 7:1\"]".utf8), most: 9, to: &batch) == 2)
    #expect(try same(scratch.rows(index), batch))
    #expect(throws: RequestRows.Bad.self) {
      try rows.append(json: Data("[{\"3\": 1}]".utf8), most: 9, to: &batch)
    }
  }

  @Test("A separator within a value is refused where the data have no quotes")
  func separators() throws {
    let scratch = try Scratch()
    let row =
      "1\t" + (1...13).map { "\($0)" }.joined(separator: "\t") + "\t"
      + (1...26).map { "c\($0)" }.joined(separator: "\t")
    let index = try scratch.index([scratch.file("a.txt", row + "\n")], .criteo)
    let rows = RequestRows(index.encoding, vocabulary: nil)
    var batch = Batch(fields: 39)
    #expect(throws: RequestRows.Bad.self) {
      try rows.append(json: Data("[{\"C1\": \"a\\tb\"}]".utf8), most: 9, to: &batch)
    }
    #expect(try rows.append(json: Data("[{\"C1\": \"a\\\"b\", \"I1\": true}]".utf8), most: 9, to: &batch) == 1)
  }
}
