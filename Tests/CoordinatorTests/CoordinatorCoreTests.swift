import Checkpoint
import DeepFM
import Foundation
import Job
import Testing
import Wire

@testable import Coordinator
@testable import Features

/// A run played out against the core alone: no sockets, no time but what the test says.
struct CoordinatorCoreTests {
  private static let server = Socket.Peer(bytes: [1])
  private static let workers = [Socket.Peer(bytes: [2]), Socket.Peer(bytes: [3])]

  private static func plan(purpose: Plan.Purpose = .train, evaluates: Bool = true) throws -> Plan {
    let index = DatasetIndex(
      encoding: Encoding(
        format: .libfm, separator: 9, hasHeader: false, hasQuotes: false, columns: [], labelColumn: 0,
        label: LabelRule(column: "label"), timestampColumn: nil, missingTexts: [""],
        fields: [.init(name: "1", column: 0, owner: 0, rule: .index, missing: .own, indices: nil)], firstField: 0,
        leavesOutUnknown: false, vocabulary: nil),
      files: [.init(name: "x", path: "x")],
      chunks: [
        Chunk(file: 0, offset: 0, length: 10, firstLine: 1, rows: 30),
        Chunk(file: 0, offset: 10, length: 10, firstLine: 31, rows: 10),
      ], rows: 40)
    var settings = Settings()
    settings.data.train = ["x"]
    settings.cluster.servers = 1
    settings.cluster.workers = 2
    settings.optimization.slices = 2
    settings.optimization.batch = 8
    settings.optimization.epochs = 2
    return try Plan(
      purpose: purpose, settings: settings, model: settings.model.configuration(fields: 1), train: index,
      evaluation: evaluates ? index : nil, databases: ["s"], gatherSeconds: 30)
  }

  private static func sentences(_ effects: [CoordinatorCore.Effect]) -> [String] {
    effects.map { effect in
      switch effect {
      case .server(_, .configure): "server configure"
      case .server(_, .checkpoint(let number, let clock)): "server checkpoint \(number) at \(clock)"
      case .server(_, .committed(let number)): "server committed \(number)"
      case .server(_, .digest): "server digest"
      case .server(_, .heartbeat): "server heartbeat"
      case .server(_, .stop): "server stop"
      case .server(_, .release): "server release"
      case .worker(let peer, let order):
        "worker \(workers.firstIndex(of: peer)!) "
          + {
            switch order {
            case .configure(let assignment):
              "configure \(assignment.ownedSlices), \(assignment.evaluation?.numbers ?? [])"
            case .train(let epoch, let first, let steps): "train \(epoch) from \(first), \(steps) steps"
            case .survey: "survey"
            case .evaluate(let round, let clock): "evaluate \(round) at \(clock)"
            case .heartbeat: "heartbeat"
            case .stop: "stop"
            case .release: "release"
            }
          }()
      case .refuse(_, let sentence): "refuse: \(sentence)"
      case .recordMembers(let members): "members \(members.count)"
      case .commit(let epoch, let checkpoint):
        "commit epoch \(epoch.epoch), checkpoint \(checkpoint.number), next step \(checkpoint.step)"
      case .progress: "progress"
      case .epochDone(let epoch): "epoch \(epoch.epoch) done"
      case .say(let sentence): "say: \(sentence)"
      case .finish(.completed): "completed"
      case .finish(.failed(let sentence)): "failed: \(sentence)"
      case .finish(.interrupted(let checkpoint)): "interrupted, checkpoint \(checkpoint ?? 0)"
      }
    }
  }

  private static let register = ServerReport.register(role: .init(endpoint: "tcp://e", host: "h", process: 1))

  /// What a worker says that trained on all that is leased to it: one chunk, of 30 rows or of 10.
  private static func done(_ epoch: Int, worker: Int) throws -> WorkerReport {
    done(epoch, rows: try plan().partitions(ofWorker: worker)[0].rows)
  }

  private static func done(_ epoch: Int, rows: Int) -> WorkerReport {
    var progress = EpochProgress(epoch: epoch)
    progress.rows = rows
    progress.lossSum = Double(rows) / 2
    return .epochDone(progress)
  }

  private static func scores(round: Int, chunk: Int, rows: Int) -> ScoreBlock {
    ScoreBlock(
      round: round, chunk: chunk, firstRow: 0, labels: (0..<rows).map { Float($0 % 2) },
      logits: (0..<rows).map { Float($0 % 2) })
  }

  /// A core whose processes are all configured.
  private static func configured(_ plan: Plan) -> (core: CoordinatorCore, effects: [String]) {
    var core = CoordinatorCore(plan, at: 0)
    _ = core.receive(register, from: server, at: 0)
    for (number, worker) in workers.enumerated() {
      _ = core.receive(WorkerReport.register(host: "h", process: Int32(10 + number)), from: worker, at: 0)
    }
    var effects = core.receive(ServerReport.configured, from: server, at: 0) as [CoordinatorCore.Effect]
    for worker in workers { effects += core.receive(WorkerReport.configured, from: worker, at: 0) }
    return (core, sentences(effects))
  }

  @Test("A run goes through its phases in order, and each waits for everyone")
  func wholeRun() throws {
    var core = CoordinatorCore(try Self.plan(), at: 0)
    #expect(Self.sentences(core.receive(Self.register, from: Self.server, at: 0)) == ["server heartbeat"])
    _ = core.receive(WorkerReport.register(host: "h", process: 10), from: Self.workers[0], at: 0)
    #expect(
      Self.sentences(core.receive(WorkerReport.register(host: "h", process: 11), from: Self.workers[1], at: 0))
        == ["worker 1 heartbeat", "members 3", "server configure"])
    #expect(
      Self.sentences(core.receive(ServerReport.configured, from: Self.server, at: 0))
        == ["worker 0 configure [0], [0]", "worker 1 configure [1], [1]"])
    #expect(core.receive(WorkerReport.configured, from: Self.workers[0], at: 0).isEmpty)
    // Partitions of 30 and 10 rows in slices of 4: the longer one needs 8 steps.
    #expect(
      Self.sentences(core.receive(WorkerReport.configured, from: Self.workers[1], at: 0))
        == ["worker 0 train 1 from 0, 8 steps", "worker 1 train 1 from 0, 8 steps"])
    for epoch in 1...2 {
      #expect(
        try Self.sentences(core.receive(Self.done(epoch, worker: 0), from: Self.workers[0], at: 1)) == ["progress"])
      #expect(
        try Self.sentences(core.receive(Self.done(epoch, worker: 1), from: Self.workers[1], at: 1)).dropFirst()
          == ["worker 0 evaluate \(epoch) at \(8 * epoch)", "worker 1 evaluate \(epoch) at \(8 * epoch)"])
      #expect(core.receive(Self.scores(round: epoch, chunk: 1, rows: 10), from: Self.workers[1], at: 2).isEmpty)
      #expect(
        Self.sentences(core.receive(Self.scores(round: epoch, chunk: 0, rows: 30), from: Self.workers[0], at: 2))
          == ["server checkpoint \(epoch) at \(8 * epoch)"])
      #expect(core.lastCheckpoint == (epoch == 1 ? nil : 1))
      let committed = Self.sentences(
        core.receive(.checkpointed(number: epoch, slots: 1, bytes: 1), from: Self.server, at: 3))
      #expect(
        committed.prefix(3) == [
          "commit epoch \(epoch), checkpoint \(epoch), next step \(8 * epoch)", "epoch \(epoch) done",
          "server committed \(epoch)",
        ])
      #expect(
        committed.dropFirst(3)
          == (epoch == 1
            ? ["worker 0 train 2 from 8, 8 steps", "worker 1 train 2 from 8, 8 steps"] : ["server digest"]))
    }
    #expect(
      Self.sentences(core.receive(.digests([]), from: Self.server, at: 4))
        == ["server stop", "worker 0 stop", "worker 1 stop", "completed"])
    #expect(core.isDone && core.tick(at: 99).isEmpty)
  }

  @Test("Whom it waits for is said every few seconds, then as an error")
  func gathering() throws {
    var core = CoordinatorCore(try Self.plan(), at: 0)
    _ = core.receive(Self.register, from: Self.server, at: 0)
    #expect(Self.sentences(core.tick(at: 4)).filter { $0.hasPrefix("say") }.isEmpty)
    #expect(Self.sentences(core.tick(at: 5)).contains("say: waiting for 0 of 1 servers and 2 of 2 workers"))
    #expect(Self.sentences(core.tick(at: 9)).filter { $0.hasPrefix("say") }.isEmpty)
    _ = core.receive(Self.register, from: Self.server, at: 29)
    let last = Self.sentences(core.tick(at: 30)).last ?? ""
    #expect(last.hasPrefix("failed: after 30 s still waiting for 0 of 1 servers and 2 of 2 workers. Start them"))
  }

  @Test("A process that falls silent ends the run and is named; one that speaks does not")
  func silence() throws {
    var (core, _) = Self.configured(try Self.plan())
    _ = core.receive(ServerReport.heartbeat(ServerLoad(tables: [])), from: Self.server, at: 19)
    _ = core.receive(WorkerReport.heartbeat, from: Self.workers[0], at: 19)
    #expect(!Self.sentences(core.tick(at: 19.9)).contains { $0.hasPrefix("failed") })
    #expect(
      Self.sentences(core.tick(at: 20)).last
        == "failed: worker-1 (process 11 on h) has been silent for 20 s. See its log.")
  }

  @Test("A process that reports a failure ends the run with its own words")
  func failure() throws {
    var (core, _) = Self.configured(try Self.plan())
    let effects = Self.sentences(core.receive(WorkerReport.failed("x.txt:17: bad row."), from: Self.workers[1], at: 1))
    #expect(effects == ["server stop", "worker 0 stop", "worker 1 stop", "failed: worker-1: x.txt:17: bad row."])
  }

  @Test("An interruption stops everyone and names the checkpoint that is whole")
  func interruption() throws {
    var (core, _) = Self.configured(try Self.plan(evaluates: false))
    for (number, worker) in Self.workers.enumerated() {
      _ = core.receive(try Self.done(1, worker: number), from: worker, at: 1)
    }
    _ = core.receive(.checkpointed(number: 1, slots: 1, bytes: 1), from: Self.server, at: 2)
    #expect(Self.sentences(core.interrupt()).last == "interrupted, checkpoint 1")
  }

  @Test("Rows lost or doubled end the run")
  func lostRows() throws {
    var (core, _) = Self.configured(try Self.plan())
    let rows = try Self.plan().trainPartitions.map(\.rows)
    _ = core.receive(Self.done(1, rows: rows[0]), from: Self.workers[0], at: 1)
    let last = Self.sentences(core.receive(Self.done(1, rows: rows[1] - 1), from: Self.workers[1], at: 1)).last
    #expect(
      last == "failed: worker-1 trained on \(rows[1] - 1) of the \(rows[1]) rows leased to it in epoch 1: "
        + "a fault of this program.")
  }

  @Test("Strangers and surplus processes are refused; repeated reports count once")
  func strangers() throws {
    var (core, _) = Self.configured(try Self.plan())
    let stranger = Socket.Peer(bytes: [9])
    #expect(
      Self.sentences(core.receive(WorkerReport.configured, from: stranger, at: 0)) == [
        "refuse: this process is not part of the run"
      ])
    #expect(
      Self.sentences(core.receive(Self.register, from: stranger, at: 0)) == [
        "refuse: this run has the 1 servers it needs"
      ])
    for _ in 0..<3 { _ = core.receive(try Self.done(1, worker: 0), from: Self.workers[0], at: 1) }
    #expect(Self.sentences(core.receive(try Self.done(1, worker: 1), from: Self.workers[1], at: 1)).count == 3)
    #expect(core.receive(Self.scores(round: 7, chunk: 0, rows: 30), from: Self.workers[0], at: 1).isEmpty)
    let bad = Self.sentences(core.receive(Self.scores(round: 1, chunk: 5, rows: 1), from: Self.workers[0], at: 1))
    #expect(bad.last == "failed: worker-0 scored rows that are not in the data.")
  }

  @Test("Training stops early once patience is over", arguments: [(1, 2), (2, 3), (0, 9)])
  func earlyStopping(patience: Int, lastEpoch: Int) throws {
    var plan = try Self.plan()
    plan.settings.optimization.patience = patience
    plan.settings.optimization.epochs = 9
    var (core, _) = Self.configured(plan)
    for epoch in 1...lastEpoch {
      for (number, worker) in Self.workers.enumerated() {
        _ = core.receive(try Self.done(epoch, worker: number), from: worker, at: 1)
      }
      for chunk in 0..<2 {
        // The first epoch is the best.
        var scores = Self.scores(round: epoch, chunk: chunk, rows: chunk == 0 ? 30 : 10)
        for row in scores.logits.indices { scores.logits[row] -= Float(epoch) }
        _ = core.receive(scores, from: Self.workers[0], at: 1)
      }
      let effects = Self.sentences(
        core.receive(.checkpointed(number: epoch, slots: 1, bytes: 1), from: Self.server, at: 2))
      let says = effects.contains { $0.hasPrefix("say: stopping early") }
      #expect(
        effects.last
          == (epoch == lastEpoch ? "server digest" : "worker 1 train \(epoch + 1) from \(8 * epoch), 8 steps"))
      #expect(says == (epoch == lastEpoch && patience > 0))
    }
  }

  @Test("A scoring run evaluates and stops, touching no checkpoint")
  func scoring() throws {
    var (core, effects) = Self.configured(try Self.plan(purpose: .score))
    #expect(effects.suffix(2) == ["worker 0 evaluate 0 at 0", "worker 1 evaluate 0 at 0"])
    _ = core.receive(Self.scores(round: 0, chunk: 0, rows: 30), from: Self.workers[0], at: 1)
    let last = core.receive(Self.scores(round: 0, chunk: 1, rows: 10), from: Self.workers[1], at: 1).last
    guard case .finish(.completed(let result))? = last else {
      Issue.record("did not complete")
      return
    }
    #expect(result.rows == 40 && result.evaluation?.auc == 1 && result.logits.count == 40)
  }
}

struct ParameterDigestTests {
  @Test("The parameter digest depends on every slot's digest, not on their order")
  func digest() {
    let digests = (0..<5).map { SlotDigest(table: $0 % 2, slot: $0, sha256: "\($0)") }
    let combined = ParameterDigest.combine(digests)
    #expect(combined == ParameterDigest.combine(digests.reversed()))
    #expect(combined.count == 64 && combined != ParameterDigest.combine(Array(digests.dropLast())))
    var changed = digests
    changed[2].sha256 = "x"
    #expect(combined != ParameterDigest.combine(changed))
  }
}
