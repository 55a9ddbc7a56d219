import Testing

@testable import Features

struct ParserTests {
  private static func criteo(_ label: String, _ integers: [String], _ categories: [String]) -> String {
    ([label] + integers + Array(repeating: "", count: 13 - integers.count) + categories
      + Array(repeating: "", count: 26 - categories.count)).joined(separator: "\t")
  }

  @Test("Criteo's integers become floor(ln(v)^2) above 2, themselves below, and missing is a category")
  func criteoIntegers() throws {
    #expect([-3, -1, 0, 1, 2, 3, 10, 100, 5775].map { LogSquared.category($0) } == [-3, -1, 0, 1, 2, 1, 5, 21, 75])
    let scratch = try Scratch()
    let file = try scratch.file("a.txt", Self.criteo("1", ["-3", "0", "", "100", "123456789012"], ["68fd1e64"]) + "\n")
    let batch = try scratch.rows(scratch.index([file], .criteo))
    #expect(batch.rows == 1 && batch.fields == 39 && batch.labels == [1])
    #expect(batch.offsets == (0...39).map { Int32($0) } && batch.values.allSatisfy { $0 == 1 })
    #expect(batch.keys[0] == FeatureHash.key("i-3", field: 0))
    #expect(batch.keys[1] == FeatureHash.key("i0", field: 1))
    #expect(batch.keys[2] == FeatureHash.key("", field: 2))
    #expect(batch.keys[3] == FeatureHash.key("i21", field: 3))
    #expect(batch.keys[4] == FeatureHash.key("i\(LogSquared.category(123_456_789_012))", field: 4))
    #expect(batch.keys[13] == FeatureHash.key("68fd1e64", field: 13))
    #expect(batch.keys[14] == FeatureHash.key("", field: 14))
    #expect(Set(batch.keys).count == 39, "the same bytes in two fields have two keys")
  }

  @Test("Line ends of all kinds, and none at the end, give the same rows", arguments: ["\n", "\r\n"], [true, false])
  func lineEnds(end: String, last: Bool) throws {
    let scratch = try Scratch()
    let lines = [Self.criteo("0", ["1"], ["a"]), Self.criteo("1", ["2"], []), Self.criteo("0", [], ["b", "c"])]
    let reference = try scratch.rows(scratch.index([scratch.file("r", lines.joined(separator: "\n"))], .criteo))
    let file = try scratch.file("a", lines.joined(separator: end) + (last ? end : ""))
    let batch = try scratch.rows(scratch.index([file], .criteo))
    #expect(batch.keys == reference.keys && batch.labels == [0, 1, 0])
    let trailing = try scratch.file("t", lines.joined(separator: end) + end + end)
    #expect(try scratch.rows(scratch.index([trailing], .criteo)).keys == reference.keys)
  }

  @Test("libfm: the j-th feature is field j, the key its index, the value its number")
  func libfm() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a", "1 3:1 70:0.5 9:-2e-1\n-1 4:1  71:1\t9:3\n")
    let batch = try scratch.rows(scratch.index([file], .libfm))
    #expect(batch.fields == 3 && batch.labels == [1, 0])
    #expect(batch.keys == [3, 70, 9, 4, 71, 9])
    #expect(batch.values == [1, 0.5, -0.2, 1, 1, 3])
  }

  @Test("csv: every column but the label is a category, quotes are taken off")
  func csv() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a", "user,label,\"it,em\"\nu1,1,\"a \"\"b\"\"\"\nu2,0,\n")
    let index = try scratch.index([file], .csv)
    let batch = try scratch.rows(index)
    #expect(index.fieldNames == ["user", "it,em"] && batch.labels == [1, 0])
    #expect(
      batch.keys == [
        FeatureHash.key("u1", field: 0), FeatureHash.key("a \"b\"", field: 1), FeatureHash.key("u2", field: 0),
        FeatureHash.key("", field: 1),
      ])
  }

  static let badFiles: [(DataFormat, String, String)] = [
    (.criteo, criteo("1", [], []) + "\n0\t1\t2\n", ":2: expected 40 tab-separated columns, found 3."),
    (.criteo, criteo("1", [], []) + "\t\t\n", ":1: expected 40 tab-separated columns, found 42."),
    (.criteo, criteo("maybe", [], []), ":1: expected the label 1, 0, -1, true, false, yes or no, found \"maybe\"."),
    (.criteo, criteo("2", [], []), ":1: expected the label 1, 0, -1, true, false, yes or no, found \"2\"."),
    (.criteo, criteo("1", ["1", "x2"], []), ":1: I2: expected a number or nothing, found \"x2\"."),
    (.criteo, criteo("1", ["-"], []), ":1: I1: expected a number or nothing, found \"-\"."),
    (.criteo, criteo("1", ["1e99"], []), ":1: I1: expected a number"),
    (.criteo, criteo("1", ["0x10"], []), ":1: I1: expected a number"),
    (.criteo, criteo("1", ["nan"], []), ":1: I1: expected a number"),
    (.criteo, criteo("1", [], ["a\u{0}b"]), ":1: the row holds a NUL byte."),
    (.criteo, criteo("1", [], []) + "\n\n" + criteo("1", [], []), ":2: the line is empty."),
    (.libfm, "1 1:1 2:1\n1 1:1\n", ":2: expected 2 features as in the first row, found 1."),
    (.libfm, "1 1:1 2:1\n1 1:1 2:1 3:1\n", ":2: expected 2 features as in the first row, found more."),
    (.libfm, "x 1:1\n", ":1: expected the label 1, 0, -1, true, false, yes or no, found \"x\"."),
    (.libfm, "1 a:1\n", ":1: expected index:value, found \"a:1\"."),
    (.libfm, "1 1:nan\n", ":1: expected index:value, found \"1:nan\"."),
    (.libfm, "1 1:\n", ":1: expected index:value, found \"1:\"."),
    (.libfm, "1\n", ":1: expected `label index:value ...`"),
    (.csv, "label,a\n1,x\n1,x,y\n", ":3: expected 2 comma-separated columns, found 3."),
    (.csv, "label,a\nmaybe,x\n", ":2: expected the label 1, 0, -1, true, false, yes or no, found \"maybe\"."),
    (.csv, "label,a\n1,\"x\n", ":2: a quoted field does not end."),
    (.csv, "label,a\n1,\"x\"y\n", ":2: text follows a closing quote."),
    (.libfm, "1 -3:1\n", ":1: expected index:value, found \"-3:1\"."),
    (.libfm, "1 user=7:1\n", ":1: expected index:value, found \"user=7:1\"."),
    (.libfm, "1 18446744073709551616:1\n", ":1: expected index:value, found"),
    (.csv, "label\n1\n", ":1: the header has one column only"),
  ]

  @Test("A bad row is an error with file, line, value and way out", arguments: badFiles)
  func badRows(format: DataFormat, text: String, message: String) throws {
    let scratch = try Scratch()
    let file = try scratch.file("bad.txt", text)
    let error = #expect(throws: DatasetError.self) { try scratch.rows(scratch.index([file], format)) }
    #expect(error?.description.hasPrefix("\(file)\(message)") == true, "\(error?.description ?? "none")")
    #expect(error?.description.contains("\n") == false)
  }

  @Test("A line without end is refused, not swallowed")
  func longLine() throws {
    let scratch = try Scratch()
    for size in [RecordScan.longest + 10, 6 << 20] {
      let file = try scratch.file("long", String(repeating: "x", count: size))
      let error = #expect(throws: DatasetError.self) { try scratch.index([file], .criteo) }
      #expect(error?.description.contains(":1: the row is longer than 1 MiB") == true)
    }
  }
}
