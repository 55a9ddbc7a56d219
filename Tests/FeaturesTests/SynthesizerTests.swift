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

  @Test("MovieLens has 85,000 rows, several genres to a row, and splits by time as it is sorted")
  func movielens() throws {
    let scratch = try Scratch()
    let schema = try SchemaPreset.movielens.schema()
    let index = try scratch.index(["\(Shared.data!)/movielens-100k/train.csv.gz"], schema)
    let batch = try scratch.rows(index)
    #expect(index.fieldNames == ["user", "age", "gender", "occupation", "zip", "item", "year", "genres"])
    #expect(batch.rows == 85_000 && index.positives == 46_904 && Int(batch.labels.reduce(0, +)) == 46_904)
    // User, age, ... have one feature a row; genres have their own number.
    let genres = batch.keys.count - 7 * 85_000
    #expect(genres > 85_000 && genres < 3 * 85_000)
    for (rule, ratio) in [(SplitRule.sequential, [6, 1]), (.byTime("timestamp", format: nil), [6, 1])] {
      let paths = [scratch.path + "/train.csv", scratch.path + "/test.csv"]
      let parts = try Splitter(index, rule: rule, ratio: ratio).write(to: paths)
      #expect(parts.map(\.rows).reduce(0, +) == 85_000)
      if rule == .sequential { #expect(parts.map(\.rows) == [72_857, 12_143]) }
      let again = try DatasetIndex.build(paths, encoding: index.encoding, ReadingOptions(spool: scratch.path))
      #expect(again.rows == 85_000 && again.positives == 46_904)
      #expect(try scratch.rows(again).keys == batch.keys || rule != .sequential)
    }
  }

  @Test("The real Criteo sample packs, and reads back bit for bit")
  func packedCriteo() throws {
    let scratch = try Scratch()
    let index = try scratch.index([Shared.data! + "/criteo/train.tiny.txt"], .criteo)
    let packed = try Packing.pack(index, vocabulary: nil, to: scratch.path + "/a.pack")
    #expect(packed.rows == 1999 && packed.positives == 418)
    #expect(try scratch.rows(packed).keys == scratch.rows(index).keys)
  }
}
