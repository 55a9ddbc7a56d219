import Foundation
import GRDB
import Sharding
import Testing

@testable import Checkpoint

@Suite("Parts of checkpoints")
struct PartTests {
  @Test("A version of a slot laid over another replaces its rows and candidates, and leaves the rest")
  func merge() throws {
    let base = makeSlot(3, rows: [0, 2, 4, 6], candidates: [0, 1, 5])
    let delta = makeSlot(3, rows: [1, 2, 7], candidates: [5, 9], version: 1, earliest: 4)
    let merged = try delta.laid(over: base)
    var wanted: [UInt64: Float] = [:]
    for version in [base, delta] { version.forEachRow { wanted[$0] = $1[0] } }
    var ranks: [UInt64] = []
    merged.forEachRow { rank, row in
      ranks.append(rank)
      #expect(row[0] == wanted[rank])
    }
    #expect(ranks == wanted.keys.sorted() && merged.count == 6 && merged.earliest == 4)
    var candidates: [UInt32] = []
    merged.forEachCandidate { candidates.append($1.sightings) }
    #expect(candidates == [1, 2, 6, 10])
    #expect(try SlotSnapshot(merged.bytes, table: 0, slot: 3, width: 3, stride: 10) == merged)
    #expect(try makeSlot(3, rows: [], candidates: []).laid(over: base).count == 4)
    #expect(throws: SnapshotError.self) { try delta.laid(over: makeSlot(4)) }
  }

  @Test("Who was a candidate and has a row now is none any more, and the steps are the newer version's")
  func admitted() throws {
    let first = Rank.first(ofSlot: 3)
    var base = SlotSnapshot(table: 0, slot: 3, width: 1, stride: 2)
    for rank in 1...3 { base.append(first + UInt64(rank), .init(sightings: 1, changedAt: 4)) }
    var delta = SlotSnapshot(table: 0, slot: 3, width: 1, stride: 2)
    delta.append(first + 2, [5, 6])
    delta.append(first + 3, .init(sightings: 2, changedAt: 8))
    delta.append(.init(clock: 9, absent: [first + 2]))
    let merged = try delta.laid(over: base)
    var candidates: [UInt64: UInt32] = [:]
    merged.forEachCandidate { candidates[$0] = $1.sightings }
    #expect(candidates == [first + 1: 1, first + 3: 2] && merged.count == 1 && merged.history == delta.history)
  }

  @Test(
    "A row that went is gone from what it is laid over, whether its key has been met again or not, until it is back")
  func evicted() throws {
    let first = Rank.first(ofSlot: 3)
    var base = SlotSnapshot(table: 0, slot: 3, width: 1, stride: 2)
    for rank: UInt64 in 1...4 { base.append(first + rank, [Float(rank), 6]) }
    var delta = SlotSnapshot(table: 0, slot: 3, width: 1, stride: 2)
    delta.append(first + 2, .init(sightings: 0, changedAt: 8))
    delta.append(first + 3, .init(sightings: 2, changedAt: 9))
    var next = SlotSnapshot(table: 0, slot: 3, width: 1, stride: 2)
    next.append(first + 2, [7, 6])
    func rows(_ snapshot: SlotSnapshot) -> [UInt64: Float] {
      var rows: [UInt64: Float] = [:]
      snapshot.forEachRow { rows[$0 - first] = $1[0] }
      return rows
    }
    let merged = try delta.laid(over: base)
    #expect(rows(merged) == [1: 1, 4: 4] && merged.candidates == 2)
    let last = try next.laid(over: merged)
    #expect(rows(last) == [1: 1, 2: 7, 4: 4] && last.candidates == 1)
    #expect(try rows(next.laid(over: delta).laid(over: base)) == rows(last))
  }

  @Test("A chain is read as its last checkpoint left each slot, from whichever files have it, in order")
  func chain() throws {
    try withTemporaryDirectory { directory in
      let base = [
        try writePart([makeSlot(9), makeSlot(2, table: 1)], of: 1, in: directory),
        try writePart([makeSlot(5)], of: 1, server: 1, in: directory),
      ]
      // The slot has moved.
      let next = [try writePart([makeSlot(5, rows: [1, 8], version: 1), makeSlot(6)], of: 2, base: 1, in: directory)]
      #expect(try readAll([(1, base)]).count == 3)
      let found = try readAll([(1, base), (2, next)])
      #expect(found.count == 4 && found[[0, 9]] == makeSlot(9) && found[[0, 6]] == makeSlot(6))
      #expect(try found[[0, 5]] == makeSlot(5, rows: [1, 8], version: 1).laid(over: makeSlot(5)))
      var places: [Int] = []
      let files = CheckpointFiles(number: 1, clock: 1, base: nil, parts: base)
      try CheckpointReading.read(run: 7, [files], wanted: { $1 != 9 }) { places += [$1.table, $1.slot] }
      #expect(places == [0, 5, 1, 2])
      #expect(base[0].slots == 2 && base[0].rows == 10 && base[0].path.hasSuffix("server-0/checkpoint-1.sqlite"))
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/server-0")
      #expect(names.sorted() == ["checkpoint-1.sqlite", "checkpoint-2.sqlite"], "neither journals nor logs are left")
    }
  }

  @Test("A file in the place of another is named: older, of another server or run, unfinished, shortened, or gone")
  func otherFiles() throws {
    try withTemporaryDirectory { directory in
      let elsewhere = directory.appending(path: "elsewhere")
      let part = try writePart([makeSlot(5)], of: 2, base: 1, in: directory)
      func put(_ file: CheckpointPart) throws {
        try? FileManager.default.removeItem(atPath: part.path)
        try FileManager.default.copyItem(atPath: file.path, toPath: part.path)
      }
      func sentence() -> String {
        do {
          try CheckpointReading.read(run: 7, [CheckpointFiles(number: 2, clock: 2, base: 1, parts: [part])]) { _, _ in }
          return "nothing"
        } catch { return "\(error)" }
      }
      let kept = directory.appending(path: "kept").path
      try FileManager.default.copyItem(atPath: part.path, toPath: kept)
      #expect(sentence() == "nothing")
      try put(writePart([makeSlot(5)], of: 1, base: nil, in: elsewhere))
      #expect(sentence().contains("is server-0's part of checkpoint 1, step 1, where the run's catalogue names"))
      try put(writePart([makeSlot(5)], of: 3, base: 2, in: elsewhere))
      #expect(sentence().contains("part of checkpoint 3, step 3, standing on checkpoint 2"))
      try put(writePart([makeSlot(5)], of: 2, base: 1, server: 4, in: elsewhere))
      #expect(sentence().contains("server-4's part"))
      try put(writePart([makeSlot(5)], of: 2, base: 1, run: 8, in: elsewhere))
      #expect(sentence().contains("of another run"))
      try put(writePart([makeSlot(5, version: 1)], of: 2, base: 1, in: elsewhere))
      #expect(sentence().contains("is not what was written for checkpoint 2"))
      let writer = try PartWriter(
        in: elsewhere.path, PartHeader(run: 7, checkpoint: 2, clock: 2, base: 1, server: 0))
      try writer.write([makeSlot(5)])
      try put(CheckpointPart(server: 0, path: writer.path, slots: 0, rows: 0, bytes: 0, digest: part.digest))
      #expect(sentence().contains("is not finished"))
      let whole = try Data(contentsOf: URL(filePath: kept))
      for count in stride(from: 0, to: whole.count, by: 1000) {
        try whole[..<count].write(to: URL(filePath: part.path))
        #expect(sentence().contains(part.path), "\(count) bytes")
      }
      try FileManager.default.removeItem(atPath: part.path)
      #expect(sentence().contains("\(part.path), a part of checkpoint 2, is not there"))
      try Data().write(to: URL(filePath: part.path))
      #expect(sentence().contains(part.path))
    }
  }

  @Test("Whatever byte of a file is flipped, its slots are read as they were written, or the file is named")
  func flippedBytes() throws {
    try withTemporaryDirectory { directory in
      let slots = (0..<20).map { makeSlot($0 * 7) }
      let part = try writePart(slots, of: 1, in: directory)
      let whole = try Data(contentsOf: URL(filePath: part.path))
      var random = SystemRandomNumberGenerator()
      var named = 0
      for _ in 0..<300 {
        var bytes = whole
        bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        try bytes.write(to: URL(filePath: part.path))
        do {
          let found = try readAll([(1, [part])])
          #expect(found.values.sorted { $0.slot < $1.slot } == slots)
        } catch {
          named += 1
          #expect("\(error)".contains(part.path))
        }
      }
      #expect(named > 5)
    }
  }

  @Test("A flipped bit of a row is found, and the error names file, table and slot")
  func flippedBit() throws {
    try withTemporaryDirectory { directory in
      let part = try writePart([makeSlot(77)], of: 1, in: directory)
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: part.path)))
      let magic = Array("SLOT".utf8)
      let place = try #require(bytes.indices.dropLast(4).last { Array(bytes[$0..<$0 + 4]) == magic })
      bytes[place + 60] ^= 1
      try Data(bytes).write(to: URL(filePath: part.path))
      let error = #expect(throws: CheckpointError.self) { try readAll([(1, [part])]) }
      let sentence = error.map { "\($0)" } ?? ""
      #expect(sentence.contains("\(part.path): slot 77 of table 0 is damaged (its checksum differs)"))
      #expect(sentence.contains("`deepfm verify`"))
    }
  }

  @Test("A file of another version of this program is refused by name")
  func otherVersion() throws {
    try withTemporaryDirectory { directory in
      let part = try writePart([makeSlot(77)], of: 1, in: directory)
      try DatabaseQueue(path: part.path).write { try $0.execute(sql: "PRAGMA user_version = 5") }
      let error = #expect(throws: CheckpointError.otherVersion(path: part.path, found: 5)) {
        try readAll([(1, [part])])
      }
      #expect(error.map { "\($0)".contains("an older version") } == true)
    }
  }

  @Test("A part that is given up, or begun anew, leaves nothing of what it was; clearing keeps what is wanted")
  func abandoned() throws {
    try withTemporaryDirectory { directory in
      let header = PartHeader(run: 7, checkpoint: 1, clock: 1, base: nil, server: 0)
      let folder = directory.appending(path: "server-0").path
      let first = try PartWriter(in: folder, header)
      try first.write([makeSlot(1)])
      let second = try PartWriter(in: folder, header)
      try second.write([makeSlot(2)])
      #expect(try readAll([(1, [second.finish()])]).keys.map { $0 } == [[0, 2]])
      for number in 2...4 { _ = try writePart([makeSlot(1)], of: number, in: directory) }
      try PartWriter(in: folder, PartHeader(run: 7, checkpoint: 5, clock: 1, base: nil, server: 0)).abandon()
      _ = FileManager.default.createFile(atPath: folder + "/notes.txt", contents: nil)
      PartWriter.clear(folder, keeping: [1, 3])
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(names == ["checkpoint-1.sqlite", "checkpoint-3.sqlite", "notes.txt"])
    }
  }

  @Test("A directory that cannot be written to is named")
  func noDirectory() throws {
    try withTemporaryDirectory { directory in
      _ = FileManager.default.createFile(atPath: directory.path + "/server-0", contents: nil)
      let error = #expect(throws: CheckpointError.self) { try writePart([makeSlot(1)], of: 1, in: directory) }
      #expect(error.map { "\($0)".contains(directory.path + "/server-0") } == true)
    }
  }

  @Test("What a reader began to read stays whole while the run drops it")
  func readingWhileRemoving() throws {
    try withTemporaryDirectory { directory in
      let part = try writePart((0..<200).map { makeSlot($0) }, of: 1, in: directory)
      var count = 0
      try CheckpointReading.read(run: 7, [CheckpointFiles(number: 1, clock: 1, base: nil, parts: [part])]) { _, slot in
        if count == 0 { try FileManager.default.removeItem(atPath: part.path) }
        #expect(slot == makeSlot(slot.slot))
        count += 1
      }
      #expect(count == 200)
    }
  }

  @Test("Files on network file systems are told by the nearest mount")
  func network() {
    let mounts = """
      /dev/vda / ext4 rw 0 0
      host:/data /data nfs4 rw 0 0
      tmpfs /data/local tmpfs rw 0 0
      me@host: /my\\040files fuse.sshfs rw 0 0
      """
    for (folder, isNetwork) in [
      ("/home/me", false), ("/data", true), ("/data/runs/a", true), ("/data/local/x", false), ("/database", false),
      ("/my files/run", true), ("/", false),
    ] { #expect(JournalMode.isOnNetwork(folder, mounts: mounts) == isNetwork, "\(folder)") }
  }
}
