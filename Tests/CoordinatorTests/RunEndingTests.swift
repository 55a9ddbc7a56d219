import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("How a run ends before its time")
struct RunEndingTests {
  private func training() throws -> ProgramPlay { ProgramPlay.adopted(try Sample.training()).play }

  @Test("Servers that count differently end the run, in rows or in the bits of the loss")
  func differentTotals() throws {
    for other in [StepTotals(rows: 39, lossSum: 20), StepTotals(rows: 40, lossSum: 20.000_000_000_000_004)] {
      var play = try training()
      #expect(
        play.report(ServerReport.settled(Settlement(totals: StepTotals(rows: 40, lossSum: 20))), .server(0)).isEmpty)
      #expect(play.report(ServerReport.settled(Settlement(totals: other)), .server(1)).count == 1)
      let sentence = try #require(play.failure)
      #expect(sentence.hasPrefix("server-1 counts \(other.rows) rows in epoch 1, another server 40"))
    }
  }

  @Test("Rows lost or doubled end the run", arguments: [39, 41, 0, .max] as [UInt64])
  func wrongRows(rows: UInt64) throws {
    var play = try training()
    _ = play.train(totals: StepTotals(rows: rows, lossSum: 20))
    #expect(play.failure == "epoch 1 trained on \(rows) rows of 40: a fault of this program.")
  }

  static let elsewhere: [@Sendable () -> Scores] = [
    { Sample.scores(round: 1, chunk: 2, rows: 1) },
    { Sample.scores(round: 1, chunk: -1, rows: 1) },
    { Sample.scores(round: 1, chunk: .max, rows: 1) },
    { Sample.scores(round: 1, chunk: 1, rows: 11) },
    { Sample.scores(round: 1, chunk: 0, rows: 31, firstRow: 29) },
    { Scores(round: 1, chunk: 0, firstRow: -1, labels: [1], logits: [1]) },
    { Scores(round: 1, chunk: 0, firstRow: .max, labels: [1], logits: [1]) },
    { Scores(round: 1, chunk: 0, firstRow: .min, labels: [1], logits: [1]) },
  ]

  @Test("A worker that scores rows that are not there ends the run", arguments: elsewhere.indices)
  func scoresOfNothing(number: Int) throws {
    var play = try training()
    _ = play.train()
    _ = play.score(Self.elsewhere[number](), 1)
    #expect(
      play.failure == "worker-1 scored rows that are not in the data, or were scored already: a fault of this program.")
  }

  @Test("A worker that scores a row twice ends the run, whatever it says of it")
  func scoredTwice() throws {
    var play = try training()
    _ = play.train()
    #expect(play.score(Sample.scores(round: 1, chunk: 1), 1) == ["answer worker-1: noted"])
    _ = play.score(Sample.scores(round: 1, chunk: 1), 0)
    #expect(
      play.failure == "worker-0 scored rows that are not in the data, or were scored already: a fault of this program.")
  }

  @Test("Rows that nobody scored end the run")
  func missingScores() throws {
    var play = try training()
    _ = play.train()
    #expect(play.score(Sample.scores(round: 1, chunk: 1), 1) == ["answer worker-1: noted"])
    _ = play.report(WorkerReport.done, .worker(0))
    _ = play.report(WorkerReport.done, .worker(1))
    #expect(play.failure == "30 rows were not scored by anyone: a fault of this program.")
  }

  @Test("A member that refuses an order ends the run and is named", arguments: [Member.server(1), .worker(0)])
  func refusal(member: Member) throws {
    var play = try training()
    _ = play.answer(.refusal(.malformed("no such clock")), member)
    #expect(play.failure == "\(member) refused an order: no such clock.")
  }

  @Test("A member whose report is none ends the run and is named", arguments: [Member.server(1), .worker(0)])
  func nonsense(member: Member) throws {
    var play = try training()
    _ = play.answer(.report(Control(["sing": 1])), member)
    #expect(play.failure?.hasPrefix("\(member) answered an order with something else: ") == true)
  }

  @Test(
    "A run fails with one sentence, which ends as sentences do",
    arguments: [("it broke", "it broke."), ("How?", "How?"), ("It did.", "It did."), ("two\nlines", "two\nlines")])
  func sentence(told: String, shown: String) throws {
    var play = try training()
    #expect(play.fail(told) == ["failed: \(shown)"])
    #expect(play.fail("again").isEmpty && play.interrupt().isEmpty, "the first is what counts")
    #expect(play.train().isEmpty && !play.program.expectsProgress)
  }

  @Test("An interruption names the checkpoint that is whole, and no other")
  func interruption() throws {
    var play = try training()
    _ = play.train()
    _ = play.evaluate(round: 1)
    var early = play
    #expect(early.interrupt() == ["interrupted, last checkpoint none"])
    #expect(play.write() == ["commit checkpoint 1, next step 8"])
    early = play
    #expect(early.interrupt() == ["interrupted, last checkpoint none"], "it is not committed")
    _ = play.committed()
    #expect(play.interrupt() == ["interrupted, last checkpoint 1"])
  }

  @Test("Huge and impossible numbers that members report are taken as they are")
  func hugeNumbers() throws {
    var play = try training()
    for number in 0..<2 {
      _ = play.report(WorkerReport.trained(stallSeconds: number == 0 ? .infinity : 1e308), .worker(number))
      _ = play.report(ServerReport.settled(Settlement(totals: StepTotals(rows: 40, lossSum: .nan))), .server(number))
    }
    #expect(play.failure == nil)
    #expect(play.beat(.max, rows: .max).isEmpty)
    _ = play.evaluate(round: 1, quality: .infinity)
    _ = play.report(ProgramPlay.part(0, .max, .min), .server(0))
    _ = play.report(ProgramPlay.part(1, .max, .min), .server(1))
    #expect(play.commits.count == 1)
    #expect(play.committed().isEmpty && play.failure == nil)
  }
}
