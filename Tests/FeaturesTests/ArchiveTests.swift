import Foundation
import Testing

@testable import Features

/// Data as people keep them: compressed, put together, in other programs' formats.
struct ArchiveTests {
  private static let text = "label,u\n1,a\n0,b\n"
  private static let keys = [FeatureHash.key("a", field: 0), FeatureHash.key("b", field: 0)]

  /// Runs a command of the shell in the scratch's folder; false where there is no such program.
  private func shell(_ command: String, _ scratch: Scratch) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
    process.arguments = ["-c", command]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    if process.terminationStatus != 0 { print("skipped: `\(command)` cannot be run") }
    return process.terminationStatus == 0
  }

  @Test(
    "Whatever a file is compressed with, it is read",
    arguments: [
      "gzip -c a.csv > x", "(head -n 2 a.csv | gzip -c; tail -n 1 a.csv | gzip -c) > x",
      "(gzip -c a.csv; head -c 700 /dev/zero) > x", "xz -c a.csv > x", "bzip2 -c a.csv > x", "tar cf x a.csv",
      "tar czf x a.csv", "tar cJf x a.csv", "python3 -m zipfile -c x a.csv", "gzip -c a.csv | gzip -c > x",
    ])
  func compressed(command: String) throws {
    let scratch = try Scratch()
    _ = try scratch.file("a.csv", Self.text)
    guard try shell(command, scratch) else { return }
    let index = try scratch.index([scratch.path + "/x"], .csv)
    #expect(try scratch.rows(index).keys == Self.keys)
    #expect(try SchemaInference(file: scratch.path + "/x").columns.map(\.name) == ["label", "u"])
    // Nothing but what is read is left of what was made on the way.
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/spool").count == 1)
  }

  @Test("Frames that zstd passes over may stand anywhere")
  func skippable() throws {
    let scratch = try Scratch()
    let frame = Data([0x50, 0x2A, 0x4D, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])
    let (first, second) = (try scratch.zstd("label,u\n1,a\n"), try scratch.zstd("0,b\n"))
    let index = try scratch.index([scratch.file("a.zst", frame + first + frame + second)], .csv)
    #expect(try scratch.rows(index).keys == Self.keys)
  }

  @Test("An archive is the data files in it")
  func members() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(atPath: scratch.path + "/d", withIntermediateDirectories: true)
    _ = try scratch.file("d/1.csv", "label,u\n1,a\n")
    _ = try scratch.file("d/2.csv.gz", scratch.gzip("u,label\nb,0\n"))
    _ = try scratch.file("d/_SUCCESS", "")
    for command in ["tar czf x --sort=name d", "python3 -m zipfile -c x d"] {
      guard try shell(command, scratch) else { continue }
      let index = try scratch.index([scratch.path + "/x"], .csv)
      #expect(try scratch.rows(index).keys == Self.keys)
      #expect(index.files.map(\.name) == [scratch.path + "/x/d/1.csv", scratch.path + "/x/d/2.csv.gz"])
    }
  }

  @Test("What is damaged is said to be that", arguments: ["xz -c", "bzip2 -c", "gzip -c"])
  func damaged(program: String) throws {
    let scratch = try Scratch()
    _ = try scratch.file(
      "a.csv", "label,u\n" + (0..<20_000).map { "\($0 % 2),\($0 &* 2_654_435_761 % 9973)\n" }.joined())
    guard try shell("\(program) a.csv > x", scratch) else { return }
    let whole = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/x"))
    var flipped = whole
    flipped[whole.count / 2] ^= 4
    for bad in [flipped, whole.dropLast(whole.count / 3)] {
      let error = #expect(throws: DatasetError.self) { try scratch.index([scratch.file("y", bad)], .csv) }
      #expect(
        error?.description.contains("/y: ") == true && error?.description.contains("again") == true,
        "\(error?.description ?? "")")
    }
  }

  @Test("Files of other programs are known, and the command that makes text of them is told")
  func foreign() throws {
    let scratch = try Scratch()
    for (bytes, says) in [
      (Array("ARROW1\0\0".utf8), "an Arrow file"), (Array("ORC".utf8) + [0, 1], "an ORC file"),
      ([0x93] + Array("NUMPY".utf8), "numpy's array"), (Array("SQLite format 3\0".utf8), "an SQLite database"),
      (Array("PK\u{3}\u{4}........................[Content_Types].xml".utf8), "an Excel workbook"),
    ] {
      let file = try scratch.file("a", Data(bytes))
      let error = #expect(throws: DatasetError.self) { try scratch.index([file], .csv) }
      #expect(error?.description.contains("it is \(says). Write its rows to a text file") == true)
      #expect(error?.description.contains(file) == true)
    }
  }

  @Test("Parquet is read: columns by name, dictionaries, numbers, booleans, lists, times, what is missing")
  func parquet() throws {
    let scratch = try Scratch()
    let make = """
      duckdb -c "COPY (SELECT i % 2 = 0 AS click, 'u' || i % 3 AS user, i / 4.0 AS price, CASE WHEN i > 3 THEN i END AS seen,
      ['t' || i % 2, 'all'] AS tags, TIMESTAMP '2014-10-21 00:30:00' + INTERVAL (i) MINUTE AS at
      FROM range(10) t(i)) TO '$0' (FORMAT parquet)"
      """
    guard try shell(make.replacing("$0", with: "a.parquet"), scratch) else { return }
    let file = scratch.path + "/a.parquet"
    let inferred = try SchemaInference(file: file)
    #expect(inferred.schema.label == LabelRule(column: "click"), "\(inferred.columns)")
    #expect(inferred.schema.fields?.contains(FieldSchema("tags", .multiValued, separator: "|", pooling: .mean)) == true)
    #expect(inferred.schema.timestamp == TimestampRule("at", format: .iso))
    let schema = Schema(
      label: LabelRule(column: "click"), timestamp: "at",
      fields: [
        FieldSchema("tags", .multiValued, separator: ";"), FieldSchema("price", .numeric, transform: .raw),
        FieldSchema("user"), FieldSchema("seen"),
      ])
    let index = try scratch.index([file], schema)
    let rows = try scratch.rows(index)
    #expect(rows.rows == 10 && index.positives == 5 && rows.labels[..<2] == [1, 0])
    #expect(rows.keys[..<2] == [FeatureHash.key("t0", field: 0), FeatureHash.key("all", field: 0)])
    #expect(rows.values[..<3] == [0.5, 0.5, 0] && rows.keys[3] == FeatureHash.key("u0", field: 2))
    #expect(rows.keys[4] == FeatureHash.missing(field: 3))
    let paths = [scratch.path + "/x", scratch.path + "/y"]
    #expect(
      try Splitter(index, rule: .byTime("at", format: nil), ratio: [7, 3]).write(to: paths).map(\.rows) == [7, 3])
    // Without a label, for a model that was trained on text.
    let text = try scratch.file("t.csv", "click,user,price\ntrue,u0,1\nfalse,u1,2\n")
    let known = try scratch.index([text], Schema(label: LabelRule(column: "click")))
    let make2 = "duckdb -c \"COPY (SELECT 7 AS price, 'u1' AS user) TO 'b.parquet' (FORMAT parquet)\""
    guard try shell(make2, scratch) else { return }
    let new = try DatasetIndex.build(
      [scratch.path + "/b.parquet"], encoding: known.encoding,
      ReadingOptions(spool: scratch.path + "/spool", labels: false))
    #expect(try scratch.rows(new).keys == [FeatureHash.key("u1", field: 0), FeatureHash.key("7", field: 1)])
    var broken = try Data(contentsOf: URL(fileURLWithPath: file))
    broken.removeLast(40)
    let error = #expect(throws: DatasetError.self) { try scratch.index([scratch.file("c.parquet", broken)], schema) }
    #expect(error?.description.contains("c.parquet: cannot be read: ") == true)
  }
}
