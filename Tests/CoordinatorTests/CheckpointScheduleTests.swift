import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Checkpoints while training goes on")
struct CheckpointScheduleTests {
  static func settings(_ schedule: CheckpointSchedule, lag: Int = 0) -> Settings {
    var settings = Sample.settings()
    // An epoch of 30 steps.
    settings.optimization.batch = 2
    settings.cluster.checkpointEvery = schedule
    if lag > 0 { settings.cluster.consistency = .lag(lag) }
    return settings
  }

  static func play(
    _ schedule: CheckpointSchedule, lag: Int = 0, history: RunHistory = RunHistory(), view: ViewRecord = Sample.view()
  ) throws -> (play: ProgramPlay, asked: [String]) {
    ProgramPlay.adopted(
      try Sample.training(settings(schedule, lag: lag), evaluates: false), history: history, view: view)
  }

  @Test("One every few steps is ordered ahead, held, and written; it stands on the one before once that is committed")
  func steps() throws {
    var (play, asked) = try Self.play(.steps(10))
    #expect(
      asked.suffix(4) == [
        "server-0: checkpoint 1 at 10", "server-1: checkpoint 1 at 10", "server-0: write 1", "server-1: write 1",
      ])
    #expect(play.beat(5) == ["progress"] && play.beat(11) == ["progress"], "one at a time")
    #expect(play.report(ProgramPlay.part(1, 2, 3), .server(1)).isEmpty)
    #expect(play.report(ProgramPlay.part(0, 4, 5), .server(0)) == ["commit checkpoint 1, next step 10"])
    let record = play.commits[0]
    #expect(record.slots == 6 && record.bytes == 8 && record.epoch == 1 && record.base == nil)
    #expect(record.parts.map(\.path) == ["s0/part", "s1/part"])
    #expect(record.totals == StepTotals(rows: 40, lossSum: 20))
    #expect(play.beat(13) == ["progress"], "not before it is committed")
    #expect(
      play.committed().prefix(2) == ["server-0: checkpoint 2 at 20 since 10", "server-1: checkpoint 2 at 20 since 10"])
    #expect(play.program.recordedClock == 10 && play.program.result.epochs.isEmpty)
  }

  @Test("The last one before an epoch's end is left to that end", arguments: [30, 31, 1000, .max] as [UInt64])
  func epochEnd(steps: UInt64) throws {
    let (_, asked) = try Self.play(.steps(steps))
    #expect(!asked.contains { $0.contains("checkpoint") })
  }

  @Test("One every few seconds is ordered as far ahead as members can be apart")
  func seconds() throws {
    var (play, asked) = try Self.play(.seconds(10), lag: 3)
    #expect(!asked.contains { $0.contains("checkpoint") })
    play.time = 10.9
    #expect(play.beat(5) == ["progress"])
    play.time = 11
    #expect(
      play.beat(6).prefix(3) == ["progress", "server-0: checkpoint 1 at 13", "server-1: checkpoint 1 at 13"])
    _ = play.write()
    play.time = 15
    #expect(play.committed().isEmpty)
    play.time = 24.9
    #expect(play.beat(14) == ["progress"], "it counts from the commit")
    play.time = 25
    #expect(play.beat(15).count == 5)
  }

  @Test("A beat that comes late, of before a checkpoint that is committed by now, has none ordered again")
  func lateBeat() throws {
    var (play, _) = try Self.play(.steps(10))
    for clock in [10, 20] {
      _ = play.write()
      #expect(play.commits.last?.step == UInt64(clock))
      _ = play.committed()
    }
    #expect(play.beat(18) == ["progress"] && play.beat(21) == ["progress"], "the next is the epoch's end")
  }

  @Test("One that a server misses is over once the others have answered; the next is ordered further ahead")
  func missed() throws {
    var (play, _) = try Self.notHolding(.steps(10))
    #expect(play.report(.missed(clock: 12), .server(0)).isEmpty)
    #expect(play.beat(13) == ["progress"], "the other one has not answered")
    #expect(
      play.report(.held(StepTotals()), .server(1)) == ["server-0: checkpoint 2 at 20", "server-1: checkpoint 2 at 20"])
    #expect(play.report(.missed(clock: 21), .server(1)).isEmpty)
    #expect(play.report(.missed(clock: 27), .server(0)).isEmpty, "27 + 12 is no step of this epoch")
    #expect(play.beat(28) == ["progress"])
    #expect(play.train() == ["server-0: checkpoint 3 at 30", "server-1: checkpoint 3 at 30"])
    #expect(play.hold().contains("epoch 1 done"))
    #expect(play.commits.isEmpty && play.program.lastCheckpoint == nil)
    #expect(play.write() == ["commit checkpoint 3, next step 30"])
  }

  static func notHolding(_ schedule: CheckpointSchedule) throws -> (play: ProgramPlay, asked: [String]) {
    var play = ProgramPlay(try Sample.training(settings(schedule), evaluates: false))
    play.isHolding = false
    _ = play.enter()
    let asked = play.adoptAll()
    return (play, asked)
  }

  @Test("A part that cannot be written costs the checkpoint, which is told, and nothing else")
  func unwritten() throws {
    var (play, _) = try Self.play(.steps(10))
    #expect(play.report(ProgramPlay.part(), .server(0)).isEmpty)
    let said = play.report(.unwritten("x.sqlite: disk full."), .server(1))
    #expect(
      said.first
        == "note: checkpoint 1 could not be written: server-1: x.sqlite: disk full. Training goes on; there is none that "
        + "is whole yet")
    #expect(said.dropFirst().first == "server-0: checkpoint 2 at 20", "the next stands on none")
    _ = play.write()
    _ = play.committed()
    _ = play.train()
    let again = play.report(.unwritten("full."), .server(0)) + play.report(ProgramPlay.part(1), .server(1))
    #expect(again.first?.hasSuffix("checkpoint 2, at step 20, is the last that is whole") == true)
    #expect(play.outcome == nil)
  }

  @Test("A disk that does not get on is named once, while training does")
  func slowDisk() throws {
    var (play, _) = try Self.play(.steps(10))
    _ = play.report(ProgramPlay.part(), .server(0))
    play.time += 59
    #expect(play.beat(12) == ["progress"])
    play.time += 1
    let said = play.beat(13)
    #expect(
      said.count == 2 && said[0].hasPrefix("note: checkpoint 1 has been on its way for 60 s, and waits for server-1."))
    play.time += 100
    #expect(play.beat(14) == ["progress"])
    #expect(play.report(ProgramPlay.part(1), .server(1)) == ["commit checkpoint 1, next step 10"])
  }

  @Test("All rows are written again once what changed has grown to half of them, or comes in many pieces")
  func folding() throws {
    func asked(after bytes: [Int]) throws -> String? {
      let checkpoints = bytes.enumerated().map { place, bytes in
        Sample.checkpoint(place + 1, step: UInt64(place + 1), base: place > 0 ? place : nil, bytes: bytes)
      }
      let (_, asked) = try Self.play(
        .steps(20), history: RunHistory(checkpoints: checkpoints), view: Sample.view(2, clock: UInt64(bytes.count)))
      return asked.first { $0.contains("checkpoint") }
    }
    #expect(try asked(after: [100]) == "server-0: checkpoint 2 at 20 since 1")
    #expect(try asked(after: [100, 20, 30]) == "server-0: checkpoint 4 at 20 since 3")
    #expect(try asked(after: [100, 20, 31]) == "server-0: checkpoint 4 at 20")
    #expect(try asked(after: [100] + Array(repeating: 1, count: 15)) == "server-0: checkpoint 17 at 20 since 16")
    #expect(try asked(after: [100] + Array(repeating: 1, count: 16)) == "server-0: checkpoint 18 at 20")
  }

  @Test("Files go with the checkpoints that nobody keeps or stands on")
  func removal() throws {
    var settings = Self.settings(.steps(5))
    settings.cluster.keepCheckpoints = 1
    let bytes = [100, 60, 10]
    let checkpoints = bytes.enumerated().map { place, bytes in
      Sample.checkpoint(place + 1, step: UInt64(place + 1), base: place == 2 ? 2 : nil, bytes: bytes)
    }
    var (play, _) = ProgramPlay.adopted(
      try Sample.training(settings, evaluates: false), history: RunHistory(checkpoints: checkpoints),
      view: Sample.view(2, clock: 3))
    _ = play.write()
    #expect(play.commits[0].kept == [4] && play.commits[0].base == 3)
    #expect(!play.committed().contains { $0.contains("remove") }, "it stands on 3, which stands on 2")
    _ = play.write()
    // The fifth holds all rows.
    #expect(play.commits[1].base == nil)
    let said = play.committed().filter { $0.contains("remove") }
    #expect(said.count == 2 && said[0].hasPrefix("server-0: remove shards/server-0/2 shards/server-0/3 s0/part"))
  }

  @Test("A change of view during a checkpoint: nothing is committed, and its number is not used again")
  func viewChange() throws {
    var (play, _) = try Self.play(.steps(10))
    _ = play.report(ProgramPlay.part(), .server(0))
    play.program.leave()
    #expect(play.report(ProgramPlay.part(1), .server(1)).isEmpty && play.commits.isEmpty)
    _ = play.enter(Sample.view(2, clock: 7, isRewound: false))
    #expect(play.adoptAll().contains("server-0: checkpoint 2 at 10"))
    #expect(play.write() == ["commit checkpoint 2, next step 10"])
  }

  @Test("A number that comes after its view is not used; the attempt of the next view has one of its own")
  func lateNumber() throws {
    var (play, _) = try Self.play(.epoch)
    play.isNumbering = false
    #expect(play.train() == ["number"])
    play.program.leave()
    #expect(play.reserved(1).isEmpty)
    _ = play.enter(Sample.view(2, clock: 30, isRewound: false))
    #expect(play.adoptAll().last == "worker-1: train 1 in epoch 1 steps 30..<30", "all is trained")
    #expect(play.train() == ["number"])
    #expect(play.reserved(2).prefix(2) == ["server-0: checkpoint 2 at 30", "server-1: checkpoint 2 at 30"])
    #expect(play.reserved(3).isEmpty, "it has one")
  }

  @Test("What is committed after its view counts: the next one stands on it")
  func commitAfterView() throws {
    var (play, _) = try Self.play(.epoch)
    _ = play.train()
    #expect(play.write() == ["commit checkpoint 1, next step 30"])
    play.program.leave()
    #expect(play.committed().isEmpty, "nobody is asked anything between views")
    #expect(play.program.recordedClock == 30)
    let asked = play.enter(Sample.view(2, clock: 30, isRewound: false))
    #expect(asked.first == "server-0: be server 0 at 30, held")
    #expect(play.adoptAll().last == "worker-1: train 1 in epoch 2 steps 30..<60")
  }

  @Test("A rewound view starts from the stage's last checkpoint and what that stands on")
  func rewound() throws {
    let history = RunHistory(
      epochs: [Sample.epoch(1)],
      checkpoints: [
        Sample.checkpoint(1, step: 8, stage: 0), Sample.checkpoint(2, step: 32, stage: 1),
        Sample.checkpoint(5, step: 40, stage: 1, base: 2),
      ])
    let plan = try Sample.training(stage: 1, start: .init(clock: 24))
    var play = ProgramPlay(plan, history: history)
    #expect(play.program.recordedClock == 40)
    #expect(play.program.result.epochs.isEmpty, "epochs are a stage's own")
    var order: ServerOrder?
    for case .ask(.server(0), .order(let control)) in play.program.enter(
      Sample.view(9, clock: 40, stage: 1), at: 0)
    { order = try control.decode() }
    guard case .adopt(let assignment)? = order, case .restored(let restore) = assignment.start else {
      Issue.record("not restored")
      return
    }
    #expect(restore.chain.map(\.number) == [2, 5] && restore.run == 7 && assignment.kept == [2, 5])
    #expect(assignment.clock == 40)
    #expect(restore.totals == StepTotals(rows: 200, lossSum: 1))
    #expect(assignment.epochs == EpochClock(start: 24, steps: 8) && assignment.folder == "s0")
    _ = play.enter(Sample.view(10, clock: 8, stage: 1))
  }

  @Test(
    "Beats with impossible clocks order no checkpoint, and end nothing", arguments: [.max, 1 << 63, 30] as [UInt64])
  func impossibleClocks(clock: UInt64) throws {
    for schedule in [CheckpointSchedule.steps(1), .seconds(0.5)] {
      var (play, _) = try Self.play(schedule)
      play.time = 50
      let isOpen = schedule == .steps(1)
      #expect(!play.beat(clock, rows: 1).contains { $0.contains("checkpoint") })
      if isOpen {
        _ = play.write()
        _ = play.committed()
        _ = play.report(.missed(clock: clock), .server(0))
        #expect(play.report(.missed(clock: clock), .server(1)).isEmpty)
      }
      #expect(play.outcome == nil)
    }
  }

  @Test("A resumed run goes on with the epoch that is not recorded, in its middle too")
  func resumedInTheMiddle() throws {
    let history = RunHistory(
      epochs: [Sample.epoch(1)], checkpoints: [Sample.checkpoint(1, step: 8), Sample.checkpoint(2, step: 12, epoch: 2)])
    var settings = Sample.settings()
    settings.optimization.epochs = 3
    let (play, asked) = ProgramPlay.adopted(
      try Sample.training(settings), history: history, view: Sample.view(4, clock: 12))
    #expect(
      asked == [
        "server-0: settle 16", "server-1: settle 16", "worker-0: train 0 in epoch 2 steps 12..<16",
        "worker-1: train 1 in epoch 2 steps 12..<16",
      ])
    #expect(play.program.result.rows == 40 && play.program.result.trainingSeconds == 10)
  }

  @Test("All homes are asked to settle, spares have nothing to train, and servers without slots nothing to write")
  func homes() throws {
    let map = try SlotMap(runs: [.init(first: 0, count: Rank.slots, homes: [0, 1])])
    let view = Sample.view(servers: 3, slots: map, workers: [[0, 1], []])
    var (play, asked) = ProgramPlay.adopted(try Sample.training(evaluates: false), view: view)
    #expect(
      asked == [
        "server-0: settle 8", "server-1: settle 8",
        "worker-0: train 0 in epoch 1 steps 0..<8, 1 in epoch 1 steps 0..<8",
        "worker-1: train ",
      ])
    #expect(play.train().prefix(2) == ["server-0: checkpoint 1 at 8", "server-0: write 1"])
    #expect(play.report(ProgramPlay.part(), .server(0)) == ["commit checkpoint 1, next step 8"])
    #expect(play.commits[0].parts.map(\.server) == [0])
  }
}
