import Foundation
import Testing

@testable import Features

struct SchemaTests {
  @Test("Every preset is what it shows, and survives being written and read", arguments: SchemaPreset.allCases)
  func presets(preset: SchemaPreset) throws {
    let schema = try preset.schema()
    #expect(try Schema.named(preset.rawValue) == schema)
    #expect(try Schema(yaml: schema.yaml, file: "again") == schema)
    #expect(preset.yaml.hasPrefix("#"), "it explains itself")
  }

  @Test("The criteo preset spells out what the format alone means")
  func criteo() throws {
    let scratch = try Scratch()
    let row = (["1"] + (0..<39).map { "\($0)" }).joined(separator: "\t") + "\n"
    let file = try scratch.file("a", row)
    let short = try scratch.index([file], Schema(format: .criteo))
    let long = try scratch.index([file], SchemaPreset.criteo.schema())
    #expect(short.encoding == long.encoding && short.fields == 39)
  }

  @Test("A schema is read as it is written, a field by its name alone too")
  func reading() throws {
    let schema = try Schema(
      yaml: """
        format: csv
        separator: tab
        label: rating >= 4
        timestamp: time
        ignore: [id]
        missing: ["", NA]
        fields:
          - user
          - {name: age, type: numeric, transform: min-max, missing: mean}
          - {name: price, type: numeric, missing: -1.5}
          - {name: tags, type: multi-valued, separator: ";", pooling: sum, missing: own}
          - {name: friend, vocabulary: user}
        """, file: "s.yaml")
    #expect(schema.separatorByte == 9 && schema.label == LabelRule(column: "rating", .greaterOrEqual, 4))
    #expect(schema.timestamp == "time" && schema.ignore == ["id"] && schema.missing == ["", "NA"])
    #expect(
      schema.fields == [
        FieldSchema("user"), FieldSchema("age", .numeric, transform: .minMax, missing: .mean),
        FieldSchema("price", .numeric, missing: .number(-1.5)),
        FieldSchema("tags", .multiValued, separator: ";", pooling: .sum, missing: .own),
        FieldSchema("friend", vocabulary: "user"),
      ])
    #expect(try Schema(yaml: schema.yaml, file: "again") == schema)
  }

  @Test(
    "Label rules are a column, or a column, a comparison and a number",
    arguments: [
      ("click", "click"), ("rating >= 4", "rating >= 4"), ("x<0.5", "x < 0.5"), ("a b != -1", "a b != -1"),
      ("dwell > 1e3", "dwell > 1000"), ("r == 5", "r == 5"), ("r <= 5", "r <= 5"),
    ])
  func labels(text: String, canonical: String) {
    #expect(LabelRule(text)?.text == canonical)
  }

  @Test(
    "A rule without a number or a column is none",
    arguments: ["", "  ", "rating >=", ">= 4", "rating >= many", "x > nan"])
  func badLabels(text: String) { #expect(LabelRule(text) == nil) }

  private static let badSchemas: [(String, String)] = [
    ("formt: csv", "unknown key \"formt\". Did you mean \"format\"?"),
    ("format: xml", "format: \"xml\" cannot be used: did you mean"),
    ("fields: [{name: a, typ: numeric}]", "unknown key \"typ\". Did you mean \"type\"?"),
    ("fields: [{name: a, type: numerical}]", "type: \"numerical\" cannot be used: did you mean \"numeric\"?"),
    ("fields: [{name: a, transform: raw}]", "transform: \"raw\" cannot be used: a is not numeric"),
    ("fields: [{name: a, pooling: sum}]", "it is not multi-valued"),
    ("fields: [a, a]", "it is listed twice"),
    ("fields: [label]", "the label is no field"),
    ("ignore: [a]\nfields: [a]", "it is ignored too"),
    ("fields: [{name: a, vocabulary: b}]", "name a field of categories"),
    ("fields: [{name: a, missing: mean}]", "only a numeric field"),
    ("fields: [{name: a, missing: never}]", "there is no rule \"never\""),
    ("fields: [{name: a, type: numeric, buckets: 3}]", "they go with `transform: quantile`"),
    ("fields: [{name: a, type: numeric, transform: quantile, buckets: 1}]", "choose 2 to"),
    ("separator: ab", "choose one ASCII character, or tab"),
    ("header: false", "name the columns"),
    ("header: true\ncolumns: [a, b]", "leave them out"),
    ("format: libsvm\nfields: [a]", "give field a a range"),
    ("format: libsvm\nfields: [{name: a, indices: 1-5}, {name: b, indices: 5-9}]", "it overlaps"),
    ("format: libffm\nfields: [a]", "libffm's rows number their fields themselves"),
    ("label: rating >= x", "is no rule"),
    ("- a", "holds no `key: value` lines"), ("a: [", "s.yaml: "), ("label: [1]", "s.yaml: "),
  ]

  @Test("A mistake in a schema is one line that names the file and the way out", arguments: badSchemas)
  func mistakes(yaml: String, message: String) {
    let error = #expect(throws: SchemaError.self) { try Schema(yaml: yaml, file: "s.yaml") }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    #expect(error?.description.hasPrefix("s.yaml: ") == true && error?.description.contains("\n") == false)
  }

  @Test("A name that is neither preset nor file suggests the nearest preset")
  func unknownName() {
    let error = #expect(throws: SchemaError.self) { try Schema.named("movielense") }
    #expect(error?.description.contains("did you mean \"movielens\"?") == true)
  }

  @Test("A column that the data lack is named with the nearest one they have")
  func noColumn() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,user,item\n1,a,b\n")
    for schema in [
      Schema(fields: [FieldSchema("usr")]), Schema(label: LabelRule(column: "lable")), Schema(ignore: ["itm"]),
      Schema(timestamp: "usre"),
    ] {
      let error = #expect(throws: SchemaError.self) { try scratch.index([file], schema) }
      #expect(error?.description.contains("did you mean") == true)
    }
  }

  @Test("A schema is proposed from a header and a sample")
  func inference() throws {
    let scratch = try Scratch()
    var text = "id;price;clicked;tags;city;created_at\n"
    for row in 0..<500 {
      text +=
        "u\(row);\(Double(row) / 7);\(row % 3 == 0 ? 1 : 0);t\(row % 4)|t\(row % 5);\(row % 10 == 0 ? "NA" : "c\(row % 7)");2024-01-01\n"
    }
    let file = try scratch.file("a.csv.gz", scratch.gzip(text))
    let inference = try SchemaInference(file: file)
    #expect(
      inference.rows == 500
        && inference.columns.map(\.name) == ["id", "price", "clicked", "tags", "city", "created_at"])
    #expect(
      inference.schema
        == Schema(
          separator: ";", label: LabelRule(column: "clicked"), timestamp: TimestampRule("created_at", format: .iso),
          ignore: ["id"],
          missing: ["", "NA"],
          fields: [
            FieldSchema("price", .numeric, transform: .standardise),
            FieldSchema("tags", .multiValued, separator: "|", pooling: .mean), FieldSchema("city"),
          ]))
    let city = inference.columns[4]
    #expect(city.distinct == 7 && abs(city.missing - 0.1) < 1e-9 && city.role == "categorical")
    // What is proposed reads the file.
    #expect(try scratch.index([file], inference.schema).rows == 500)
  }

  @Test(
    "Formats without columns are recognised",
    arguments: [
      ("1 1:1 2:0.5\n-1 3:1 4:2\n", DataFormat.libfm), ("1 1:1 2:0.5\n-1 3:1\n", .libsvm),
      ("1 0:1:1\n0 1:7:1 2:8:1\n", .libffm),
    ])
  func inferredFormats(text: String, format: DataFormat) throws {
    let scratch = try Scratch()
    #expect(try SchemaInference(file: scratch.file("a", text)).schema == Schema(format: format))
  }
}
