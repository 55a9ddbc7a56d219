import Checkpoint
import Foundation
import GRDB
import Testing

@Suite("The catalogue")
struct CatalogueTests {
  private let epoch = EpochRecord(
    epoch: 1, steps: 2, rows: 3, trainLogloss: 0.5, auc: nil, logloss: 0.4, seconds: 2, stallSeconds: 0)
  private let checkpoint = CheckpointRecord(number: 1, epoch: 1, step: 2, slots: 3, bytes: 4, shards: ["a", "b"])

  @Test("A checkpoint exists, with its epoch, once it is committed")
  func commit() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "run.sqlite").path
      let catalogue = try Catalogue.create(at: path)
      #expect(try catalogue.lastCheckpoint() == nil)
      try catalogue.record("model", ["fields": 3])
      try catalogue.commit(epoch, checkpoint)
      let again = try Catalogue.open(at: path)
      #expect(try again.lastCheckpoint() == checkpoint)
      #expect(try again.fact("model", as: [String: Int].self) == ["fields": 3])
      #expect(throws: CatalogueError.self) { try again.fact("nothing", as: [String: Int].self) }
      #expect(throws: CatalogueError.self) { try catalogue.commit(epoch, checkpoint) }
      #expect(throws: CatalogueError.self) { try Catalogue.open(at: "/none/run.sqlite") }
    }
  }

  @Test("Somebody who reads and does not stop holds the run up in nothing")
  func reader() throws {
    try withTemporaryDirectory { directory in
      let path = directory.appending(path: "run.sqlite").path
      let catalogue = try Catalogue.create(at: path)
      let shell = try DatabaseQueue(path: path)
      let start = ContinuousClock.now
      try shell.read { database in
        #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM checkpoints") == 0)
        try catalogue.record(event: "on it goes")
        try catalogue.record(members: [.init(role: "worker", number: 0, host: "a", process: 1)], view: 1)
        try catalogue.commit(epoch, checkpoint)
        #expect(try Catalogue.open(at: path).lastCheckpoint() == checkpoint)
        #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM checkpoints") == 0, "the reader's state stays")
      }
      #expect(ContinuousClock.now - start < .seconds(5))
    }
  }
}
