import Foundation
import GRDB
import Testing

@testable import Checkpoint

@Suite("Shard files")
struct ShardDatabaseTests {
  private func withFile(_ body: (String, ShardDatabase) throws -> Void) throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "server-0.sqlite").path
      try body(path, try ShardDatabase(path: path))
    }
  }

  @Test("The newest version of each slot is read, from whichever file has it")
  func newest() throws {
    try withTemporaryDirectory { directory in
      let paths = (0..<2).map { directory.appending(path: "server-\($0).sqlite").path }
      let files = try paths.map { try ShardDatabase(path: $0) }
      try files[0].write([makeSlot(1, version: 1), makeSlot(2, version: 1), makeSlot(1, table: 1)], checkpoint: 1)
      try files[1].write([makeSlot(2, version: 2), makeSlot(9, version: 2)], checkpoint: 2)
      try files[0].write([makeSlot(2, version: 3)], checkpoint: 3)
      #expect(try readAll(paths, checkpoints: 0...0).isEmpty)
      let second = try readAll(paths, checkpoints: 0...2)
      #expect(second.count == 4 && second[[0, 2]] == makeSlot(2, version: 2).bytes)
      #expect(second[[0, 1]] == makeSlot(1, version: 1).bytes && second[[1, 1]] == makeSlot(1, table: 1).bytes)
      #expect(try readAll(paths, checkpoints: 0...3)[[0, 2]] == makeSlot(2, version: 3).bytes)
      var some: [Int] = []
      try ShardDatabase.read(paths, checkpoints: Array(0...3), wanted: { $0 > 1 }) { _, _, slot, _ in some.append(slot)
      }
      #expect(some == [2, 9])
    }
  }

  @Test("A flipped byte in the file is found, and the error names file, table and slot")
  func flippedByte() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "server-0.sqlite").path
      try ShardDatabase(path: path).write([makeSlot(77)], checkpoint: 1)
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
      let magic = Array("SLOT".utf8)
      let place = try #require(bytes.indices.dropLast(4).last { Array(bytes[$0..<$0 + 4]) == magic })
      bytes[place + 40] ^= 1
      try Data(bytes).write(to: URL(filePath: path))
      let error = #expect(throws: CheckpointError.self) { try readAll([path], checkpoints: 0...1) }
      let sentence = error.map { "\($0)" } ?? ""
      #expect(sentence.contains(path) && sentence.contains("slot 77") && sentence.contains("table 0"))
    }
  }

  @Test("A file that is not there is named in the error")
  func missingFile() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "server-9.sqlite").path
      let error = #expect(throws: CheckpointError.self) { try readAll([path], checkpoints: 0...1) }
      #expect(error.map { "\($0)".contains(path) } == true)
    }
  }

  @Test("A file of an older program is refused by name, to read and to write")
  func olderFile() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "server-0.sqlite").path
      try DatabaseQueue(path: path).write { try $0.execute(sql: "CREATE TABLE slots (checkpoint INTEGER)") }
      for attempt in [{ _ = try ShardDatabase(path: path) }, { _ = try readAll([path], checkpoints: 0...1) }] {
        let error = #expect(throws: CheckpointError.otherVersion(path: path, found: 0)) { try attempt() }
        #expect(error.map { "\($0)".contains("an older version") } == true)
      }
    }
  }

  @Test("Pruning keeps what the committed checkpoint and later ones need")
  func prune() throws {
    try withFile { path, file in
      for checkpoint in 1...3 { try file.write([makeSlot(5, version: checkpoint)], checkpoint: checkpoint) }
      try file.prune(keeping: [2])
      #expect(try readAll([path], checkpoints: 0...2) == [[0, 5]: makeSlot(5, version: 2).bytes])
      #expect(try readAll([path], checkpoints: 0...3) == [[0, 5]: makeSlot(5, version: 3).bytes])
    }
  }

  @Test("Each checkpoint that is kept can be read, whatever lies between, and no other")
  func kept() throws {
    try withFile { path, file in
      // Slot 5 changes each time, slot 6 every other time, slot 7 once.
      for checkpoint in 1...6 {
        var slots = [makeSlot(5, version: checkpoint)]
        if checkpoint % 2 == 1 { slots.append(makeSlot(6, version: checkpoint)) }
        if checkpoint == 2 { slots.append(makeSlot(7)) }
        try file.write(slots, checkpoint: checkpoint)
      }
      func check(_ kept: [Int]) throws {
        for checkpoint in 1...6 {
          guard kept.contains(checkpoint) else {
            #expect(throws: CheckpointError.self) { try readAll([path], checkpoints: 1...checkpoint) }
            continue
          }
          var wanted = [[0, 5]: makeSlot(5, version: checkpoint).bytes]
          wanted[[0, 6]] = makeSlot(6, version: (checkpoint - 1) / 2 * 2 + 1).bytes
          if checkpoint >= 2 { wanted[[0, 7]] = makeSlot(7).bytes }
          #expect(try readAll([path], checkpoints: 1...checkpoint) == wanted, "\(checkpoint) of \(kept)")
        }
      }
      try check(Array(1...6))
      for kept in [[1, 2, 4, 6], [1, 4, 6], [4, 6], [6]] {
        try file.prune(keeping: kept)
        try check(kept)
      }
      // What comes late prunes nothing that a later one kept.
      try file.prune(keeping: [1, 2])
      try check([6])
    }
  }

  @Test("Versions that were never committed do not count, between others that do, and go when the file is opened")
  func uncommitted() throws {
    try withFile { path, file in
      for checkpoint in 1...5 { try file.write([makeSlot(5, version: checkpoint)], checkpoint: checkpoint) }
      func read(_ committed: [Int]) throws -> [UInt8]? {
        var bytes: [UInt8]?
        try ShardDatabase.read([path], checkpoints: committed, wanted: { _ in true }) { bytes = $3 }
        return bytes
      }
      #expect(try read([]) == nil)
      for _ in 0..<2 {
        #expect(try read([1, 3]) == makeSlot(5, version: 3).bytes)
        #expect(try read([1]) == makeSlot(5, version: 1).bytes)
        // What is not committed yet does not cost what is.
        try file.prune(keeping: [1])
      }
      try file.keep([1, 3])
      #expect(try readAll([path], checkpoints: 0...9) == [[0, 5]: makeSlot(5, version: 3).bytes])
      #expect(try read([2, 4, 5]) == nil)
      try file.prune(keeping: [3])
      #expect(try read([1, 3]) == makeSlot(5, version: 3).bytes)
      try file.keep([])
      #expect(try readAll([path], checkpoints: 0...9).isEmpty)
    }
  }

  @Test("A checkpoint that is not kept is an error that names it, not a row left out")
  func dropped() throws {
    try withFile { path, file in
      try file.write([makeSlot(5), makeSlot(6)], checkpoint: 1)
      try file.write([makeSlot(6, version: 1)], checkpoint: 2)
      try file.prune(keeping: [2])
      #expect(try readAll([path], checkpoints: 0...2).count == 2)
      let error = #expect(throws: CheckpointError.dropped(path: path, checkpoint: 1, prunedFor: 2)) {
        try readAll([path], checkpoints: 0...1)
      }
      let sentence = error.map { "\($0)" } ?? ""
      #expect(sentence.contains(path) && sentence.contains("checkpoint 1 is not kept"))
    }
  }

  @Test("A slot that was first written after the checkpoint is not missed")
  func laterSlot() throws {
    try withFile { path, file in
      try file.write([makeSlot(5)], checkpoint: 1)
      try file.prune(keeping: [1])
      try file.write([makeSlot(6)], checkpoint: 2)
      #expect(try readAll([path], checkpoints: 0...1).count == 1)
    }
  }

  @Test("What a reader began to read stays whole while the run writes and prunes on, in every file")
  func readingWhilePruning() throws {
    try withTemporaryDirectory { directory in
      let paths = (0..<2).map { directory.appending(path: "server-\($0).sqlite").path }
      let files = try paths.map { try ShardDatabase(path: $0) }
      for (file, first) in zip(files, [0, 10]) {
        try file.write((first..<first + 10).map { makeSlot($0) }, checkpoint: 1)
      }
      var slots = 0
      try ShardDatabase.read(paths, checkpoints: Array(0...1), wanted: { _ in true }) { _, _, slot, bytes in
        if slots == 0 {
          for (file, first) in zip(files, [0, 10]) {
            try file.write((first..<first + 10).map { makeSlot($0, version: 1) }, checkpoint: 2)
            try file.prune(keeping: [2])
            try file.sync()
          }
        }
        #expect(bytes == makeSlot(slot).bytes)
        slots += 1
      }
      #expect(slots == 20)
      #expect(try readAll(paths, checkpoints: 0...2).count == 20)
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
