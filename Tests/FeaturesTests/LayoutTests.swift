import Foundation
import Testing

@testable import Features

/// Files that are not quite what the format says, and not less clear for it.
struct LayoutTests {
  private static func key(_ text: String, _ field: Int = 0) -> UInt64 { FeatureHash.key(text, field: field) }

  private static let wanted = [key("a"), key("x", 1), key("b"), key("y", 1)]

  private func check(_ text: String, _ schema: Schema = Schema(), _ scratch: Scratch) throws {
    let index = try scratch.index([scratch.file("a.csv", text)], schema)
    let rows = try scratch.rows(index)
    #expect(
      index.fieldNames == ["u", "v"] && rows.keys == Self.wanted && rows.labels == [1, 0], "\(text.debugDescription)")
  }

  @Test(
    "Line ends, separators at the end, blanks, an index without a name, a header that is repeated",
    arguments: [
      "label,u,v\n1,a,x\n0,b,y\n", "label,u,v\r\n1,a,x\r\n0,b,y\r\n", "label,u,v\r1,a,x\r0,b,y\r",
      "label,u,v\r1,a,x\r0,b,y",
      "label,u,v,\n1,a,x,\n0,b,y,\n", "label,u,v\n1,a,x,\n0,b,y,\n", " label , u,v\n1,a,x\n0,b,y\n",
      ",label,u,v\n0,1,a,x\n1,0,b,y\n", "label,u,v\n1,a,x\nlabel,u,v\n0,b,y\nlabel,u,v\n",
      "label,u,v\r\n1,a,x\r\nlabel,u,v\r\n0,b,y\r\n", "\u{FEFF}label,u,v\n 1,a,x\n0 ,b,y\n",
    ])
  func texts(text: String) throws { try check(text, Schema(), Scratch()) }

  @Test("Blanks around values are no part of them where the schema says so; numbers may have some anyway")
  func blanks() throws {
    let scratch = try Scratch()
    try check("label, u, v\n1, a, x\n0,\tb , y\n", Schema(trim: true), scratch)
    let padded = Schema(fields: [FieldSchema("n", .numeric, transform: .raw)])
    #expect(
      try scratch.rows(scratch.index([scratch.file("n.csv", "label,n\n1,  1.5\n0, 2 \n")], padded)).values == [1.5, 2])
    #expect(try scratch.rows(scratch.index([scratch.file("k.csv", "label,u\n1, a\n")], .csv)).keys == [Self.key(" a")])
  }

  @Test("Names that come twice are told apart")
  func names() throws {
    #expect(FileHeader.names(["a", "a", "b", "a", "a.1", ""]) == ["a", "a.1", "b", "a.2", "a.1.1"])
    #expect(FileHeader.names(["", " c ", ""]) == ["Unnamed: 0", "c"])
    let scratch = try Scratch()
    let index = try scratch.index([scratch.file("a.csv", "label,user,user\n1,u1,a\n")], .csv)
    #expect(index.fieldNames == ["user", "user.1"])
  }

  @Test("Columns are found by their names, in any order, among others, with or without a label")
  func byName() throws {
    let scratch = try Scratch()
    let first = try scratch.file("1.csv", "label,u,v\n1,a,x\n0,b,y\n")
    let second = try scratch.file("2.csv", "extra,v,label,u\n?,x,1,a\n?,y,0,b\n")
    let both = try scratch.index([first, second], .csv, chunkBytes: 8)
    let rows = try scratch.rows(both)
    #expect(rows.keys == Self.wanted + Self.wanted && rows.labels == [1, 0, 1, 0])
    // What a worker is sent says so, too.
    let partition = Partition(slice: 0, files: both.files, chunks: both.chunks, numbers: Array(both.chunks.indices))
    #expect(try Partition(decoding: partition.encoded()) == partition && both.files[1].columns != nil)
    for text in [
      "v,u\nx,a\ny,b\n", "u,v,label\na,x,\nb,y,\n", "label,u,v\nwhat,a,x\never,b,y\n", "z,v,u,w\n,x,a,\n,y,b,\n",
    ] {
      let new = try scratch.file("new.csv", text)
      let index = try DatasetIndex.build(
        [new], encoding: both.encoding, ReadingOptions(spool: scratch.path, labels: false))
      #expect(try scratch.rows(index).keys == Self.wanted && index.remarks == nil)
      if text.hasPrefix("z") {
        var texts: [[String]] = []
        try ColumnTexts(index, columns: ["w", "u"]).forEachRow { texts.append($0) }
        #expect(texts == [["", "a"], ["", "b"]])
      }
    }
    let lacking = try scratch.file("new.csv", "u,label\na,1\n")
    for labels in [true, false] {
      let error = #expect(throws: DatasetError.self) {
        try DatasetIndex.build([lacking], encoding: both.encoding, ReadingOptions(spool: scratch.path, labels: labels))
      }
      #expect(error?.description.contains("new.csv:1: there is no column \"v\", which is a field of the model") == true)
    }
    let unlabelled = try scratch.file("new.csv", "u,v\na,x\n")
    let error = #expect(throws: DatasetError.self) {
      try DatasetIndex.build([unlabelled], encoding: both.encoding, ReadingOptions(spool: scratch.path))
    }
    #expect(error?.description.contains("no column \"label\", which is the label") == true)
    let bare = try scratch.file("new.csv", "1,a,x\n0,b,y\n")
    #expect(throws: DatasetError.self) { try scratch.index([first, bare], .csv) }
  }

  @Test("Rows without a header or columns may lack their labels too")
  func unlabelled() throws {
    let scratch = try Scratch()
    let row = (1...39).map { $0 < 14 ? "\($0)" : "c\($0)" }.joined(separator: "\t")
    let train = try scratch.index([scratch.file("a", "1\t\(row)\n0\t\(row)\n")], .criteo)
    let options = ReadingOptions(spool: scratch.path, labels: false)
    let new = try DatasetIndex.build([scratch.file("b", row + "\n")], encoding: train.encoding, options)
    #expect(try scratch.rows(new).keys == Array(scratch.rows(train).keys.prefix(39)))
    let indexed = try scratch.index([scratch.file("c", "1 3:1 4:1\n")], .libfm)
    for text in ["3:1 4:1\n", "0 3:1 4:1\n", "? 3:1 4:1\n"] {
      let new = try DatasetIndex.build([scratch.file("d", text)], encoding: indexed.encoding, options)
      #expect(try scratch.rows(new).keys == [3, 4])
    }
  }

  @Test("A directory is what its data files are: no marks, no hidden files; empty parts are passed over and told")
  func spark() throws {
    let scratch = try Scratch()
    let folder = scratch.path + "/out"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in [
      ("_SUCCESS", ""), ("._SUCCESS.crc", "crc"), ("_committed_1", "{}"), ("part-00000.csv", ""),
      ("part-00001.csv", "label,u,v\n"), ("part-00002.csv", "label,u,v\n1,a,x\n"),
      ("part-00003.csv", "v,label,u\ny,0,b\n"),
    ] { _ = try scratch.file("out/" + name, text) }
    let index = try scratch.index([folder], .csv)
    #expect(try index.rows == 2 && scratch.rows(index).keys == Self.wanted)
    #expect(index.remarks?.first?.hasPrefix("2 of 4 files have no rows: \(folder)/part-00000.csv") == true)
    #expect(try SchemaInference(file: folder).schema.label == LabelRule(column: "label"))
  }

  @Test("Folders that say key=value are columns")
  func hive() throws {
    let scratch = try Scratch()
    for (folder, text) in [("v=x/p=1", "label,u\n1,a\n"), ("v=y/p=%2F", "u,label\nb,0\n")] {
      try FileManager.default.createDirectory(atPath: "\(scratch.path)/t/\(folder)", withIntermediateDirectories: true)
      _ = try scratch.file("t/\(folder)/part-0", text)
    }
    for name in ["t", "t/", "t/v=*/p=*", "t/*/*/part-*"] {
      let index = try scratch.index(["\(scratch.path)/\(name)"], Schema(ignore: ["p"]))
      let rows = try scratch.rows(index)
      #expect(index.fieldNames == ["u", "v"] && rows.keys == Self.wanted && rows.labels == [1, 0])
    }
    let index = try scratch.index([scratch.path + "/t"], .csv)
    #expect(try scratch.rows(index).keys.suffix(1) == [Self.key("/", 2)])
    // A file that is named by itself says nothing beyond its rows.
    #expect(try scratch.index([scratch.path + "/t/v=x/p=1/part-0"], .csv).fieldNames == ["u"])
  }

  @Test("libsvm: queries and comments are passed over, indices reach from 0 to 2^64 - 1, lines may end with CR LF")
  func libsvm() throws {
    let scratch = try Scratch()
    let schema = Schema(
      format: .libsvm,
      fields: [
        FieldSchema("a", indices: "0-9"), FieldSchema("b", indices: "18446744073709551610-18446744073709551615"),
      ])
    let index = try scratch.index(
      [scratch.file("a", "1 qid:3 0:1 18446744073709551615:0.5 # x\r\n-1 9:1\r\n")], schema)
    let rows = try scratch.rows(index)
    #expect(rows.keys == [0, .max, 9] && rows.values == [1, 0.5, 1] && rows.labels == [1, 0])
    let plain = try scratch.index([scratch.file("b", "1 1:1 3:1\r\n0 2:1 4:1\r\n1 1:1 4:1\r\n")], .libsvm)
    #expect(plain.fieldNames == ["1", "2", "3", "4"])
    for text in ["1 9223372036854775808:1\n", "1 0:1 18446744073709551615:1\n"] {
      _ = try? scratch.index([scratch.file("c", text)], .libsvm)
      _ = try? scratch.index([scratch.file("c", text)], .libffm)
    }
    let wide = #expect(throws: SchemaError.self) {
      try scratch.index([scratch.file("d", "1 0:1 18446744073709551615:1\n")], .libsvm)
    }
    #expect(wide?.description.contains("a row has at most 4096") == true)
    let ffm = #expect(throws: SchemaError.self) {
      try scratch.index([scratch.file("e", "1 18446744073709551615:1:1\n")], .libffm)
    }
    #expect(ffm?.description.contains("below 2^63") == true)
  }
}
