import Foundation
import Testing

@testable import Features

/// What is proposed for a file, which is what training then does.
struct InferenceTests {
  private func infer(_ text: String) throws -> SchemaInference {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", text)
    let inference = try SchemaInference(file: file)
    // It reads the file, as its YAML.
    _ = try scratch.index([file], Schema(yaml: inference.schema.yaml, file: "inferred"))
    return inference
  }

  private static func rows(_ count: Int, _ row: (Int) -> String) -> String {
    (0..<count).map { row($0) + "\n" }.joined()
  }

  @Test(
    "A header is known by what it says, and its columns by their names",
    arguments: [
      ("label,user,user\n1,u1,a\n0,u2,a\n", ["label", "user", "user.1"]),
      (",label,user\n0,0,u0\n1,1,u1\n", ["Unnamed: 0", "label", "user"]),
      ("label,user,\n1,u1,\n0,u2,\n", ["label", "user"]), ("label,user\n1,u1,\n0,u2,\n", ["label", "user"]),
      ("label, x\n1, 1.5\n0, 2.5\n", ["label", "x"]), ("a,b\nlabel\r\n", []),
      ("label,user\n1,u1\nlabel,user\n0,u2\n", ["label", "user"]),
    ])
  func headers(text: String, names: [String]) throws {
    guard !names.isEmpty else {
      #expect(throws: (any Error).self) { try infer(text) }
      return
    }
    let inference = try infer(text)
    #expect(inference.columns.map(\.name) == names && inference.schema.header == nil)
    #expect(inference.schema.label == LabelRule(column: "label"))
    #expect(inference.schema.ignore == (names[0].hasPrefix("Unnamed") ? ["Unnamed: 0"] : []))
  }

  @Test("Without a header, a last column that is missing here and there is no end of the row, unless it is in all rows")
  func lastColumn() throws {
    let rows = Self.rows(60) { "\($0 % 2),a\($0 % 3),\($0 % 4 == 0 ? "" : "\($0 % 5)")" }
    let inference = try infer(rows)
    #expect(inference.rows == 60 && inference.columns.map(\.name) == ["column1", "column2", "column3"])
    #expect(abs(inference.columns[2].missing - 0.25) < 1e-9)
    let ended = try infer(Self.rows(60) { "\($0 % 2),a\($0 % 3)," })
    #expect(ended.rows == 60 && ended.columns.map(\.name) == ["column1", "column2"])
  }

  @Test("UCI's layout: no header, blanks behind commas, the label a text in the last column")
  func uci() throws {
    let inference = try infer(
      "39, State-gov, 13, <=50K\n50, Private, 9, >50K\n38, ?, 10, <=50K\n41, Private, 9, <=50K\n")
    #expect(inference.schema.header == false && inference.schema.trim == true)
    #expect(inference.schema.label == LabelRule(column: "column4", .texts(positive: [">50K"], negative: ["<=50K"])))
    #expect(inference.schema.missing == ["", "?"])
    #expect(inference.remarks.contains { $0.contains("\"<=50K\" in 3 rows, \">50K\" in 1 rows") })
    #expect(inference.remarks.contains { $0.contains("is a guess: it has two values") })
  }

  @Test(
    "The label is what is called so; else a guess that says what else it could be; else a person is asked",
    arguments: [
      ("sex,buys\nm,no\nf,yes\nm,no\n", "buys", "So have sex"),
      ("user,clicked,sex\n1,0,m\n2,1,f\n3,0,f\n", "clicked", nil),
      ("y,x\n1,a\n2,b\n1,c\n", "y == 2", "that \"2\" is the click is a guess"),
      ("class,sex\nyes,m\nno,f\nno,m\n", "class", "So have sex"),
      ("label,z\n0,a\n-1,b\n0,c\n", "label == 0", "is a guess"),
      ("outcome,x\nspam,a\nham,b\nham,c\n", "outcome == spam", "is a guess"),
      ("user,rating\n1,1\n2,5\n3,4\n4,3\n5,2\n", "rating >= 4", "Choose another threshold"),
      ("click,x\n1,a\n1,b\n", "click", "all rows looked at are of one class"),
      ("a,b,c\nx,1,2\ny,2,3\nz,3,5\n", nil, nil),
    ] as [(String, String?, String?)])
  func labels(text: String, label: String?, says: String?) throws {
    guard let label else {
      let error = #expect(throws: DatasetError.self) { try infer(text) }
      #expect(error?.description.contains("none of its columns (a, b, c) has two values") == true)
      return
    }
    let inference = try infer(text)
    #expect(inference.schema.label.text == label)
    #expect(
      says.map { says in inference.remarks.contains { $0.contains(says) } } ?? !inference.remarks.contains {
        $0.contains("guess")
      })
  }

  @Test("Counts are amounts, names of things are none, whatever their number of values")
  func amounts() throws {
    var random = SplitMix(5)
    var rates: [Int: Double] = [:]
    let inference = try infer(
      "label,views,c17,user,small,price,age,balance,code\n"
        + Self.rows(8000) { _ in
          let draw = Double.random(in: 0..<1, using: &random)
          let views = Int(exp(7 * draw * draw)) - 1
          let thing = Int(exp(7 * Double.random(in: 0..<1, using: &random)))
          // A name's rate is its own, and neighbours' are others.
          let rate = rates[thing] ?? Double.random(in: 0..<1, using: &random)
          rates[thing] = rate
          let isClick = Double.random(in: 0..<1, using: &random) < 0.2 + 0.3 * draw + 0.3 * rate
          return
            "\(isClick ? 1 : 0),\(views),\(thing),\(Int(draw * 500)),\(Int(draw * 9)),\(draw),\(20 + Int(draw * 50)),"
            + "\(Int(draw * 2e6) - 100_000),\(100_000 + thing)"
        })
    let fields = Dictionary(uniqueKeysWithValues: inference.schema.fields!.map { ($0.name, $0) })
    #expect(fields["views"] == FieldSchema("views", .numeric, transform: .log1p))
    #expect(
      fields["c17"] == FieldSchema("c17") && fields["user"] == FieldSchema("user")
        && fields["code"] == FieldSchema("code"))
    #expect(fields["small"] == FieldSchema("small"))
    #expect(fields["price"] == FieldSchema("price", .numeric, transform: .standardise))
    #expect(fields["age"] == FieldSchema("age", .numeric, transform: .standardise))
    #expect(fields["balance"] == FieldSchema("balance", .numeric, transform: .log1p))
  }

  @Test(
    "Columns of times are found with their format; what is ambiguous is said",
    arguments: [
      ("hour", ["14102100", "14102101"], "YYMMDDHH"), ("date", ["20141021", "20141101"], "YYYYMMDD"),
      ("timestamp", ["874965758", "874965759"], "seconds"),
      ("created_at", ["2014-10-21 00:30", "2014-10-22 01:00"], "iso"),
      ("time", ["21.10.2014", "01.11.2014"], "day-first"), ("time", ["01/02/2014", "03/04/2014"], nil),
      ("time", ["soon", "late"], nil),
    ] as [(String, [String], String?)])
  func times(name: String, values: [String], format: String?) throws {
    let inference = try infer("label,x,\(name)\n" + Self.rows(40) { "\($0 % 2),a\($0 % 3),\(values[$0 / 2 % 2])" })
    #expect(inference.schema.timestamp?.format?.text == format)
    #expect(
      inference.remarks.contains { $0.contains("may be day-first or month-first") } == values[0].hasPrefix("01/02"))
  }
}
