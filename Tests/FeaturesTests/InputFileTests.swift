import Foundation
import Testing

@testable import Features

struct InputFileTests {
  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) -> Bool {
    FileManager.default.createFile(atPath: path, contents: Data(bytes))
  }

  private static let text = (0..<5000).map { "\($0 % 2) \($0):1 7:0.5\n" }.joined()

  @Test("gzip is recognised by its bytes, and reads like the plain file; so do several members")
  func gzip() throws {
    let scratch = try Scratch()
    let plain = try scratch.rows(scratch.index([scratch.file("plain", Self.text)], .libfm))
    let half = Self.text.index(Self.text.startIndex, offsetBy: 40_000)
    let members = try scratch.gzip(String(Self.text[..<half])) + scratch.gzip(String(Self.text[half...]))
    for data in [try scratch.gzip(Self.text), members] {
      let batch = try scratch.rows(scratch.index([scratch.file("data.bin", data)], .libfm))
      #expect(batch.keys == plain.keys && batch.labels == plain.labels && batch.rows == 5000)
    }
  }

  @Test("A truncated or damaged gzip file is named, and leaves nothing behind")
  func damagedGzip() throws {
    let scratch = try Scratch()
    let whole = try scratch.gzip(Self.text)
    var damaged = whole
    damaged[damaged.count / 2] ^= 0xff
    damaged[damaged.count / 2 + 1] ^= 0xff
    for (data, reason) in [
      (whole.prefix(whole.count / 2), "ends too early"), (whole.dropLast(3), "ends too early"), (damaged, "damaged"),
    ] {
      let file = try scratch.file("bad.gz", Data(data))
      let error = #expect(throws: DatasetError.self) { try scratch.index([file], .libfm) }
      #expect(error?.description.hasPrefix(file + ": the gzip data ") == true)
      #expect(error?.description.contains(reason) == true || reason == "damaged")
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path + "/spool").isEmpty)
    }
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
    #expect(error?.description.hasPrefix("\(second):1: the header differs from that of \(first)") == true)
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
