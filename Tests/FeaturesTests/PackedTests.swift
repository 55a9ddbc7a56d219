import Foundation
import Testing

@testable import Features

struct PackedTests {
  /// A schema with fields of all kinds, and random rows for it.
  static func sample(rows: Int, _ random: inout SplitMix, _ scratch: Scratch) throws -> (file: String, schema: Schema) {
    var text = "label,a,n,g,q\n"
    for _ in 0..<rows {
      let a = Bool.random(using: &random) ? "" : "a\(Int.random(in: 0..<2000, using: &random))"
      let n = Int.random(in: 0..<4, using: &random) == 0 ? "" : "\(Double.random(in: -5...5, using: &random))"
      let g = (0..<Int.random(in: 0...4, using: &random)).map { _ in "g\(Int.random(in: 0..<9, using: &random))" }
      text +=
        "\(Int.random(in: 0...1, using: &random)),\(a),\(n),\(g.joined(separator: "|")),\(Int.random(in: 0..<99, using: &random))\n"
    }
    let schema = Schema(
      fields: [
        FieldSchema("a"), FieldSchema("n", .numeric, missing: .skip), FieldSchema("g", .multiValued),
        FieldSchema("q", .numeric, transform: .quantile, buckets: 5),
      ])
    return (try scratch.file("a.csv", text), schema)
  }

  @Test("CRC-32C is the one of iSCSI")
  func checksum() {
    #expect(Checksum.crc32c(Array("123456789".utf8)) == 0xE306_9283)
    #expect(Checksum.crc32c(Array("56789".utf8), after: Checksum.crc32c(Array("1234".utf8))) == 0xE306_9283)
    #expect(Checksum.crc32c([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
  }

  @Test("What is packed reads as the text does: the same chunks of the same rows", arguments: 0..<15)
  func roundTrip(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let (file, schema) = try Self.sample(rows: Int.random(in: 1...3000, using: &random), &random, scratch)
    let index = try scratch.index([file], schema, chunkBytes: Int.random(in: 1...60_000, using: &random))
    let path = scratch.path + "/a.pack"
    let packed = try Packing.pack(index, vocabulary: nil, to: path, threads: Int.random(in: 1...4, using: &random))
    #expect(packed.rows == index.rows && packed.chunks.map(\.rows) == index.chunks.map(\.rows))
    let (text, rows) = try (scratch.rows(index), scratch.rows(packed))
    #expect(text.keys == rows.keys && text.values == rows.values && text.offsets == rows.offsets)
    #expect(text.labels == rows.labels)
    // Read like any other file, without a schema to tell what it is.
    let again = try scratch.index([path], .criteo)
    #expect(again.encoding == index.encoding && again.positives == index.positives && again.chunks == packed.chunks)
    // In any order: each block stands for itself.
    let reader = ChunkReader(packed)
    let reference = ChunkReader(index)
    for place in packed.chunks.indices.shuffled(using: &random).prefix(20) {
      var (one, other) = (Batch(fields: 4), Batch(fields: 4))
      try reader.read(packed.chunks[place], into: &one)
      try reference.read(index.chunks[place], into: &other)
      #expect(one.keys == other.keys && one.offsets == other.offsets)
    }
  }

  private static func packed(_ scratch: Scratch) throws -> String {
    var random = SplitMix(1)
    let (file, schema) = try sample(rows: 1000, &random, scratch)
    let path = scratch.path + "/a.pack"
    _ = try Packing.pack(scratch.index([file], schema, chunkBytes: 2000), vocabulary: nil, to: path)
    return path
  }

  @Test("A damaged block is named; if it may be skipped, its rows are counted and the others read")
  func damagedBlock() throws {
    let scratch = try Scratch()
    let path = try Self.packed(scratch)
    let whole = try scratch.index([path], .criteo)
    var bytes = FileManager.default.contents(atPath: path)!
    let block = whole.chunks[3]
    bytes[block.offset + block.length / 2] ^= 0x10
    let bad = try scratch.file("bad.pack", bytes)
    let error = #expect(throws: DatasetError.self) { try scratch.index([bad], .criteo) }
    #expect(
      error?.description
        == "\(bad): block 3, of \(block.rows) rows, is damaged: its checksum is wrong. Pack the data again with `deepfm pack`."
    )
    let rest = try scratch.index([bad], .criteo, badRows: .skip(limit: block.rows))
    #expect(rest.rows == whole.rows - block.rows && rest.skipped == block.rows)
    #expect(try scratch.rows(rest).rows == rest.rows)
    #expect(throws: DatasetError.self) { try scratch.index([bad], .criteo, badRows: .skip(limit: block.rows - 1)) }
  }

  @Test("Wherever a packed file is cut or changed, that is noticed")
  func damagedFile() throws {
    let scratch = try Scratch()
    let bytes = FileManager.default.contents(atPath: try Self.packed(scratch))!
    var random = SplitMix(2)
    for cut in [3, 10, 20, 200, bytes.count / 2, bytes.count - 30, bytes.count - 1] {
      let file = try scratch.file("cut.pack", bytes.prefix(cut))
      let error = #expect(throws: DatasetError.self) { try scratch.index([file], .libfm) }
      if cut > 3 { #expect(error?.description.contains("Pack the data again") == true, "\(error?.description ?? "")") }
    }
    for _ in 0..<300 {
      var changed = bytes
      changed[Int.random(in: 4..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      let file = try scratch.file("changed.pack", changed)
      #expect(throws: DatasetError.self) { try scratch.index([file], .libfm) }
    }
  }

  @Test("Files that are encoded otherwise do not mix")
  func otherEncoding() throws {
    let scratch = try Scratch()
    let packed = try Self.packed(scratch)
    var random = SplitMix(9)
    let (file, schema) = try Self.sample(rows: 500, &random, scratch)
    let other = scratch.path + "/b.pack"
    _ = try Packing.pack(scratch.index([file], schema), vocabulary: nil, to: other)
    let error = #expect(throws: DatasetError.self) { try scratch.index([packed, other], .criteo) }
    #expect(error?.description.contains("deepfm pack --like \(packed)") == true)
    let like = try DatasetIndex.build(
      [file], encoding: Packing.encoding(of: packed), ReadingOptions(spool: scratch.path))
    _ = try Packing.pack(like, vocabulary: nil, to: other)
    #expect(try scratch.index([packed, other], .criteo).rows == 1500)
    #expect(throws: DatasetError.self) { try Packing.encoding(of: file) }
  }

  @Test("An encoding that would reach outside of a row is refused, whatever its checksum says")
  func hostileEncoding() throws {
    let scratch = try Scratch()
    let good = try Packing.encoding(of: Self.packed(scratch))
    #expect(good.isConsistent)
    let changes: [(inout Encoding) -> Void] = [
      { $0.fields[1].column = 99 }, { $0.fields[1].column = -1 }, { $0.fields[1].column = $0.fields[0].column },
      { $0.labelColumn = 5 }, { $0.timestampColumn = -3 }, { $0.fields[2].owner = 4 }, { $0.fields[2].owner = -1 },
      { $0.fields = [] }, { $0.fields[0].rule = .index }, { $0.firstField = -1 },
      { $0.fields[3].rule = .bucket(.quantile(boundaries: [2, 1])) },
    ]
    for change in changes {
      var bad = good
      change(&bad)
      #expect(!bad.isConsistent)
      let path = scratch.path + "/bad.pack"
      let writer = try PackedWriter(path: path, encoding: bad)
      try writer.close()
      #expect(throws: DatasetError.self) { try Packing.encoding(of: path) }
    }
  }
}
