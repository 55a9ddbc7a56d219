import Foundation
import Testing

@testable import Features

struct VocabularyTests {
  private static func sample(_ random: inout SplitMix, _ scratch: Scratch) throws -> (
    index: DatasetIndex, counts: [String: Int]
  ) {
    var counts: [String: Int] = [:]
    var text = "label,user,friend,tags,age\n"
    for _ in 0..<4000 {
      func draw() -> String { "\(Int(pow(Double.random(in: 1...30, using: &random), 2)))" }
      let (user, friend) = (draw(), draw())
      let tags = (0..<Int.random(in: 0...3, using: &random)).map { _ in draw() }
      text += "1,\(user),\(friend),\(tags.joined(separator: "|")),\(draw())\n"
      for user in [user, friend] { counts["user/\(user)", default: 0] += 1 }
      for tag in tags { counts["tags/\(tag)", default: 0] += 1 }
    }
    let schema = Schema(
      fields: [
        FieldSchema("user"), FieldSchema("friend", vocabulary: "user"), FieldSchema("tags", .multiValued),
        FieldSchema("age", .numeric),
      ])
    return (try scratch.index([scratch.file("a.csv", text)], schema, chunkBytes: 1000), counts)
  }

  @Test(
    "Values are counted as by hand, for any memory and number of threads",
    arguments: [(1, 1 << 20), (3, 1), (2, 60_000)])
  func counting(threads: Int, memory: Int) throws {
    var random = SplitMix(3)
    let scratch = try Scratch()
    let (index, counts) = try Self.sample(&random, scratch)
    let path = scratch.path + "/v.sqlite"
    let fields = try VocabularyBuilder(index, minimumCount: 5, memory: memory, threads: threads).build(to: path)
    #expect(fields.map(\.name) == ["user", "tags"])
    for field in fields {
      let own = counts.filter { $0.key.hasPrefix(field.name + "/") }
      #expect(field.distinct == own.count && field.kept == own.count { $0.value >= 5 })
      #expect(field.occurrences == own.values.reduce(0, +))
      #expect(field.keptOccurrences == own.values.filter { $0 >= 5 }.reduce(0, +))
    }
    let (vocabulary, fingerprint) = try VocabularyFile.load(path, for: index.encoding)
    let wanted = counts.filter { $0.value >= 5 }.map { value, _ in
      let parts = value.split(separator: "/")
      return FeatureHash.key(String(parts[1]), field: parts[0] == "user" ? 0 : 2)
    }
    #expect(vocabulary.keys == wanted.sorted() && fingerprint.count == 16)
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == ["a.csv", "v.sqlite"])
  }

  @Test("Values out of the vocabulary share their field's feature; missing ones and numbers are untouched")
  func outOfVocabulary() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,x,y,n\n1,a,a,3\n0,b,,4\n1,a,c,5\n")
    var index = try scratch.index(
      [file], Schema(fields: [FieldSchema("x"), FieldSchema("y"), FieldSchema("n", .numeric, transform: .raw)]))
    let path = scratch.path + "/v.sqlite"
    _ = try VocabularyBuilder(index, minimumCount: 2, memory: 1 << 20).build(to: path)
    let (vocabulary, fingerprint) = try VocabularyFile.load(path, for: index.encoding)
    index.encoding.vocabulary = fingerprint
    var batch = Batch(fields: 3)
    let reader = ChunkReader(index, vocabulary: vocabulary)
    for chunk in index.chunks { try reader.read(chunk, into: &batch) }
    let a = FeatureHash.key("a", field: 0)
    let others = index.encoding.otherKeys
    #expect(
      batch.keys == [
        a, others[1], batch.keys[2], others[0], FeatureHash.missing(field: 1), batch.keys[2], a, others[1],
        batch.keys[2],
      ])
    #expect(batch.values == [1, 1, 3, 1, 1, 4, 1, 1, 5])
  }

  @Test("A set of keys holds what it was given, zero included")
  func set() {
    var random = SplitMix(4)
    let keys = (0..<5000).map { $0 == 0 ? 0 : UInt64.random(in: 0 ... .max, using: &random) }
    let vocabulary = Vocabulary(keys)
    #expect(keys.allSatisfy(vocabulary.contains))
    #expect((0..<5000).allSatisfy { _ in !vocabulary.contains(UInt64.random(in: 0 ... .max, using: &random)) })
    #expect(Vocabulary(bytes: vocabulary.bytes).keys == vocabulary.keys && !Vocabulary([]).contains(0))
  }

  @Test("A vocabulary of other fields is refused, with both sides")
  func otherFields() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,user,item\n1,a,b\n")
    func index(_ names: [String]) throws -> DatasetIndex {
      try scratch.index([file], Schema(fields: names.map { FieldSchema($0) }))
    }
    let path = scratch.path + "/v.sqlite"
    _ = try VocabularyBuilder(index(["user", "item"]), minimumCount: 1, memory: 1 << 20).build(to: path)
    let encoding = try index(["item", "user"]).encoding
    let error = #expect(throws: VocabularyError.self) { try VocabularyFile.load(path, for: encoding) }
    #expect(error?.description.contains("columns: 0 user, 1 item; the data have columns: 0 item, 1 user.") == true)
  }

  @Test("A file that is no vocabulary is refused with the way out")
  func mistakes() throws {
    let scratch = try Scratch()
    #expect(throws: VocabularyError.self) { try VocabularyFile.load(scratch.path + "/none", for: nil) }
    #expect(throws: VocabularyError.self) {
      try VocabularyFile.load(scratch.file("text", "not a database, but long enough to look"), for: nil)
    }
  }
}
