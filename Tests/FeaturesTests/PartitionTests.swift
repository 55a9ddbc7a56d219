import Foundation
import Testing

@testable import Features

struct PartitionTests {
  /// An index of chunks that nobody reads.
  static func index(chunks: [Chunk], files: Int) -> DatasetIndex {
    let encoding = Encoding(
      format: .libfm, separator: 9, hasHeader: false, hasQuotes: false, columns: [], labelColumn: 0,
      label: LabelRule(column: "label"), timestampColumn: nil, missingTexts: [""],
      fields: [.init(name: "1", column: 0, owner: 0, rule: .index, missing: .own, indices: nil)], firstField: 0,
      leavesOutUnknown: false, vocabulary: nil)
    return DatasetIndex(
      encoding: encoding, files: (0..<files).map { .init(name: "/data/day_\($0)", path: "/data/day_\($0)") },
      chunks: chunks, rows: chunks.reduce(0) { $0 + $1.rows })
  }

  static func random(chunks: Int, files: Int, _ random: inout SplitMix) -> DatasetIndex {
    let chunks = (0..<chunks).map { number in
      let length = Int.random(in: 1...1 << 20, using: &random)
      return Chunk(
        file: number * files / chunks, offset: Int.random(in: 0...1 << 40, using: &random), length: length,
        firstLine: Int.random(in: 0...1 << 40, using: &random), rows: Int.random(in: 0...length, using: &random),
        checksum: UInt32.random(in: 0 ... .max, using: &random),
        skipped: Int.random(in: 0..<4, using: &random) > 0
          ? [] : Set((0..<9).map { _ in Int.random(in: 0..<length, using: &random) }).sorted())
    }
    return index(chunks: chunks, files: files)
  }

  @Test("Every chunk is dealt once, in the order of the data, and slices get as many rows", arguments: 0..<20)
  func deal(seed: Int) throws {
    var random = SplitMix(seed)
    let slices = Int.random(in: 1...40, using: &random)
    let index = Self.random(chunks: Int.random(in: 1...300, using: &random), files: 5, &random)
    let partitions = Partition.deal(index, slices: slices, seed: seed % 4 == 0 ? nil : UInt64(seed))
    #expect(partitions.map(\.slice) == Array(0..<slices))
    #expect(partitions.flatMap(\.numbers).sorted() == Array(index.chunks.indices))
    for partition in partitions {
      #expect(partition.numbers == partition.numbers.sorted())
      #expect(Set(partition.chunks.map(\.file)) == Set(partition.files.indices))
      #expect(partition.rows == partition.chunks.reduce(0) { $0 + $1.rows })
      for (number, chunk) in zip(partition.numbers, partition.chunks) {
        var original = index.chunks[number]
        #expect(index.files[original.file] == partition.files[chunk.file])
        original.file = chunk.file
        #expect(original == chunk)
      }
    }
    let rows = partitions.map(\.rows)
    #expect(rows.max()! - rows.min()! <= index.chunks.map(\.rows).max()!)
    #expect(partitions == Partition.deal(index, slices: slices, seed: seed % 4 == 0 ? nil : UInt64(seed)))
    if slices > 1, index.chunks.count > 60 {
      #expect(partitions != Partition.deal(index, slices: slices, seed: UInt64(seed) + 99))
    }
  }

  @Test("Dealt by a search through all slices for the fewest rows, chunks go where they do", arguments: 0..<10)
  func reference(seed: Int) {
    var random = SplitMix(seed)
    var index = Self.random(chunks: 200, files: 6, &random)
    index.readers = (0..<6).map { _ in
      Set((0..<5).map { _ in Int.random(in: 0..<12, using: &random) }).sorted()
    }
    var rows = [Int](repeating: 0, count: 12)
    var expected = [[Int]](repeating: [], count: 12)
    for (number, chunk) in index.chunks.enumerated() {
      let slice = index.readers![chunk.file].min { (rows[$0], $0) < (rows[$1], $1) }!
      rows[slice] += chunk.rows
      expected[slice].append(number)
    }
    #expect(Partition.deal(index, slices: 12, seed: nil).map(\.numbers) == expected)
  }

  @Test("Chunks of a file go to slices that may read it, evenly among them")
  func locality() throws {
    var chunks: [Chunk] = []
    for file in 0..<3 {
      chunks += (0..<100).map { Chunk(file: file, offset: 200 * $0, length: 200, firstLine: 1 + 10 * $0, rows: 10) }
    }
    var index = Self.index(chunks: chunks, files: 3)
    index.readers = [[0, 1, 2], [2, 3], [0, 1, 2, 3]]
    let partitions = Partition.deal(index, slices: 4, seed: 7)
    #expect(partitions.flatMap(\.numbers).sorted() == Array(index.chunks.indices))
    for partition in partitions {
      for number in partition.numbers { #expect(index.readers![index.chunks[number].file].contains(partition.slice)) }
      #expect(abs(partition.rows - 750) < 60)
    }
  }

  @Test("An epoch has as many steps as its longest partition needs")
  func steps() {
    func partition(_ rows: Int) -> Partition {
      Partition(
        slice: 0, files: [.init(name: "a", path: "a")],
        chunks: [Chunk(file: 0, offset: 0, length: 100, firstLine: 1, rows: rows)], numbers: [0])
    }
    #expect([0, 1, 7, 8, 9].map { partition($0).steps(sliceRows: 8) } == [0, 1, 1, 1, 2])
    #expect([partition(3), partition(17), partition(0)].stepsPerEpoch(sliceRows: 8) == 3)
    #expect([Partition]().stepsPerEpoch(sliceRows: 8) == 0)
  }

  @Test("A worker finds files of its own by their names without directories")
  func localized() {
    var random = SplitMix(1)
    let partition = Partition.deal(Self.random(chunks: 30, files: 3, &random), slices: 1, seed: nil)[0]
    let local = partition.localized(to: [.init(name: "x/day_1", path: "/mnt/x/day_1"), .init(name: "y", path: "/y")])
    #expect(local.files.map(\.path) == ["/data/day_0", "/mnt/x/day_1", "/data/day_2"])
    #expect(local.chunks == partition.chunks && local.files.map(\.name) == partition.files.map(\.name))
  }

  // MARK: The binary form

  @Test("A partition is what its bytes say, as they are or in JSON", arguments: 0..<20)
  func coding(seed: Int) throws {
    var random = SplitMix(seed)
    let count = Int.random(in: 0...60, using: &random)
    let index = Self.random(chunks: count, files: 7, &random)
    for partition in Partition.deal(index, slices: 3, seed: UInt64(seed)) {
      #expect(try Partition(decoding: partition.encoded()) == partition)
      let json = try JSONEncoder().encode([partition])
      #expect(try JSONDecoder().decode([Partition].self, from: json) == [partition])
    }
    // In no order, with names that share more than can be said.
    let name = String(repeating: "/dïr", count: 99)
    let odd = Partition(
      slice: 1 << 20,
      files: ["a", "é", "b"].map { .init(name: name + $0, path: $0 == "é" ? "" : name + $0, isPacked: $0 == "b") },
      chunks: [2, 0, 1].map { Chunk(file: $0, offset: 9 - $0, length: 4, firstLine: $0, rows: 4 - $0) },
      numbers: [9, 3, 1 << 30])
    #expect(try Partition(decoding: odd.encoded()) == odd)
  }

  @Test("Whatever bytes come, they are a partition or an error, and take memory in proportion")
  func hostileBytes() throws {
    var random = SplitMix(5)
    let good = Partition.deal(Self.random(chunks: 12, files: 3, &random), slices: 1, seed: 1)[0].encoded()
    for count in good.indices {
      #expect(throws: Partition.Malformed.self) { try Partition(decoding: Array(good[..<count])) }
    }
    #expect(throws: Partition.Malformed.self) { try Partition(decoding: good + [0]) }
    var (read, refused) = (0, 0)
    for input in 0..<200_000 {
      var bytes = input % 50 == 0 ? (0..<40).map { _ in UInt8.random(in: 0...255, using: &random) } : good
      if input % 50 == 0 { bytes.replaceSubrange(0..<5, with: good[..<5]) }
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        let place = Int.random(in: 4..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] = 0xFF
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        default: bytes.replaceSubrange(place..<min(place + 9, bytes.count), with: repeatElement(0xFF, count: 9))
        }
      }
      do {
        let partition = try Partition(decoding: bytes)
        read += 1
        let isWhole = partition.chunks.allSatisfy { partition.files.indices.contains($0.file) && $0.rows >= 0 }
        let size =
          partition.files.reduce(0) { $0 + $1.name.utf8.count + $1.path.utf8.count } + 64 * partition.chunks.count
        if !isWhole || size > 100 * bytes.count { Issue.record("a partition that is none") }
        if try Partition(decoding: partition.encoded()) != partition { Issue.record("it changes on its way") }
      } catch is Partition.Malformed { refused += 1 }
    }
    #expect(read > 1000 && refused > 1000, "\(read) read, \(refused) refused")
    let error = #expect(throws: Partition.Malformed.self) { try Partition(decoding: Array("DFPN".utf8) + [9]) }
    #expect(
      error?.description == "a partition of the data is malformed at byte 5: it is of version 9, this program reads 2. "
        + "Run the same version of this program everywhere.")
  }

  @Test("A terabyte in a million chunks over 500 slices is less than a megabyte for each worker")
  func compactness() throws {
    var chunk = Chunk(file: 0, offset: 0, length: 0, firstLine: 1, rows: 0)
    let index = Self.index(
      chunks: (0..<1_000_000).map { number in
        chunk.offset += chunk.length
        chunk.firstLine += chunk.rows
        chunk.length = 1 << 20 + number * 7919 % 300
        chunk.rows = 4500 + number * 104_729 % 250
        chunk.checksum = UInt32(truncatingIfNeeded: number &* 2_654_435_761)
        return chunk
      }, files: 1)
    let partitions = Partition.deal(index, slices: 500, seed: 1)
    let sizes = partitions.map { $0.encoded().count }
    #expect(sizes.max()! < 100_000, "\(sizes.max()!) bytes")
    #expect(partitions.map(\.rows).max()! - partitions.map(\.rows).min()! < 5000)
  }
}
