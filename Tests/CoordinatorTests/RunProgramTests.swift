import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("A run's programme")
struct RunProgramTests {
  @Test("A training run goes through its phases in order, and each waits for everyone")
  func training() throws {
    var play = ProgramPlay(try Sample.training())
    #expect(
      play.enter() == [
        "server-0: be server 0 at 0, fresh", "server-1: be server 1 at 0, fresh",
        "worker-0: be worker 0 for slices [0]",
        "worker-1: be worker 1 for slices [1]",
      ])
    for member in [Member.server(1), .worker(0), .server(0), .server(0)] { #expect(play.adopt(member).isEmpty) }
    #expect(
      play.adopt(.worker(1)) == [
        "server-0: settle 8", "server-1: settle 8", "worker-0: train 0 in epoch 1 steps 0..<8",
        "worker-1: train 1 in epoch 1 steps 0..<8",
      ])
    for epoch in 1...2 {
      play.time += 10
      let clock = 8 * epoch
      let orders = (0..<2).map {
        "server-\($0): checkpoint \(epoch) at \(clock)\(epoch > 1 ? " since \(clock - 8)" : "")"
      }
      #expect(
        play.train() == orders + [
          "server-0: write \(epoch)", "server-1: write \(epoch)", "worker-0: evaluate \(epoch) at \(clock)",
          "worker-1: evaluate \(epoch) at \(clock)",
        ], "what is written is held, and scored meanwhile")
      #expect(
        play.evaluate(round: epoch) == ["record epoch \(epoch)", "epoch \(epoch) done"]
          + (epoch == 1
            ? [
              "server-0: settle 16", "server-1: settle 16", "worker-0: train 0 in epoch 2 steps 8..<16",
              "worker-1: train 1 in epoch 2 steps 8..<16",
            ] : []),
        "nobody waits for the disk")
      #expect(play.program.lastCheckpoint?.number == (epoch == 1 ? nil : 1))
      #expect(play.write() == ["commit checkpoint \(epoch), next step \(clock)"])
      #expect(!play.program.expectsProgress, "the catalogue is written")
      #expect(play.committed() == (epoch == 1 ? [] : ["server-0: digest", "server-1: digest"]))
    }
    #expect(play.report(ServerReport.digests(SlotDigests([])), .server(1)).isEmpty)
    #expect(play.report(ServerReport.digests(SlotDigests([])), .server(0)) == ["completed"])
    let result = try #require(play.result)
    #expect(result.rows == 80 && result.epochs.map(\.epoch) == [1, 2] && result.trainingSeconds == 20)
    #expect(result.epochs.allSatisfy { $0.trainLogloss == 0.5 && $0.auc == 1 && $0.seconds == 10 })
    #expect(result.stallSeconds == 2 && result.evaluation?.auc == 1 && result.parameterDigest?.count == 64)
    #expect(result.epochs.map(\.checkpoint) == [1, 2])
    let checkpoint = play.commits[1]
    #expect(checkpoint.slots == 7 && checkpoint.bytes == 150 && checkpoint.parts.map(\.path) == ["s0/part", "s1/part"])
    #expect(checkpoint.base == 1 && checkpoint.totals == StepTotals(rows: 40, lossSum: 20))
    #expect(!play.program.expectsProgress)
  }

  @Test("Without data to evaluate on, the next epoch is trained as soon as the state of the last is held")
  func noEvaluation() throws {
    var (play, _) = ProgramPlay.adopted(try Sample.training(evaluates: false))
    play.isHolding = false
    #expect(play.train() == ["server-0: checkpoint 1 at 8", "server-1: checkpoint 1 at 8"])
    #expect(
      play.hold() == [
        "server-0: write 1", "server-1: write 1", "record epoch 1", "epoch 1 done", "server-0: settle 16",
        "server-1: settle 16", "worker-0: train 0 in epoch 2 steps 8..<16", "worker-1: train 1 in epoch 2 steps 8..<16",
      ])
    #expect(play.epochs[0].auc == nil && play.epochs[0].logloss == nil && play.epochs[0].clock == 8)
  }

  @Test("A run that goes on from a checkpoint counts its steps from there")
  func resumed() throws {
    var play = ProgramPlay(try Sample.training(start: Sample.start()))
    #expect(play.program.recordedClock == 24)
    #expect(play.enter(Sample.view(clock: 24)).first == "server-0: be server 0 at 24, from checkpoint 3")
    for member in Sample.places().compactMap(\.member).dropLast() { #expect(play.adopt(member).isEmpty) }
    #expect(play.adopt(.worker(1)).last == "worker-1: train 1 in epoch 1 steps 24..<32")
  }

  @Test("Training stops early once patience is over", arguments: [(1, 2), (2, 3), (0, 5)])
  func earlyStopping(patience: Int, lastEpoch: Int) throws {
    var settings = Sample.settings(epochs: 5)
    settings.optimization.patience = patience
    var (play, _) = ProgramPlay.adopted(try Sample.training(settings))
    for epoch in 1...lastEpoch {
      _ = play.train()
      // The first epoch is the best.
      let effects = play.evaluate(round: epoch, quality: 1 / Float(epoch))
      _ = play.write()
      let isLast = epoch == lastEpoch
      if !isLast {
        #expect(effects.last == "worker-1: train 1 in epoch \(epoch + 1) steps \(8 * epoch)..<\(8 * epoch + 8)")
      }
      #expect(play.committed().last == (isLast ? "server-1: digest" : nil))
      #expect(
        effects.contains("say: stopping early: no better validation logloss for \(patience) epochs")
          == (isLast && patience > 0))
    }
  }

  @Test("The latest checkpoints are kept, and the one with the lowest validation logloss", arguments: [true, false])
  func kept(best: Bool) throws {
    var settings = Sample.settings(epochs: 6)
    (settings.cluster.keepCheckpoints, settings.cluster.keepBest) = (2, best)
    var (play, _) = ProgramPlay.adopted(try Sample.training(settings))
    // The second epoch is the best until the sixth.
    for (epoch, quality) in zip(1..., [1, 3, 0.5, 0.4, 2, 4] as [Float]) {
      _ = play.train()
      _ = play.evaluate(round: epoch, quality: quality)
      _ = play.write()
      _ = play.committed()
    }
    #expect(
      play.commits.map(\.kept)
        == (best
          ? [[1], [1, 2], [2, 3], [2, 3, 4], [2, 4, 5], [5, 6]] : [[1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6]]))
    #expect(play.program.result.epochs.best(by: .logloss)?.checkpoint == 6)
    // One that a view cost its checkpoint cannot be had any more.
    var epochs = play.program.result.epochs
    epochs[5].checkpoint = nil
    #expect(epochs.best(by: .logloss)?.epoch == 6 && epochs.bestKept(by: .logloss)?.epoch == 2)
    // Who goes on knows it too.
    let history = RunHistory(epochs: play.program.result.epochs, checkpoints: play.program.checkpoints)
    #expect(
      RunProgram(play.program.plan, run: 7, history: history).result.epochs.map(\.checkpoint) == [1, 2, 3, 4, 5, 6])
  }

  @Test("A scoring run evaluates what the checkpoint says, and touches no checkpoint")
  func scoring() throws {
    var (play, asked) = ProgramPlay.adopted(
      try Sample.scoring(start: Sample.start()), view: Sample.view(clock: 24))
    #expect(asked == ["worker-0: evaluate 0 at 24", "worker-1: evaluate 0 at 24"])
    #expect(play.evaluate(round: 0) == ["completed"])
    let result = try #require(play.result)
    #expect(result.rows == 40 && result.evaluation?.auc == 1 && result.logits.count == 40 && result.labels.count == 40)
    #expect(play.commits.isEmpty)
  }

  @Test("A survey asks workers alone, and tells what each has in the order of their places")
  func survey() throws {
    var play = ProgramPlay(try Sample.survey())
    #expect(play.enter() == ["worker-0: survey [\"*.txt\"]", "worker-1: survey [\"*.txt\"]"])
    #expect(play.report(WorkerReport.surveyed(SurveyResult(train: nil, valid: nil)), .worker(1)).isEmpty)
    #expect(play.report(WorkerReport.surveyed(SurveyResult(train: nil, valid: nil)), .worker(0)) == ["completed"])
    #expect(play.result?.surveys.count == 2)
  }

  @Test("Repeated and late reports of earlier phases change nothing")
  func late() throws {
    var (play, _) = ProgramPlay.adopted(try Sample.training())
    let totals = StepTotals(rows: 40, lossSum: 20)
    #expect(play.adopt(.worker(0)).isEmpty && play.adopt(.server(1)).isEmpty)
    for _ in 0..<3 {
      #expect(play.report(WorkerReport.trained(stallSeconds: 100), .worker(0)).isEmpty)
      #expect(play.report(ServerReport.settled(Settlement(totals: totals)), .server(0)).isEmpty)
      #expect(play.report(WorkerReport.done, .worker(1)).isEmpty)
      #expect(play.report(ProgramPlay.part(1, 1), .server(1)).isEmpty)
      #expect(play.report(ServerReport.digests(SlotDigests([])), .server(1)).isEmpty)
      #expect(play.report(ServerReport.done, .server(1)).isEmpty)
      #expect(play.committed().isEmpty)
      #expect(play.score(Sample.scores(round: 1, chunk: 0), 0) == ["answer worker-0: noted"])
    }
    // A server that settled may say otherwise later: nobody listens.
    #expect(play.report(ServerReport.settled(Settlement(totals: StepTotals())), .server(0)).isEmpty)
    _ = play.report(WorkerReport.trained(stallSeconds: 0), .worker(1))
    play.isHolding = false
    #expect(play.report(ServerReport.settled(Settlement(totals: totals)), .server(1)).count == 2)
    for _ in 0..<2 { #expect(play.report(ProgramPlay.part(), .server(0)).isEmpty, "it does not hold it") }
    let held = ServerReport.held(totals)
    for _ in 0..<2 { #expect(play.report(held, .server(0)).isEmpty) }
    #expect(play.report(held, .server(1)).count == 4)
    #expect(play.report(held, .server(1)).isEmpty)
    // Scores of another round count for nothing, but are noted: their sender is to forget them.
    #expect(play.score(Sample.scores(round: 0, chunk: 0), 0) == ["answer worker-0: noted"])
    #expect(play.evaluate(round: 1).count == 6)
    #expect(play.score(Sample.scores(round: 1, chunk: 0), 0) == ["answer worker-0: noted"])
    #expect(play.recorded().isEmpty)
    for _ in 0..<2 { #expect(play.report(ProgramPlay.part(), .server(0)).isEmpty) }
    #expect(play.report(ProgramPlay.part(1, 2), .server(1)).count == 1)
    #expect(play.commits[0].slots == 3 && play.epochs[0].stallSeconds == 50)
    #expect(play.committed().isEmpty && play.program.lastCheckpoint?.number == 1)
    #expect(play.committed().isEmpty)
  }

  @Test("Progress is what the first server counts in the epoch that is trained")
  func progress() throws {
    var (play, _) = ProgramPlay.adopted(try Sample.training())
    play.time = 3
    #expect(play.beat(3) == ["progress"])
    #expect(
      play.progress == [
        RunProgress(
          epoch: 1, epochs: 2, rows: 20, rowsInEpoch: 40, trainLogloss: 0.25, samplesPerSecond: 10, secondsLeft: 6)
      ])
    #expect(play.beat(3, .server(1)).isEmpty && play.beat(3, .worker(0)).isEmpty)
    for (clock, rows): (UInt64, UInt64) in [(0, 20), (9, 20), (3, 41), (3, .max), (.max, 1)] {
      #expect(play.beat(clock, rows: rows).isEmpty, "\(clock) \(rows)")
    }
  }
}
