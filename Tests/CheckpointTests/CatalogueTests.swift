import Checkpoint
import Foundation
import GRDB
import Sharding
import Testing

@Suite("The catalogue")
struct CatalogueTests {
  private let epoch = EpochRecord(
    epoch: 1, clock: 2, steps: 2, rows: 3, trainLogloss: 0.5, auc: nil, logloss: 0.4, seconds: 2, stallSeconds: 0)

  private static func checkpoint(_ number: Int, stage: Int = 0, step: UInt64 = 2) -> CheckpointRecord {
    CheckpointRecord(
      number: number, stage: stage, epoch: 1, step: step, totals: StepTotals(rows: 7, lossSum: 0.1),
      base: number > 1 ? 1 : nil,
      parts: (0..<2).map {
        CheckpointPart(
          server: $0, path: "\($0)/\(number)", slots: 3, rows: 4, bytes: 5, digest: SHA256.hash([UInt8($0)]))
      }, kept: number > 1 ? [1, number] : [])
  }

  private static func view(_ number: UInt32, servers: [(number: Int, incarnation: UInt64, folder: String?)])
    -> ViewRecord
  {
    let servers = servers.map {
      MemberRecord(
        role: "server", number: $0.number, incarnation: $0.incarnation, host: "h", process: 1, endpoint: "tcp://h:1",
        folder: $0.folder)
    }
    let worker = MemberRecord(
      role: "worker", number: 0, incarnation: .max, host: "h", process: 2, slices: [0, 3])
    return ViewRecord(
      number: number, term: 1, stage: 1, clock: 1 << 40, isRewound: number % 2 == 0,
      slots: SlotMap(servers: 2, replicas: 1), members: servers + [worker], reason: "server-1 is gone")
  }

  private static func create(_ directory: URL) throws -> Catalogue {
    try Catalogue.create(at: directory.appending(path: "run.sqlite").path, host: "a", process: 1)
  }

  @Test("An epoch exists once it is recorded, a checkpoint once it is committed, and each knows of the other")
  func commit() throws {
    try withTemporaryDirectory { directory in
      let catalogue = try Self.create(directory)
      #expect(try catalogue.checkpoints().isEmpty)
      try catalogue.record("model", ["fields": 3])
      try catalogue.record(epoch)
      #expect(try catalogue.history().epochs == [epoch])
      try catalogue.commit(Self.checkpoint(1))
      try catalogue.commit(Self.checkpoint(3, step: 9))
      let again = try Catalogue.open(at: catalogue.path)
      #expect(try again.checkpoints() == [Self.checkpoint(1), Self.checkpoint(3, step: 9)])
      var ended = epoch
      ended.checkpoint = 1
      #expect(try again.history().epochs == [ended])
      #expect(try again.fact("model", as: [String: Int].self) == ["fields": 3])
      #expect(throws: CatalogueError.self) { try again.fact("nothing", as: [String: Int].self) }
      #expect(try again.findFact("nothing", as: Int.self) == nil)
      #expect(throws: CatalogueError.self) { try catalogue.commit(Self.checkpoint(1)) }
      #expect(throws: CatalogueError.self) { try catalogue.record(epoch) }
      var half = Self.checkpoint(4)
      half.parts.append(half.parts[0])
      #expect(throws: CatalogueError.self) { try catalogue.commit(half) }
      #expect(try again.checkpoints().count == 2, "a part is there twice: nothing of the transaction is")
      #expect(throws: CatalogueError.self) { try Catalogue.open(at: "/none/run.sqlite") }
      #expect(throws: CatalogueError.self) { try Catalogue.takeOver("/none/run.sqlite", host: "a", process: 1) }
      #expect(throws: CatalogueError.self) { try Self.create(directory) }
    }
  }

  @Test("Numbers are never given twice, whoever reigns and whatever became of them")
  func numbers() throws {
    try withTemporaryDirectory { directory in
      let first = try Self.create(directory)
      #expect(try (1...3).map { _ in try first.reserveView() } == [1, 2, 3])
      #expect(try first.reserveCheckpoint() == 1)
      let second = try Catalogue.takeOver(first.path, host: "b", process: 2)
      #expect(try second.reserveView() == 4 && second.reserveCheckpoint() == 2)
      #expect(try second.history().lastView == nil)
    }
  }

  @Test("Whoever takes a run over supersedes all before: nothing of theirs is written any more")
  func superseded() throws {
    try withTemporaryDirectory { directory in
      let first = try Self.create(directory)
      let second = try Catalogue.takeOver(first.path, host: "b", process: 22)
      #expect(first.term == 1 && second.term == 2)
      let writes: [(String, (Catalogue) throws -> Void)] = [
        ("view number", { _ = try $0.reserveView() }), ("number", { _ = try $0.reserveCheckpoint() }),
        ("view", { try $0.record(Self.view(1, servers: [])) }),
        ("epoch", { try $0.record(epoch) }), ("commit", { try $0.commit(Self.checkpoint(1)) }),
        ("fact", { try $0.record("x", 1) }), ("event", { try $0.record(event: "x") }),
        (
          "partitions",
          { try $0.record(partitions: [.init(stage: 0, purpose: "train", slice: 0, digest: "", article: Data())]) }
        ),
      ]
      for (name, write) in writes {
        let error = #expect(throws: CatalogueError.self, "\(name)") { try write(first) }
        guard case .superseded(_, "b", 22)? = error else {
          Issue.record("\(name): \(error.map { "\($0)" } ?? "nothing")")
          continue
        }
        #expect(error?.description.contains("process 22 on b") == true)
      }
      #expect(try second.checkpoints().isEmpty && second.history().lastView == nil)
      for (_, write) in writes { try write(second) }
      let third = try Catalogue.takeOver(first.path, host: "c", process: 3)
      #expect(throws: CatalogueError.self) { try second.reserveView() }
      #expect(try third.reserveView() == 2)
      let reader = try Catalogue.open(at: first.path)
      #expect(reader.term == 0)
      #expect(throws: CatalogueError.self) { try reader.reserveView() }
    }
  }

  @Test("What a run has come to is read as it was written, in whatever order")
  func history() throws {
    try withTemporaryDirectory { directory in
      let catalogue = try Self.create(directory)
      #expect(try catalogue.history().incarnations.isEmpty)
      let first = Self.view(1, servers: [(0, 5, "server-0"), (1, .max - 1, "server-1")])
      var last = Self.view(10, servers: [(0, 5, "server-0"), (1, 7, "server-1-2"), (2, 8, nil)])
      try catalogue.record(first)
      try catalogue.record(last)
      #expect(throws: CatalogueError.self) { try catalogue.record(last) }
      var second = epoch
      (second.epoch, second.auc, second.clock) = (2, 0.75, 5)
      for epoch in [epoch, second] { try catalogue.record(epoch) }
      try catalogue.commit(Self.checkpoint(2))
      try catalogue.commit(Self.checkpoint(4, stage: 1))
      try catalogue.commit(Self.checkpoint(9, step: 5))
      let history = try Catalogue.open(at: catalogue.path).history()
      #expect(history.lastView == last)
      var earlier = epoch
      (earlier.checkpoint, second.checkpoint) = (2, 9)
      #expect(history.epochs == [earlier, second] && history.epochs(ofStage: 1).isEmpty)
      #expect(history.checkpoints.map(\.number) == [2, 4, 9])
      #expect(history.lastCheckpoint(ofStage: 1)?.number == 4 && history.lastCheckpoint(ofStage: 2) == nil)
      #expect(history.incarnations[0] == 1 && history.incarnations[1] == 2 && history.incarnations[2] == 0)
      // A view without tables, a survey's.
      (last.number, last.slots) = (11, nil)
      last.members = []
      try catalogue.record(last)
      #expect(try catalogue.history().lastView == last)
    }
  }

  @Test("A view that goes back has what ended later forgotten, of its stage alone")
  func rewound() throws {
    try withTemporaryDirectory { directory in
      let catalogue = try Self.create(directory)
      for (stage, number) in [(0, 1), (1, 1), (1, 2)] {
        var ended = epoch
        (ended.stage, ended.epoch, ended.clock) = (stage, number, UInt64(number) << 40)
        ended.staleness = ["v": StalenessReport()]
        ended.waits = [WaitRecord(member: "worker-0", host: "h", process: 1, seconds: 2)]
        try catalogue.record(ended)
      }
      // View 10 is of stage 1, at step 2^40.
      try catalogue.record(Self.view(10, servers: []))
      #expect(try catalogue.history().epochs.map { [$0.stage, $0.epoch, $0.waits.count] } == [[0, 1, 1], [1, 1, 1]])
      var again = epoch
      (again.stage, again.epoch, again.waits) = (1, 2, [WaitRecord(member: "w", host: "h", process: 1, seconds: 2)])
      try catalogue.record(again)
    }
  }

  @Test(
    "A server's directories are counted, not its processes: a process that has had two leaves no number that is taken")
  func files() throws {
    try withTemporaryDirectory { directory in
      let catalogue = try Self.create(directory)
      try catalogue.record(Self.view(1, servers: [(0, 5, "server-0")]))
      try catalogue.record(Self.view(2, servers: [(0, 6, "server-0-2")]))
      // The first returns under a coordinator that did not know its file.
      try catalogue.record(Self.view(3, servers: [(0, 5, "server-0-3")]))
      #expect(try catalogue.history().incarnations[0] == 3)
    }
  }

  @Test("Partitions of a stage are fixed: they are recorded once")
  func partitions() throws {
    try withTemporaryDirectory { directory in
      let catalogue = try Self.create(directory)
      let records = [("train", 1), ("evaluation", 0), ("train", 0)].map {
        PartitionRecord(stage: 2, purpose: $0.0, slice: $0.1, digest: "d\($0.1)", article: Data([1, 2, UInt8($0.1)]))
      }
      try catalogue.record(partitions: records)
      #expect(try catalogue.partitions(ofStage: 2) == [records[1], records[2], records[0]])
      #expect(try catalogue.partitions(ofStage: 0).isEmpty)
      #expect(throws: CatalogueError.self) { try catalogue.record(partitions: [records[2]]) }
    }
  }

  @Test("A catalogue of another format is refused, and so is what is none", arguments: [2, Catalogue.version + 1])
  func version(found: Int) throws {
    try withTemporaryDirectory { directory in
      let path = try Self.create(directory).path
      try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = \(found)") }
      for open in [{ try Catalogue.open(at: path) }, { try Catalogue.takeOver(path, host: "a", process: 1) }] {
        let error = #expect(throws: CatalogueError.self) { try open() }
        guard case .otherVersion(_, found)? = error else {
          Issue.record("\(error.map { "\($0)" } ?? "nothing")")
          return
        }
        #expect(error?.description.contains(found > Catalogue.version ? "a newer version" : "an older version") == true)
      }
      try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = 0") }
      let unfinished = #expect(throws: CatalogueError.self) { try Catalogue.open(at: path) }
      #expect(unfinished?.description.contains("holds no run") == true)
      #expect(
        try DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM terms") } == 1,
        "nobody reigns over it")
      try Data("no catalogue".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: CatalogueError.self) { try Catalogue.open(at: path) }
    }
  }

  @Test("Somebody who reads and does not stop holds the run up in nothing")
  func reader() throws {
    try withTemporaryDirectory { directory in
      let catalogue = try Self.create(directory)
      let shell = try DatabaseQueue(path: catalogue.path)
      let start = ContinuousClock.now
      try shell.read { database in
        #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM checkpoints") == 0)
        try catalogue.record(event: "on it goes")
        try catalogue.record(Self.view(1, servers: []))
        try catalogue.commit(Self.checkpoint(1))
        #expect(try Catalogue.open(at: catalogue.path).checkpoints() == [Self.checkpoint(1)])
        #expect(try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM checkpoints") == 0, "the reader's state stays")
      }
      #expect(ContinuousClock.now - start < .seconds(5))
    }
  }
}
