import Foundation
import Testing

@testable import Features

struct BadRowTests {
  @Test(
    "Bad rows are left out, counted and found again; the others are as if they had never been there", arguments: 0..<20)
  func skipping(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let end = Bool.random(using: &random) ? "\n" : "\r\n"
    let bad = ["", "x 1:1", "1 1:y", "1 1:1 2:1", "1 \0:1", "1", String(repeating: "7", count: 30)]
    var lines: [String] = []
    var keys: [UInt64] = []
    var places: [Int] = []
    let rows = Int.random(in: 1...400, using: &random)
    for row in 0..<rows {
      if row < rows - 1, Int.random(in: 0..<60, using: &random) == 0 {
        places.append(lines.count)
        lines.append(bad.randomElement(using: &random)!)
      } else {
        keys.append(UInt64(row))
        lines.append("\(row % 2) \(row):1")
      }
    }
    // The layout is learnt from the first row, which must be a good one.
    if places.first == 0 { lines[0] = "1 0:1"; places.removeFirst(); keys.insert(0, at: 0) }
    let file = try scratch.file("a", lines.joined(separator: end) + (Bool.random(using: &random) ? end : ""))
    let index = try scratch.index(
      [file], .libfm, chunkBytes: Int.random(in: 1...500, using: &random), badRows: .skip(limit: places.count))
    #expect(index.rows == keys.count && index.skipped == places.count)
    #expect(try scratch.rows(index).keys == keys)
    var number = 0
    var found: [Int] = []
    for chunk in index.chunks {
      found += chunk.skipped.map { number + $0 }
      number += chunk.rows + chunk.skipped.count
    }
    #expect(found == places && number == lines.count)
    if let first = places.first {
      #expect(index.firstBadRow?.hasPrefix("\(file):\(first + 1): ") == true)
      let error = #expect(throws: DatasetError.self) {
        try scratch.index([file], .libfm, badRows: .skip(limit: places.count - 1))
      }
      #expect(error?.description.hasPrefix("more than \(places.count - 1) rows are bad, the first: ") == true)
      #expect(throws: DatasetError.self) { try scratch.index([file], .libfm) }
    }
  }

  @Test("The first bad row of the data is the one that is named, whoever reads it", arguments: 1...4)
  func firstBadRow(threads: Int) throws {
    let scratch = try Scratch()
    let lines = (0..<3000).map { [700, 1500, 2900].contains($0) ? "bad" : "1 \($0):1" }
    let file = try scratch.file("a", lines.joined(separator: "\n"))
    for _ in 0..<10 {
      let error = #expect(throws: DatasetError.self) {
        try DatasetIndex.build(
          [file], schema: Schema(format: .libfm),
          ReadingOptions(spool: scratch.path, chunkBytes: 500, threads: threads))
      }
      #expect(error?.description.hasPrefix("\(file):701: ") == true)
    }
  }

  @Test("A line that is too long is one bad row, wherever it is")
  func longLine() throws {
    let scratch = try Scratch()
    let long = String(repeating: "x", count: 5 << 20)
    for text in ["1 1:1\n\(long)\n1 2:1\n", "1 1:1\n1 2:1\n\(long)", "1 1:1\n\(long)\n\(long)\n1 2:1"] {
      let file = try scratch.file("a", text)
      let index = try scratch.index([file], .libfm, badRows: .skip(limit: 2))
      #expect(try scratch.rows(index).keys == [1, 2])
      #expect(index.skipped == text.split(separator: "\n").count - 2)
      #expect(index.firstBadRow?.contains("the row is longer than 1 MiB") == true)
    }
  }

  @Test("Bytes that are no UTF-8 are a category like any other")
  func invalidText() throws {
    let scratch = try Scratch()
    let file = try scratch.file(
      "a.csv", Data(Array("label,x\n1,".utf8) + [0xFF, 0xC0] + Array("\n0,".utf8) + [0xFF] + [10]))
    let batch = try scratch.rows(scratch.index([file], .csv))
    #expect(batch.rows == 2 && Set(batch.keys).count == 2)
  }

  @Test("Data of which every row is bad are no data")
  func nothingLeft() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,x\nmaybe,1\n")
    let error = #expect(throws: DatasetError.self) { try scratch.index([file], .csv, badRows: .skip(limit: 9)) }
    #expect(error == .empty(file: file))
  }
}
