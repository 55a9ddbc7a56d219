import Foundation
import Randomness
import Testing

@testable import Features

/// A million inputs for each parser, mutated from good ones: each is read or refused, and nothing else happens.
struct FuzzTests {
  static let inputs = 1_000_000

  private static let seeds: [(Schema, String)] = [
    (
      Schema(format: .criteo),
      "1\t5\t\t-7\t99\t1\t2\t3\t4\t5\t6\t7\t8\t1e3\tab\t\tcd\te\tf\tg\th\ti\tj\tk\tl\tm\tn\to\tp\tq\tr\ts\tt\tu\tv\tw\tx\ty\tz\t68fd1e64\n"
    ),
    (
      Schema(
        format: .csv, header: false, columns: ["label", "a", "n", "g"], label: LabelRule("label >= 0.5"),
        missing: ["", "NA"],
        fields: [
          FieldSchema("a"), FieldSchema("n", .numeric, transform: .log1p, missing: .number(2)),
          FieldSchema("g", .multiValued, missing: .own),
        ]), "1,x,\"1.5\",\"a|b\"\"c\"\n0,\"y\nz\",NA,|\r\n"
    ),
    (Schema(format: .tsv, header: false, columns: ["label", "a"]), "1\t\"x\t\"\"\"\n0\ty\n"),
    (Schema(format: .libfm), "1 1:1 2:0.25 3:1\n-1 4:1 5:1 6:1e3\n"),
    (
      Schema(format: .libsvm, fields: [FieldSchema("a", indices: "1-5"), FieldSchema("b", indices: "9")]),
      "+1 1:1 3:0.5 9:2 # note\n-1 9:1 2:-7.5e-1\n0\n"
    ),
    (Schema(format: .libffm), "1 0:1:1 1:7:0.5 1:8:0.5\n0 1:9:1 0:2:1\n"),
  ]

  /// SplitMix64, for a mutation a few nanoseconds long.
  private struct Random {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
      state &+= SplitMix64.golden
      return Int(SplitMix64.mix(state) >> 33) % bound
    }
  }

  private static let special: [UInt8] = [
    0, 9, 10, 13, 32, 34, 35, 43, 44, 45, 46, 48, 49, 57, 58, 69, 101, 120, 124, 127, 128, 195, 255,
  ]

  private static func mutate(_ bytes: inout [UInt8], _ random: inout Random) {
    for _ in 0...random.below(4) {
      let place = random.below(max(1, bytes.count))
      switch random.below(5) {
      case 0 where !bytes.isEmpty: bytes[place] = special[random.below(special.count)]
      case 1 where !bytes.isEmpty: bytes.remove(at: place)
      case 2: bytes.insert(special[random.below(special.count)], at: min(place, bytes.count))
      case 3 where !bytes.isEmpty:
        let end = min(bytes.count, place + 1 + random.below(12))
        bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
      default: bytes.removeLast(random.below(bytes.count / 4 + 1))
      }
    }
  }

  @Test("No input crashes a parser; rows read have every cell, and finite values", arguments: 0..<6)
  func parsers(format: Int) throws {
    let (schema, good) = Self.seeds[format]
    var layout = LearntLayout()
    layout.firstRowColumns = 3
    layout.numbers = 0...1
    let encoder = RowEncoder(try schema.encoding(for: layout, file: "fuzz"))
    let fields = encoder.encoding.fields.count
    let scratch = RowEncoder.Scratch(encoder)
    var random = Random(state: UInt64(format))
    var (read, refused) = (0, 0)
    var bytes = Array(good.utf8)
    for input in 0..<Self.inputs {
      // Mutations pile up for a while, then begin anew.
      if input % 8 == 0 { bytes = Array(good.utf8) }
      Self.mutate(&bytes, &random)
      try bytes.withUnsafeBytes { bytes in
        let records = try encoder.encode(bytes, of: nil, in: scratch) { _, start, failure in
          refused += 1
          if start >= bytes.count || failure.reason.isEmpty { Issue.record("a failure without a place or reason") }
        }
        let buffer = scratch.buffer
        if buffer.rows > records || buffer.cells != buffer.rows * fields { Issue.record("rows without cells") }
        for entry in 0..<buffer.entries where !buffer.values[entry].isFinite { Issue.record("a value is not finite") }
        read += buffer.rows
      }
    }
    #expect(read > 1000 && refused > 1000, "\(read) rows read, \(refused) refused")
    #expect(scratch.buffer.bytes < 1 << 20, "memory is that of the largest input, not of all")
  }

  @Test("However a file is mutated and cut into chunks, what is read is what was counted", arguments: 0..<6)
  func files(format: Int) throws {
    let (schema, good) = Self.seeds[format]
    let scratch = try Scratch()
    var random = Random(state: UInt64(100 + format))
    var (read, skipped) = (0, 0)
    for number in 0..<1500 {
      var bytes: [UInt8] = []
      for _ in 0...random.below(6) {
        var part = Array(good.utf8)
        if random.below(2) == 0 { Self.mutate(&part, &random) }
        bytes += part
      }
      let file = try scratch.file("fuzz-\(number % 4)", Data(bytes))
      do {
        let index = try scratch.index(
          [file], schema, chunkBytes: 1 + random.below(200), badRows: .skip(limit: .max))
        let batch = try scratch.rows(index)
        #expect(batch.rows == index.rows && batch.offsets.count == batch.rows * batch.fields + 1)
        let whole = try scratch.index([file], schema, chunkBytes: 1 << 20, badRows: .skip(limit: .max))
        #expect(whole.rows == index.rows && whole.skipped == index.skipped && whole.firstBadRow == index.firstBadRow)
        #expect(try scratch.rows(whole).keys == batch.keys)
        read += index.rows
        skipped += index.skipped
      } catch is DatasetError {
      } catch is SchemaError {}
    }
    #expect(read > 500 && skipped > 100, "\(read) rows read, \(skipped) skipped")
  }

  @Test("Whatever becomes of files with headers, marks, and those in archives, they are read or refused")
  func layouts() throws {
    let scratch = try Scratch()
    let text = "label,user,price\n1,a,1.5\n0,b,2\n1,c,\n"
    let schema = Schema(trim: true, fields: [FieldSchema("user"), FieldSchema("price", .numeric, transform: .log1p)])
    let seeds = try [
      Data(text.utf8), Data(text.replacing("\n", with: "\r\n").utf8), Data(text.replacing("\n", with: "\r").utf8),
      Data((text + text).utf8), Data([0xEF, 0xBB, 0xBF] + Array(text.utf8)),
      Data([0xFF, 0xFE]) + text.data(using: .utf16LittleEndian)!,
      text.data(using: .utf16BigEndian)!, scratch.gzip(text), scratch.zstd(text),
      Data(text.replacing(",", with: " , ").utf8),
      Data(text.replacing("\n", with: ",\n").utf8), Data("price,label,more,user\n1,1,x,a\n2,0,y,b\n".utf8),
    ]
    let encoding = try scratch.index([scratch.file("good", text)], schema).encoding
    var random = Random(state: 7)
    var (read, refused) = (0, 0)
    for number in 0..<6000 {
      var bytes = Array(seeds[number % seeds.count])
      if random.below(8) > 0 { Self.mutate(&bytes, &random) }
      let file = try scratch.file("fuzz", Data(bytes))
      do {
        let options = ReadingOptions(
          spool: scratch.path + "/spool", badRows: .skip(limit: .max), labels: number % 3 > 0,
          chunkBytes: 1 + random.below(100))
        let index =
          number % 2 == 0
          ? try DatasetIndex.build([file], schema: schema, options)
          : try DatasetIndex.build([file], encoding: encoding, options)
        let batch = try scratch.rows(index)
        if batch.rows != index.rows || !batch.values.allSatisfy(\.isFinite) { Issue.record("rows that are none") }
        read += 1
      } catch is DatasetError { refused += 1 } catch is SchemaError { refused += 1 }
      do { _ = try SchemaInference(file: file) } catch is DatasetError {}
    }
    #expect(read > 2000 && refused > 300, "\(read) files read, \(refused) refused")
  }

  @Test("No text crashes the readers of times; one that is read is within its calendar")
  func times() {
    var random = Random(state: 11)
    let seeds = [
      "2014-10-21T00:30:00.123Z", "21/10/2014 00:30", "Oct 21, 2014 12:30 AM", "1413851400.5", "14102100",
      "Tue, 21 Oct 2014 00:30:00 +0200",
    ]
    let formats = [
      "iso", "day-first", "month-first", "month-name", "seconds", "nanoseconds", "YYMMDDHH", "%d.%m.%y %j %s %f %p",
    ]
    .compactMap(TimeFormat.init)
    var read = 0
    for number in 0..<200_000 {
      var bytes = Array(seeds[number % seeds.count].utf8)
      Self.mutate(&bytes, &random)
      bytes.withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { return }
        var inference = TimeInference()
        inference.add(ColumnSpan(start, count: buffer.count))
        for format in formats {
          guard let instant = format.instant(of: ColumnSpan(start, count: buffer.count)) else { continue }
          if instant.fraction >= Instant.unit { Issue.record("more than a second") }
          read += 1
        }
      }
    }
    #expect(read > 1000)
  }

  @Test("No bytes crash the reader of packed blocks, even where their checksum is right")
  func packedBlocks() throws {
    var buffer = EntryBuffer()
    defer { buffer.deallocate() }
    for row in 0..<20 {
      buffer.reserve(entries: 5, cells: 2)
      buffer.append(UInt64(row % 3), 1)
      buffer.endCell()
      for value in 0..<row % 4 { buffer.append(UInt64(value), 0.5) }
      buffer.endCell()
      buffer.endRow(label: row % 5 == 0 ? 1 : 0)
    }
    let good = PackedBlock(buffer, fields: 2).numbered(7)
    var random = Random(state: 99)
    var output = EntryBuffer()
    defer { output.deallocate() }
    var (read, refused) = (0, 0)
    for input in 0..<Self.inputs {
      var bytes = good
      for _ in 0...random.below(3) { bytes[8 + random.below(bytes.count - 8)] = UInt8(random.below(256)) }
      if input % 3 == 0 { bytes.removeLast(random.below(bytes.count)) }
      if bytes.count >= PackedFormat.blockHeaderSize {
        let checksum = Checksum.crc32c(Array(bytes[24...]), after: Checksum.crc32c(Array(bytes[..<20])))
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(20..<24, with: $0) }
      }
      output.reset()
      do {
        try bytes.withUnsafeBytes { try PackedBlock.read($0, number: 7, rows: 20, fields: 2, into: &output) }
        read += 1
        if output.rows != 20 || output.cells != 40 { Issue.record("rows without cells") }
      } catch is PackedBlock.Damage {
        refused += 1
        if output.entries != 0 || output.cells != 0 || output.rows != 0 { Issue.record("something is left") }
      }
    }
    #expect(read > 1000 && refused > 1000, "\(read) read, \(refused) refused")
  }
}
