import Foundation
import Testing

@testable import Features

struct InputFileTests {
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) -> Bool {
    FileManager.default.createFile(atPath: path, contents: Data(bytes))
  }

  private static let text = (0..<5000).map { "\($0 % 2) \($0):1 7:0.5\n" }.joined()

  @Test("gzip and zstd are recognised by their bytes, and read like the plain file; so do several members or frames")
  func compressed() throws {
    let scratch = try Scratch()
    let plain = try scratch.rows(scratch.index([scratch.file("plain", Self.text)], .libfm))
    let half = Self.text.index(Self.text.startIndex, offsetBy: 40_000)
    let members = try scratch.gzip(String(Self.text[..<half])) + scratch.gzip(String(Self.text[half...]))
    let frames = try scratch.zstd(String(Self.text[..<half])) + scratch.zstd(String(Self.text[half...]))
    for data in [try scratch.gzip(Self.text), members, try scratch.zstd(Self.text), frames] {
      let batch = try scratch.rows(scratch.index([scratch.file("data.bin", data)], .libfm))
      #expect(batch.keys == plain.keys && batch.labels == plain.labels && batch.rows == 5000)
    }
  }

  @Test("A truncated or damaged archive is named, and leaves nothing behind", arguments: ["gzip", "zstd"])
  func damagedArchive(kind: String) throws {
    let scratch = try Scratch()
    let whole = try kind == "gzip" ? scratch.gzip(Self.text) : scratch.zstd(Self.text)
    var damaged = whole
    damaged[damaged.count / 2] ^= 0xff
    damaged[damaged.count / 2 + 1] ^= 0xff
    for (data, reason) in [
      (whole.prefix(whole.count / 2), "ends too early"), (whole.dropLast(3), "ends too early"), (damaged, "damaged"),
    ] {
      let file = try scratch.file("bad.gz", Data(data))
      let error = #expect(throws: DatasetError.self) { try scratch.index([file], .libfm) }
      #expect(error?.description.hasPrefix(file + ": the \(kind) data ") == true)
      #expect(error?.description.contains(reason) == true || reason == "damaged")
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/spool").isEmpty)
    }
  }

  @Test("Directories and patterns name their files in order; a pipe is read once")
  func names() throws {
    let scratch = try Scratch()
    let directory = scratch.path + "/data"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for (name, key) in [("b.txt", 2), ("a.txt", 1), ("c.csv", 3), (".hidden", 4), ("a.txt.truth.json", 5)] {
      _ = try scratch.file("data/" + name, "1 \(key):1\n")
    }
    #expect(try scratch.rows(scratch.index([directory], .libfm)).keys == [1, 2, 3])
    #expect(try scratch.rows(scratch.index([directory + "/*.txt"], .libfm)).keys == [1, 2])
    #expect(
      try scratch.rows(scratch.index([directory + "/c.csv", directory + "/[ab].txt"], .libfm)).keys == [3, 1, 2])
    #expect(
      DataFiles.matching(["x/*.txt", "c.csv"], among: ["/y/a.txt", "/z/c.csv", "d.bin"]) == ["/y/a.txt", "/z/c.csv"])

    let pipe = scratch.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    let compressed = try scratch.gzip("1 7:1\n0 8:1\n")
    Thread {
      if let handle = FileHandle(forWritingAtPath: pipe) {
        handle.write(compressed)
        try? handle.close()
      }
    }.start()
    #expect(try scratch.rows(scratch.index([pipe], .libfm)).keys == [7, 8])
  }

  @Test("A byte order mark is no part of the first column; UTF-16 is read")
  func byteOrderMark() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", Data([0xEF, 0xBB, 0xBF] + Array("label,x\r\n1,a\r\n".utf8)))
    let index = try scratch.index([file], .csv)
    #expect(try index.fieldNames == ["x"] && scratch.rows(index).keys == [FeatureHash.key("a", field: 0)])
    let text = "label,x\n1,ä\u{1F600}\n0,b\n"
    for (name, encoding, mark) in [
      ("b", String.Encoding.utf16LittleEndian, [0xFF, 0xFE] as [UInt8]), ("c", .utf16BigEndian, [0xFE, 0xFF]),
      ("d", .utf16LittleEndian, []), ("e", .utf16BigEndian, []),
    ] {
      let file = try scratch.file(name, Data(mark) + text.data(using: encoding)!)
      let index = try scratch.index([file], .csv)
      let wanted = [FeatureHash.key("ä\u{1F600}", field: 0), FeatureHash.key("b", field: 0)]
      #expect(try index.fieldNames == ["x"] && scratch.rows(index).keys == wanted)
    }
    let odd = try scratch.file("f.csv", Data([0xFF, 0xFE, 0x31, 0, 0x0A]))
    let error = #expect(throws: DatasetError.self) { try scratch.index([odd], .libfm) }
    #expect(error?.description.contains("begins like UTF-16, and is none") == true)
  }

  @Test("Line breaks within quotes belong to the value, and count as lines")
  func quotedLineBreaks() throws {
    let scratch = try Scratch()
    let text = "label,\"a\nb\",c\n1,\"x\r\ny, \"\"z\"\"\",2\n0,\"\n\n\",3\n"
    let index = try scratch.index([scratch.file("a.csv", text)], .csv, chunkBytes: 1)
    #expect(index.fieldNames == ["a\nb", "c"] && index.rows == 2 && index.chunks.map(\.firstLine) == [3, 5])
    #expect(try scratch.rows(index).keys.first == FeatureHash.key("x\r\ny, \"z\"", field: 0))
    for chunkBytes in [1, 1000] {
      let bad = try scratch.file("b.csv", text + "maybe,x,1\n")
      let error = #expect(throws: DatasetError.self) { try scratch.index([bad], .csv, chunkBytes: chunkBytes) }
      #expect(error?.description.hasPrefix("\(bad):8: expected the label") == true, "\(error?.description ?? "")")
    }
    let unended = try scratch.index([scratch.file("d.csv", text + "1,\"u\nv\",\"\n\"")], .csv, chunkBytes: 1)
    #expect(try unended.rows == 3 && scratch.rows(unended).keys[4] == FeatureHash.key("u\nv", field: 0))
    // A quote that nobody closes costs its own row, not all that follow.
    let stray = try scratch.file("c.csv", "label,x\n1,a\n0,\"b\n1,c\n1,5' d\n")
    let rest = try scratch.index([stray], .csv, badRows: .skip(limit: 1))
    #expect(
      rest.rows == 3 && rest.skipped == 1 && rest.firstBadRow?.contains("c.csv:3: a quoted field does not end") == true)
  }

  @Test("Files that cannot be read are named with the reason")
  func unreadable() throws {
    let scratch = try Scratch()
    func message(_ file: String) -> String? {
      #expect(throws: DatasetError.self) { try scratch.index([file], .libfm) }?.description
    }
    #expect(message("/none/such") == "/none/such: no such file. Check the path, as this host sees it.")
    #expect(message("/none/*.txt") == "/none/*.txt: no file matches. Check the path, as this host sees it.")
    #expect(message(scratch.path) == "\(scratch.path): no file matches. Check the path, as this host sees it.")
    let empty = try scratch.file("empty", "")
    #expect(message(empty) == "\(empty): has no rows. Name a file that does.")
    #expect(message(try scratch.file("blank", "\n\n"))?.contains("has no rows") == true)
    let first = try scratch.file("1.csv", "label,a\n1,x\n")
    let second = try scratch.file("2.csv", "label,b\n1,x\n")
    let error = #expect(throws: DatasetError.self) { try scratch.index([first, second], .csv) }
    #expect(
      error?.description.hasPrefix(
        "\(second):1: there is no column \"a\", which is a field of the model; the nearest is \"b\".") == true)
  }

  @Test("A file that changes after it was indexed is noticed")
  func changed() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a", Self.text)
    let index = try scratch.index([file], .libfm)
    for text in [String(Self.text.dropLast(40)), String(Self.text.map { $0 == "\n" ? " " : $0 }), "1 1:1 2:1\n"] {
      _ = try scratch.file("a", text)
      #expect(throws: DatasetError.self) { try scratch.rows(index) }
    }
  }

  @Test("Chunks cover every row once, whatever the sizes", arguments: 0..<25)
  func chunks(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let end = Bool.random(using: &random) ? "\n" : "\r\n"
    var keys: [UInt64] = []
    let files = try (0..<Int.random(in: 1...3, using: &random)).map { file in
      var text = ""
      let rows = Int.random(in: 1...300, using: &random)
      for row in 0..<rows {
        let key = UInt64.random(in: 0..<1 << UInt64.random(in: 1...40, using: &random), using: &random)
        keys.append(key)
        text += "1 \(key):1" + (row + 1 < rows || Bool.random(using: &random) ? end : "")
      }
      return try scratch.file("\(file)", text)
    }
    let index = try scratch.index(files, .libfm, chunkBytes: Int.random(in: 1...2000, using: &random))
    #expect(index.rows == keys.count && index.chunks.reduce(0) { $0 + $1.rows } == keys.count)
    #expect(try scratch.rows(index).keys == keys)
  }
}
