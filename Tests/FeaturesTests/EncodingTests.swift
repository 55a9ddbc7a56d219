import Foundation
import Testing

@testable import Features

struct EncodingTests {
  /// One column `x` of the values, as a field.
  private static func encode(_ values: [String], _ field: FieldSchema, missing: [String] = [""]) throws -> Batch {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,x\n" + values.map { "1,\($0)\n" }.joined())
    return try scratch.rows(scratch.index([file], Schema(missing: missing, fields: [field])))
  }

  private static func field(_ transform: NumberTransformName, _ missing: MissingRule? = nil, buckets: Int? = nil)
    -> FieldSchema
  { FieldSchema("x", .numeric, transform: transform, buckets: buckets, missing: missing) }

  @Test("A key is XXH3 of the bytes, seeded with a hash of the field's number: as any other program computes it")
  func hash() {
    // SplitMix64's first two outputs from state 0, then python's xxhash.xxh3_64_intdigest(text, seed=seed).
    #expect(FeatureHash.seed(field: 0) == 0xE220_A839_7B1D_CDAF && FeatureHash.seed(field: 1) == 0x6E78_9E6A_A1B9_65F4)
    #expect(FeatureHash.key("68fd1e64", field: 0) == 11194353275903223499)
    #expect(FeatureHash.key("", field: 1) == 9102651213646285509)
  }

  @Test("Short texts of many fields have different keys")
  func collisions() {
    let texts = (0..<1000).map(String.init) + (0..<1000).map { String(format: "%08x", $0 * 2_654_435) }
    let keys = (0..<64).flatMap { field in texts.map { FeatureHash.key($0, field: field) } }
    #expect(Set(keys).count == 64 * texts.count)
  }

  @Test("Numbers of any sign and size become finite values", arguments: NumberTransformName.allCases)
  func everyNumber(transform: NumberTransformName) throws {
    let numbers = [
      "0", "-0", "1", "-1", "2.5", "-7e3", "1e30", "-1e30", "1e-30", "123456789012345678", "+4", ".5", "5.",
    ]
    let batch = try Self.encode(numbers, Self.field(transform))
    #expect(batch.rows == numbers.count && batch.keys.count == numbers.count)
    #expect(batch.values.allSatisfy { $0.isFinite })
  }

  @Test("Transforms compute what they say")
  func transforms() throws {
    #expect(try Self.encode(["3", "-0.5"], Self.field(.raw)).values == [3, -0.5])
    #expect(try Self.encode(["0", "-1"], Self.field(.log1p)).values == [0, Float(-log(2.0))])
    #expect(try Self.encode(["2", "4", "6"], Self.field(.minMax)).values == [0, 0.5, 1])
    let standard = try Self.encode(["2", "4", "6", "8"], Self.field(.standardise)).values
    #expect(zip(standard, [-1.3416408, -0.4472136, 0.4472136, 1.3416408]).allSatisfy { abs($0 - $1) < 1e-6 })
    // A column of one value tells nothing.
    #expect(try Self.encode(["5", "5"], Self.field(.standardise)).values == [0, 0])
    #expect(try Self.encode(["5", "5"], Self.field(.minMax)).values == [0, 0])
    let quartiles = try Self.encode((1...8).map { "\($0)" }, Self.field(.quantile, buckets: 4))
    #expect(quartiles.keys == [0, 0, 1, 1, 2, 2, 3, 3].map { FeatureHash.bucket($0, field: 0) })
    let logs = try Self.encode(["-3", "0", "2", "3", "100", "2.5"], Self.field(.logSquared)).keys
    #expect(logs == [-3, 0, 2, 1, 21, 0].map { FeatureHash.bucket($0, field: 0) })
  }

  @Test("A value that is missing becomes what the rule says")
  func missing() throws {
    let own = try Self.encode(["1", "", "3"], Self.field(.raw))
    #expect(own.keys[1] == FeatureHash.missing(field: 0) && own.values == [1, 1, 3] && own.keys[0] == own.keys[2])
    #expect(try Self.encode(["1", "", "3"], Self.field(.raw, .skip)).offsets == [0, 1, 1, 2])
    #expect(try Self.encode(["1", "", "3"], Self.field(.raw, .mean)).values == [1, 2, 3])
    #expect(try Self.encode(["1", "", "3"], Self.field(.raw, .number(7))).values == [1, 7, 3])
    #expect(try Self.encode(["", ""], Self.field(.standardise, .mean)).values == [0, 0], "a field without values")
    let error = #expect(throws: DatasetError.self) { try Self.encode(["1", ""], Self.field(.raw, .fail)) }
    #expect(error?.description.contains(":3: x: the value is missing.") == true)
    let texts = try Self.encode(["NA", "a", "?"], FieldSchema("x"), missing: ["NA", "?"])
    #expect(
      texts.keys == [FeatureHash.missing(field: 0), FeatureHash.key("a", field: 0), FeatureHash.missing(field: 0)])
  }

  @Test("A multi-valued cell has a feature a value, which weigh 1 or add up to 1")
  func multiValued() throws {
    let mean = try Self.encode(["a|b", "", "c", "|a||"], FieldSchema("x", .multiValued))
    #expect(mean.offsets == [0, 2, 2, 3, 4] && mean.values == [0.5, 0.5, 1, 1])
    #expect(mean.keys == ["a", "b", "c", "a"].map { FeatureHash.key($0, field: 0) })
    let sum = try Self.encode(
      ["a;b;b", ""], FieldSchema("x", .multiValued, separator: ";", pooling: .sum, missing: .own))
    #expect(sum.offsets == [0, 3, 4] && sum.values == [1, 1, 1, 1] && sum.keys[3] == FeatureHash.missing(field: 0))
  }

  @Test("Fields that share a vocabulary share their features; others do not")
  func sharedVocabulary() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,user,friend,item\n1,x,x,x\n")
    let batch = try scratch.rows(
      scratch.index(
        [file], Schema(fields: [FieldSchema("user"), FieldSchema("friend", vocabulary: "user"), FieldSchema("item")])))
    #expect(batch.keys[0] == batch.keys[1] && batch.keys[0] != batch.keys[2])
  }

  @Test("Columns are found by name, in any order; the label follows its rule; the rest is left out")
  func columns() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.tsv", "when\trating\titem\tuser\tid\n9\t4\ti\tu\t1\n8\t3.5\tj\tv\t2\n")
    let schema = Schema(
      format: .tsv, label: LabelRule("rating >= 4"), timestamp: "when", ignore: ["id"])
    let index = try scratch.index([file], schema)
    let batch = try scratch.rows(index)
    #expect(index.fieldNames == ["item", "user"] && batch.labels == [1, 0] && index.positives == 1)
    var listed = schema
    listed.fields = [FieldSchema("user"), FieldSchema("when", .numeric, transform: .raw)]
    let other = try scratch.rows(scratch.index([file], listed))
    #expect(other.keys[0] == FeatureHash.key("u", field: 0) && other.values[1] == 9)
    let bare = try scratch.file("b.csv", "1;u\n0;v\n")
    let unnamed = try scratch.index(
      [bare], Schema(separator: ";", columns: ["click", "user"], label: LabelRule("click")))
    #expect(try scratch.rows(unnamed).labels == [1, 0] && unnamed.fieldNames == ["user"])
  }

  @Test("libsvm: an index is a field, or belongs to the one whose range holds it")
  func libsvm() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a", "+1 3:0.5 5:2 # a comment\n-1 4:1\n0\n")
    let index = try scratch.index([file], .libsvm)
    let batch = try scratch.rows(index)
    #expect(index.fieldNames == ["3", "4", "5"] && batch.labels == [1, 0, 0])
    #expect(
      batch.offsets == [0, 1, 1, 2, 2, 3, 3, 3, 3, 3] && batch.keys == [3, 5, 4] && batch.values == [0.5, 2, 1])
    // What training never saw is left out.
    let later = try scratch.file("b", "1 3:1 99:1\n")
    let test = try DatasetIndex.build([later], encoding: index.encoding, ReadingOptions(spool: scratch.path))
    #expect(try scratch.rows(test).keys == [3])
    let ranges = Schema(
      format: .libsvm, fields: [FieldSchema("high", indices: "5-9"), FieldSchema("low", indices: "0-4")])
    let ranged = try scratch.rows(scratch.index([file], ranges))
    #expect(ranged.fields == 2 && ranged.keys == [5, 3, 4] && ranged.offsets == [0, 1, 2, 2, 3, 3, 3])
    let error = #expect(throws: DatasetError.self) { try scratch.index([later], ranges) }
    #expect(error?.description.contains("index 99 belongs to no field") == true)
    let wide = try scratch.file("c", "1 1:1 100000:1\n")
    let tooWide = #expect(throws: SchemaError.self) { try scratch.index([wide], .libsvm) }
    #expect(tooWide?.description.contains("ranges of indices") == true)
  }

  @Test("libffm: a field has any number of features, in any order")
  func libffm() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a", "1 2:7:0.5 1:3:1 2:8:0.25\n0 3:1:1\n")
    let index = try scratch.index([file], .libffm)
    let batch = try scratch.rows(index)
    #expect(index.fieldNames == ["1", "2", "3"] && batch.keys == [3, 7, 8, 1] && batch.values == [1, 0.5, 0.25, 1])
    #expect(batch.offsets == [0, 1, 3, 3, 3, 3, 4])
    let other = try scratch.file("b", "1 4:1:1\n")
    let error = #expect(throws: DatasetError.self) {
      try DatasetIndex.build([other], encoding: index.encoding, ReadingOptions(spool: scratch.path))
    }
    #expect(error?.description.contains("field 4 is not one of the training data's 1 to 3") == true)
  }

  @Test("Statistics are the training data's, the same for any number of threads and any chunks' size")
  func statistics() throws {
    let scratch = try Scratch()
    var random = SplitMix(5)
    let numbers = (0..<5000).map { _ in Double(Int.random(in: -1000...1000, using: &random)) }
    let file = try scratch.file(
      "a.csv", "label,x,y,z\n" + numbers.map { "1,\(Int($0)),\(Int($0)),\(Int($0))\n" }.joined())
    let schema = Schema(
      fields: [
        FieldSchema("x", .numeric), FieldSchema("y", .numeric, transform: .quantile, buckets: 7),
        FieldSchema("z", .numeric, transform: .minMax, missing: .mean),
      ])
    func encoding(threads: Int, chunkBytes: Int) throws -> Encoding {
      try DatasetIndex.build(
        [file], schema: schema, ReadingOptions(spool: scratch.path, chunkBytes: chunkBytes, threads: threads)
      ).encoding
    }
    let one = try encoding(threads: 1, chunkBytes: 5000)
    #expect(try one == encoding(threads: 4, chunkBytes: 5000))
    let mean = numbers.reduce(0, +) / 5000
    let deviation = (numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 5000).squareRoot()
    guard case .number(.standardise(let foundMean, let foundDeviation)) = one.fields[0].rule,
      case .bucket(.quantile(let boundaries)) = one.fields[1].rule, case .number(let substitute) = one.fields[2].missing
    else {
      Issue.record("other rules: \(one.fields)")
      return
    }
    #expect(abs(foundMean - mean) < 1e-9 && abs(foundDeviation - deviation) < 1e-9 && abs(substitute - mean) < 1e-9)
    let sorted = numbers.sorted()
    #expect(boundaries == (1..<7).map { sorted[$0 * 5000 / 7] })
    // Validation data change nothing: they are read with the training data's encoding.
    let other = try scratch.file("b.csv", "label,x,y,z\n0,1000000,5,5\n")
    let valid = try DatasetIndex.build([other], encoding: one, ReadingOptions(spool: scratch.path))
    #expect(valid.encoding == one)
    // A number far outside counts as the nearest that is no further out than all the training data's reach.
    let highest = 2 * numbers.max()! - numbers.min()!
    #expect(abs(Double(try scratch.rows(valid).values[0]) - (highest - mean) / deviation) < 0.01)
    #expect(valid.remarks?.contains { $0.hasSuffix("the nearest that does not: 1 of them") } == true)
  }

  @Test("An encoding survives its JSON, by which it reaches workers, runs and packed files")
  func json() throws {
    let scratch = try Scratch()
    let file = try scratch.file("a.csv", "label,x,y\n1,3,a|b\n0,,c\n")
    let encoding = try scratch.index(
      [file],
      Schema(fields: [
        FieldSchema("x", .numeric, transform: .quantile, missing: .number(2)), FieldSchema("y", .multiValued),
      ])
    ).encoding
    #expect(try JSONDecoder().decode(Encoding.self, from: JSONEncoder().encode(encoding)) == encoding)
  }
}
