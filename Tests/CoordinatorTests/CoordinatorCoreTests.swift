import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("A coordinator's core")
struct CoordinatorCoreTests {
  static let totals = StepTotals(rows: 40, lossSum: 20)

  @Test("A whole run: everyone comes, is asked, answers, and is dismissed")
  func wholeRun() throws {
    let play = CoordinatorPlay()
    #expect(play.tell(.start(try Sample.training(Sample.settings(epochs: 1)))).isEmpty)
    for number in 0..<2 { #expect(play.join(.server, number).map { $0.prefix(7) } == ["refuse "]) }
    #expect(play.join(.worker, 0).map { $0.prefix(7) } == ["refuse "])
    #expect(
      play.join(.worker, 1).suffix(9) == [
        "view 1 at 0, rewound: server-0 server-1 worker-0 worker-1", "server-0: be server 0 at 0, fresh",
        "server-1: be server 1 at 0, fresh", "worker-0: be worker 0 for slices [0]",
        "worker-1: be worker 1 for slices [1]", "server-0: settle 8", "server-1: settle 8",
        "worker-0: train 0 in epoch 1 steps 0..<8", "worker-1: train 1 in epoch 1 steps 0..<8",
      ])
    let view = try #require(play.view)
    #expect(view.members.map { "\($0.role)-\($0.number)" } == ["server-0", "server-1", "worker-0", "worker-1"])
    #expect(view.members.map(\.endpoint) == ["tcp://h:0", "tcp://h:1", nil, nil])
    #expect(view.members.map(\.folder) == ["shards/server-0", "shards/server-1", nil, nil])
    #expect(view.isRewound && view.number == 1 && view.term == 1 && view.reason == "the run begins")
    #expect(try play.train().suffix(2) == ["worker-0: evaluate 1 at 8", "worker-1: evaluate 1 at 8"])
    for chunk in 0..<2 {
      let worker = play[.worker(chunk)]
      #expect(play.receive(worker.ask(.scores(Sample.scores(round: 1, chunk: chunk))), worker).isEmpty)
      #expect(worker.answers.last?.name == "noted")
      try play.report(WorkerReport.done, .worker(chunk))
    }
    try play.report(ProgramPlay.part(1), .server(1))
    #expect(try play.report(ProgramPlay.part(), .server(0)) == ["commit checkpoint 1, next step 8"])
    #expect(try play.written(.commit) == ["server-0: digest", "server-1: digest"])
    try play.report(ServerReport.digests(SlotDigests([])), .server(0))
    #expect(try play.report(ServerReport.digests(SlotDigests([])), .server(1)) == ["completed"])
    #expect(play.core.openQuestions == 0)
    play.processes.forEach { $0.isWilling = false }
    #expect(play.tell(.dismiss) == ["server-0: stop", "server-1: stop", "worker-0: stop", "worker-1: stop"])
    #expect(!play.core.isAlone)
    for number in 0..<2 {
      try play.report(ServerReport.done, .server(number))
      try play.report(WorkerReport.done, .worker(number))
    }
    #expect(play.core.isAlone)
    #expect(play.wait(60, silent: play.processes[0]).isEmpty, "whoever is gone may be silent")
  }

  @Test("A repeated report, or a lost one, counts once")
  func repetitions() throws {
    let play = CoordinatorPlay.gathered(try Sample.training())
    let envelope = try play[.server(0)].report(ServerReport.settled(Settlement(totals: Self.totals)))
    for _ in 0..<3 { #expect(play.receive(envelope, play[.server(0)]).isEmpty) }
    #expect(play.core.openQuestions == 3)
    // The others are asked again until they answer.
    let asked = Set(play.wait(2).filter { $0.contains("settle") || $0.contains("train") })
    #expect(asked.count == 3 && !asked.contains { $0.hasPrefix("server-0") })
  }

  @Test("Articles are fetched piece by piece; what is unknown, and what lies behind the last piece, is gone")
  func articles() throws {
    let plan = try Sample.training()
    guard case .train(let model, _) = plan.purpose else { return }
    let play = CoordinatorPlay.gathered(plan)
    let worker = play[.worker(0)]
    func fetch(_ digest: Digest, _ part: Int) -> Message? {
      _ = play.receive(worker.ask(.fetch(Fetch(digest: digest, part: part))), worker)
      return worker.answers.last
    }
    for (digest, bytes) in model.data.articles {
      guard case .piece(let piece)? = fetch(digest, 0) else {
        Issue.record("no piece")
        return
      }
      #expect(piece.part == 0 && piece.parts == 1 && piece.digest == digest)
      #expect(withExtendedLifetime(piece.bytes) { Array(piece.bytes.bytes) } == bytes)
      guard case .refusal(.gone)? = fetch(digest, 1) else {
        Issue.record("a second piece")
        return
      }
    }
    guard case .refusal(.gone)? = fetch(SHA256.hash([1, 2, 3]), 0) else {
      Issue.record("an unknown article")
      return
    }
  }

  @Test("A large article travels in pieces that make it up again")
  func pieces() throws {
    let article = (0..<(5 * Piece.size / 2)).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) }
    let digest = SHA256.hash(article)
    var whole: [UInt8] = []
    for part in 0..<3 {
      let piece = try #require(Piece(part, of: article, digest: digest))
      #expect(piece.parts == 3 && piece.bytes.count <= Piece.size)
      whole += withExtendedLifetime(piece.bytes) { Array(piece.bytes.bytes) }
    }
    #expect(SHA256.hash(whole) == digest && Piece(3, of: article, digest: digest) == nil)
  }

  @Test("Two plans follow each other on the same members, each in a view of its own")
  func twoPlans() throws {
    let play = CoordinatorPlay.gathered(try Sample.survey())
    let nothing = SurveyResult(train: nil, valid: nil)
    try play.report(WorkerReport.surveyed(nothing), .worker(0))
    #expect(try play.report(WorkerReport.surveyed(nothing), .worker(1)) == ["completed"])
    #expect(play.wait(30).isEmpty, "nobody is asked anything between two plans, and nobody has to get on")
    let begun = play.tell(.start(try Sample.training()))
    #expect(begun.contains("view 2 at 0, rewound: server-0 server-1 worker-0 worker-1"))
    #expect(begun.last == "worker-1: train 1 in epoch 1 steps 0..<8")
    #expect(play.processes.allSatisfy { $0.view == 2 })
    #expect(play[.server(0)].assignment?.folder == "shards/server-0")
  }

  @Test("A stage that follows another starts from what that came to, not from what homes hold")
  func twoStages() throws {
    let play = CoordinatorPlay.gathered(try Sample.training(Sample.settings(epochs: 1), evaluates: false))
    try play.finishEpoch()
    for number in 0..<2 { try play.report(ServerReport.digests(SlotDigests([])), .server(number)) }
    #expect(play.outcome != nil)
    let start = ModelPlan.Start(clock: 8, restore: Sample.restore(1, clock: 8))
    let begun = play.tell(.start(try Sample.training(stage: 1, start: start)))
    #expect(begun.contains("server-0: be server 0 at 8, from checkpoint 1"))
    #expect(begun.last == "worker-1: train 1 in epoch 1 steps 8..<16")
  }

  @Test("What a plan that ended had asked is nothing to the next")
  func lateReports() throws {
    let play = CoordinatorPlay.gathered(try Sample.survey())
    let late = try play[.worker(0)].report(WorkerReport.surveyed(SurveyResult(train: nil, valid: nil)))
    #expect(play.tell(.interrupt) == ["interrupted, last checkpoint none"])
    #expect(play.core.openQuestions == 0)
    play.processes.forEach { $0.forgetOrders() }
    _ = play.tell(.start(try Sample.training()))
    #expect(play.receive(late, play[.worker(0)]).isEmpty && play.core.openQuestions == 4)
    let worker = play[.worker(1)]
    var old = worker.ask(.scores(Sample.scores(round: 0, chunk: 9, rows: 1)))
    old.preamble.view = 1
    #expect(play.receive(old, worker).isEmpty && play.failure == nil)
  }

  @Test("A member that fails ends the run with its own words, and is told that it was heard")
  func memberFails() throws {
    let play = CoordinatorPlay.gathered(try Sample.training())
    let worker = play[.worker(1)]
    let envelope = worker.ask(.failed("x.txt:17: bad row."))
    #expect(play.receive(envelope, worker) == ["failed: worker-1: x.txt:17: bad row."])
    #expect(worker.answers.last?.name == "noted" && play.core.openQuestions == 0)
    #expect(play.receive(envelope, worker).isEmpty, "once")
    let other = CoordinatorPlay.gathered(try Sample.training())
    #expect(other.receive(other[.server(0)].say(.failed("gone")), other[.server(0)]) == ["failed: server-0: gone."])
  }

  @Test("A process that has only just come, and fails, leaves the run as it is")
  func newcomerFails() throws {
    let play = CoordinatorPlay.gathered(try Sample.training())
    play.join(.worker, 7)
    let worker = play.processes[4]
    #expect(play.receive(worker.ask(.failed("no such file.")), worker) == ["say: worker-2: no such file."])
    #expect(!play.wait(2, moving: true).contains { $0.contains("view") } && play.outcome == nil)
  }

  @Test("A run ends before it has begun, too")
  func endBeforeBeginning() throws {
    let play = CoordinatorPlay()
    _ = play.tell(.start(try Sample.training()))
    #expect(play.tell(.failed("server-1 died")) == ["failed: server-1 died."])
    let other = CoordinatorPlay()
    _ = other.tell(.start(try Sample.training()))
    #expect(other.tell(.interrupt) == ["interrupted, last checkpoint none"])
    let third = CoordinatorPlay()
    _ = third.tell(.start(try Sample.training()))
    let said = third.wait(30)
    #expect(said.first == "say: waiting for 2 of 2 servers and 2 of 2 workers")
    #expect(said.last?.hasPrefix("failed: after 30 s still waiting for 2 of 2 servers") == true)
    #expect(third.wait(30).isEmpty)
  }

  @Test("What a coordinator is not asked is refused; another version is told so; noise is not answered")
  func nonsense() throws {
    let play = CoordinatorPlay.gathered(try Sample.training())
    let worker = play[.worker(0)]
    let pull = Pull(group: 0, table: 0, clock: 0, purpose: .training, ranks: Frame([]))
    #expect(play.receive(worker.ask(.pull(pull)), worker) == ["refuse [3]: a coordinator is not asked for pull"])
    let route = Route(bytes: [9])
    #expect(
      play.tell(.malformed(.wrongVersion(found: 1), from: route)).first?.hasPrefix("refuse [9]: protocol") == true)
    #expect(play.tell(.malformed(.malformed("wrong magic"), from: route)).isEmpty)
    let stranger = Process(Sample.registration(.worker, 5), incarnation: 9, route: 9)
    #expect(play.receive(stranger.saysBeat(), stranger) == ["refuse [9]: the message is of another run"])
    #expect(play.outcome == nil)
  }

  @Test("What the connection has no room for is asked again")
  func congestion() throws {
    let play = CoordinatorPlay.gathered(try Sample.training())
    let request = play[.server(0)].orders[0].request
    #expect(play.tell(.congested(play.processes[0].route, request: request)).isEmpty)
    play.time = 0.1
    #expect(!play.tell(.tick).contains { $0.contains("server-0: settle") })
    play.time = 0.3
    #expect(play.tell(.tick).contains("server-0: settle 8"))
  }
}

extension CoordinatorPlay {
  /// All members train an epoch; returns what comes of the last.
  @discardableResult func train() throws -> [String] {
    var last: [String] = []
    for member in core.program?.members(.worker) ?? [] {
      last = try report(WorkerReport.trained(stallSeconds: 0), member)
    }
    for member in core.program?.members(.server) ?? [] where !self[member].orders.isEmpty {
      last = try report(ServerReport.settled(Settlement(totals: CoordinatorCoreTests.totals)), member)
    }
    return last
  }

  /// An epoch without evaluation is trained, and its checkpoint is committed.
  @discardableResult func finishEpoch() throws -> [String] {
    try train()
    for member in core.program?.firstHomes.sorted() ?? [] { try report(ProgramPlay.part(member.number), member) }
    return try written(.commit)
  }

  /// All servers have gone through steps.
  func advance(to clock: UInt64) {
    for process in processes where process.role == .server && !process.isDead { process.advance(to: clock) }
  }
}
