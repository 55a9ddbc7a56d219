import Foundation
import Testing

@testable import Features

struct SynthesizerTests {
  @Test("The same seeds write the same bytes; the labels drawn are the labels written")
  func reproducible() throws {
    let scratch = try Scratch()
    let drawn = try Synthesizer(truthSeed: 1, seed: 2).write(rows: 3000, to: scratch.path + "/a")
    _ = try Synthesizer(truthSeed: 1, seed: 2).write(rows: 3000, to: scratch.path + "/b")
    _ = try Synthesizer(truthSeed: 1, seed: 3).write(rows: 3000, to: scratch.path + "/c")
    let files = FileManager.default
    #expect(files.contents(atPath: scratch.path + "/a") == files.contents(atPath: scratch.path + "/b"))
    #expect(files.contents(atPath: scratch.path + "/a") != files.contents(atPath: scratch.path + "/c"))
    let index = try scratch.index([scratch.path + "/a"], .criteo)
    #expect(index.rows == 3000 && index.fields == 39)
    #expect(try scratch.rows(index).labels == drawn.labels)
    let positives = drawn.labels.reduce(0, +) / 3000
    #expect(positives > 0.15 && positives < 0.4)
  }

  @Test("A directory that is not there is named")
  func noDirectory() {
    #expect(throws: DatasetError.self) { try Synthesizer(truthSeed: 1, seed: 1).write(rows: 1, to: "/none/such/file") }
  }
}

@Suite(.enabled(if: Shared.data != nil, "../shared/data is not here"))
struct SharedDataTests {
  @Test("The real Criteo sample has 1,999 rows and 418 clicks, none bad")
  func criteo() throws {
    let scratch = try Scratch()
    let batch = try scratch.rows(scratch.index([Shared.data! + "/criteo/train.tiny.txt"], .criteo))
    #expect(batch.rows == 1999 && batch.labels.reduce(0, +) == 418)
  }

  @Test("Frappe has 50,000 and 7,722 rows of 10 fields, read straight from gzip")
  func frappe() throws {
    let scratch = try Scratch()
    for (name, rows) in [("train", 50_000), ("valid", 7_722)] {
      let batch = try scratch.rows(scratch.index(["\(Shared.data!)/frappe/\(name).libfm.gz"], .libfm))
      #expect(batch.rows == rows && batch.fields == 10)
    }
  }
}
