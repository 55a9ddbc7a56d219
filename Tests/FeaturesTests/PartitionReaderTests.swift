import Foundation
import Testing

@testable import Features

struct PartitionReaderTests {
  private static func dataset(_ rows: Int, _ scratch: Scratch, chunkBytes: Int = 200) throws -> DatasetIndex {
    let text = (0..<rows).map { "1 \($0):1\n" }.joined()
    return try scratch.index([scratch.file("data", text)], .libfm, chunkBytes: chunkBytes)
  }

  /// By slice and step, the keys of an epoch, read in order.
  private static func epoch(
    _ partitions: [Partition], sliceRows: Int, seed: UInt64, epoch: Int, threads: ReaderThreads
  ) throws -> [[[UInt64]]] {
    try partitions.map { partition in
      var reader = PartitionReader(
        partition, sliceRows: sliceRows, seed: seed, epoch: epoch, threads: threads, windowChunks: 3)
      var batch = Batch(fields: 1)
      let steps = try (0..<reader.steps).map { step in
        try reader.read(step: step, into: &batch)
        #expect(batch.offsets == (0...Int32(batch.rows)).map { $0 })
        return batch.keys
      }
      #expect(steps.dropLast().allSatisfy { $0.count == sliceRows } && steps.last?.isEmpty != true)
      try reader.read(step: reader.steps, into: &batch)
      #expect(batch.rows == 0)
      try reader.read(step: .max, into: &batch)
      #expect(batch.rows == 0)
      return steps
    }
  }

  @Test("The slices of an epoch read every row once, in an order that seed and epoch give", arguments: 0..<12)
  func wholeEpoch(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let rows = Int.random(in: 1...2000, using: &random)
    let slices = Int.random(in: 1...9, using: &random)
    let sliceRows = Int.random(in: 1...70, using: &random)
    let index = try Self.dataset(rows, scratch)
    let threads = ReaderThreads(index.encoding, count: seed % 3)
    func read(seed: UInt64, epoch: Int) throws -> [[[UInt64]]] {
      try Self.epoch(
        Partition.deal(index, slices: slices, seed: 5), sliceRows: sliceRows, seed: seed, epoch: epoch,
        threads: threads)
    }
    let first = try read(seed: UInt64(seed), epoch: 1)
    let keys = first.map { $0.flatMap { $0 } }
    #expect(keys.flatMap { $0 }.sorted() == (0..<UInt64(rows)).map { $0 })
    #expect(try first == read(seed: UInt64(seed), epoch: 1))
    if rows > 100 {
      let second = try read(seed: UInt64(seed), epoch: 2)
      #expect(first != second && zip(keys, second).allSatisfy { $0.sorted() == $1.flatMap { $0 }.sorted() })
      #expect(try first != read(seed: UInt64(seed) + 99, epoch: 1))
      #expect(keys.flatMap { $0 } != (0..<UInt64(rows)).map { $0 }, "rows are shuffled")
    }
  }

  @Test("Steps read in any order, by anyone, are those read in sequence", arguments: 0..<12)
  func anyOrder(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let index = try Self.dataset(Int.random(in: 1...2000, using: &random), scratch)
    let sliceRows = Int.random(in: 1...120, using: &random)
    let partitions = Partition.deal(index, slices: 3, seed: 5)
    let expected = try Self.epoch(
      partitions, sliceRows: sliceRows, seed: 7, epoch: 4, threads: ReaderThreads(index.encoding, count: 1))
    // As a worker has it that only knows what it was sent, and shares its threads among its slices.
    let threads = ReaderThreads(index.encoding, count: seed % 4)
    var readers = try partitions.map { partition in
      PartitionReader(
        try Partition(decoding: partition.encoded()), sliceRows: sliceRows, seed: 7, epoch: 4, threads: threads,
        from: Int.random(in: 0...partition.steps(sliceRows: sliceRows), using: &random), windowChunks: 3)
    }
    var batch = Batch(fields: 1)
    var step = 0
    for _ in 0..<300 {
      let slice = Int.random(in: 0..<3, using: &random)
      let steps = expected[slice].count
      // Onwards, once more, one back, or anywhere.
      switch Int.random(in: 0..<8, using: &random) {
      case 0..<4: step += 1
      case 4: break
      case 5: step = max(0, step - 1)
      default: step = Int.random(in: 0...steps, using: &random)
      }
      try readers[slice].read(step: step, into: &batch)
      #expect(batch.keys == (step < steps ? expected[slice][step] : []))
    }
  }

  @Test("Slices without chunks are empty, and others read everything")
  func fewChunks() throws {
    let scratch = try Scratch()
    let index = try Self.dataset(50, scratch, chunkBytes: 1 << 20)
    let partitions = Partition.deal(index, slices: 4, seed: 1)
    let epoch = try Self.epoch(
      partitions, sliceRows: 8, seed: 1, epoch: 1, threads: ReaderThreads(index.encoding, count: 2))
    #expect(epoch.map(\.count) == [7, 0, 0, 0] && epoch[0].last?.count == 2)
    #expect(epoch[0].joined().sorted() == (0..<50).map { $0 })
  }

  @Test(
    "An epoch holds every row of the files once, whatever ends their lines",
    arguments: [("\n", true), ("\n", false), ("\r\n", true), ("\r\n", false)])
  func lineEnds(ending: (end: String, isLast: Bool)) throws {
    var random = SplitMix(3)
    let scratch = try Scratch()
    for _ in 0..<20 {
      var key = 0
      let files = try (0..<Int.random(in: 1...4, using: &random)).map { file in
        let rows = Int.random(in: 1...500, using: &random)
        defer { key += rows }
        let lines = (key..<key + rows).map { "1 \($0):1" }
        return try scratch.file("\(file)", lines.joined(separator: ending.end) + (ending.isLast ? ending.end : ""))
      }
      let index = try scratch.index(files, .libfm, chunkBytes: Int.random(in: 1...900, using: &random))
      let keys = try Self.epoch(
        Partition.deal(index, slices: 8, seed: 1), sliceRows: 37, seed: 1, epoch: 1,
        threads: ReaderThreads(index.encoding, count: 1))
      #expect(keys.joined().joined().sorted() == (0..<UInt64(key)).map { $0 })
    }
  }

  @Test("Steps of packed rows are those of the text they were packed from")
  func packed() throws {
    var random = SplitMix(4)
    let scratch = try Scratch()
    let (file, schema) = try PackedTests.sample(rows: 2000, &random, scratch)
    let index = try scratch.index([file], schema, chunkBytes: 3000)
    let packed = try Packing.pack(index, vocabulary: nil, to: scratch.path + "/a.pack")
    let threads = ReaderThreads(index.encoding, count: 2)
    for (one, other) in zip(Partition.deal(index, slices: 3, seed: 1), Partition.deal(packed, slices: 3, seed: 1)) {
      #expect(one.numbers == other.numbers)
      var text = PartitionReader(one, sliceRows: 64, seed: 2, epoch: 3, threads: threads)
      var rows = PartitionReader(other, sliceRows: 64, seed: 2, epoch: 3, threads: threads)
      var (left, right) = (Batch(fields: 4), Batch(fields: 4))
      for step in 0..<text.steps {
        try text.read(step: step, into: &left)
        try rows.read(step: step, into: &right)
        #expect(left.keys == right.keys && left.values == right.values && left.offsets == right.offsets)
        #expect(left.labels == right.labels && left.rows > 0)
      }
    }
  }

  @Test("Text edited since it was first read is named, though its size is the same", arguments: [0, 2])
  func edited(count: Int) throws {
    let scratch = try Scratch()
    let index = try Self.dataset(1000, scratch)
    let path = scratch.path + "/data"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let chunk = index.chunks[7]
    let edited = text.replacingOccurrences(of: "\n1 \(chunk.firstLine):1\n", with: "\n0 \(chunk.firstLine):1\n")
    #expect(edited != text)
    try edited.write(toFile: path, atomically: false, encoding: .utf8)
    let threads = ReaderThreads(index.encoding, count: count)
    let partition = Partition.deal(index, slices: 1, seed: 1)[0]
    var reader = PartitionReader(partition, sliceRows: 10, seed: 1, epoch: 1, threads: threads)
    var batch = Batch(fields: 1)
    let expected = DatasetError.changed(file: path, line: chunk.firstLine)
    #expect(throws: expected) { for step in 0..<100 { try reader.read(step: step, into: &batch) } }
    #expect(expected.description.hasPrefix("\(path):\(chunk.firstLine): changed since it was first read."))
    // What is whole again is read again.
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    var rows = 0
    for step in 0..<100 {
      try reader.read(step: step, into: &batch)
      rows += batch.rows
    }
    #expect(rows == 1000)
  }

  @Test("A packed file that was packed anew is not taken for the old one")
  func packedAnew() throws {
    let scratch = try Scratch()
    let path = scratch.path + "/a.pack"
    let old = try Packing.pack(
      scratch.index([scratch.file("a", "1 1:1\n0 2:1\n")], .libfm), vocabulary: nil, to: path)
    _ = try Packing.pack(scratch.index([scratch.file("b", "0 1:1\n1 2:1\n")], .libfm), vocabulary: nil, to: path)
    var batch = Batch(fields: 1)
    #expect(throws: DatasetError.changed(file: path)) { try ChunkReader(old).read(old.chunks[0], into: &batch) }
    #expect(batch.rows == 0)
  }

  @Test("A chunk that claims more bytes than its file has is refused before there is memory for it")
  func hugeChunk() throws {
    let scratch = try Scratch()
    let index = try Self.dataset(10, scratch)
    var batch = Batch(fields: 1)
    for (offset, length) in [(0, 1 << 56), (1 << 56, 8), (0, 1 << 20)] {
      var chunk = index.chunks[0]
      chunk.offset = offset
      chunk.length = length
      #expect(throws: DatasetError.changed(file: scratch.path + "/data", line: 1)) {
        try ChunkReader(index).read(chunk, into: &batch)
      }
    }
  }

  @Test("Once the threads are stopped they are gone, and readers are told", arguments: [0, 2])
  func stopping(count: Int) throws {
    let scratch = try Scratch()
    let index = try Self.dataset(5000, scratch)
    let threads = ReaderThreads(index.encoding, count: count)
    var readers = Partition.deal(index, slices: 8, seed: 1).map {
      PartitionReader($0, sliceRows: 10, seed: 1, epoch: 1, threads: threads)
    }
    var batch = Batch(fields: 1)
    for slice in readers.indices { try readers[slice].read(step: 0, into: &batch) }
    threads.stop()
    threads.stop()
    for slice in readers.indices {
      #expect(throws: CancellationError.self) {
        for step in 0..<62 { try readers[slice].read(step: step, into: &batch) }
      }
    }
  }

  @Test("However many files there are, few are open at once")
  func openFiles() throws {
    let scratch = try Scratch()
    let files = try (0..<9).map { file in
      let path = try scratch.file("\(file)", "1 \(file):1\n")
      return DatasetIndex.File(name: path, path: path)
    }
    let open = OpenFiles(limit: 3)
    let first = try open.input(files[0])
    #expect(try open.input(files[0]) === first)
    for file in files { #expect(try open.input(file).name == file.name) }
    #expect(try open.input(files[0]) !== first)
    #expect(try first.size() == 6)
    #expect(throws: DatasetError.missing(file: "x")) { try open.input(.init(name: "x", path: scratch.path + "/x")) }
  }

  @Test("Bisection finds the first number that fits")
  func partitioningPoint() {
    for count in 0..<20 {
      for first in 0...count { #expect((3..<3 + count).partitioningPoint { $0 >= 3 + first } == 3 + first) }
    }
  }
}
