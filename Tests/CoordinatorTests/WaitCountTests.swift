import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("For whom steps wait")
struct WaitCountTests {
  private let view = ViewRecord(
    number: 1, term: 1, stage: 0, clock: 0, isRewound: false, slots: nil,
    members: (0..<3).map { number in
      MemberRecord(
        role: "worker", number: number, incarnation: UInt64(number), host: "h\(number)", process: Int32(number),
        slices: number == 2 ? [] : [2 * number, 2 * number + 1])
    }, reason: "")

  private func collecting(_ slices: [Int]) -> Activity { Activity(.collecting, step: 4, slices: slices) }

  @Test("The time between two beats counts for the worker that alone is missing at the second")
  func alone() {
    var waits = WaitCount()
    waits.hear(collecting([2, 3]), in: view, at: 0)
    waits.hear(collecting([3]), in: view, at: 0.5)
    waits.hear(collecting([2, 3]), in: view, at: 1)
    waits.hear(collecting([0]), in: view, at: 1.25)
    #expect(waits.seconds == [.worker(1): 1, .worker(0): 0.25])
    let records = waits.records(in: view)
    #expect(records.map(\.member) == ["worker-1", "worker-0"])
    #expect(records[0] == WaitRecord(member: "worker-1", host: "h1", process: 1, seconds: 1))
  }

  @Test(
    "Whom a run waits for is its servers' word, and nobody waits where all tables are async", arguments: [false, true])
  func program(isAsync: Bool) throws {
    var settings = Sample.settings()
    if isAsync { settings.cluster.consistency = .async }
    var play = ProgramPlay.adopted(try Sample.training(settings)).play
    for clock in 1...3 as ClosedRange<UInt64> {
      var beat = Beat(done: clock, activity: collecting([1]))
      (beat.clock, beat.totals) = (clock, StepTotals(rows: 4, lossSum: 2))
      _ = play.beat(beat, .server(0))
      play.time += 0.5
    }
    #expect(play.program.waits.seconds == (isAsync ? [:] : [.worker(1): 1]))
  }

  @Test("Nobody is waited for who is one of several, and a beat that was late tells no more than a second")
  func several() {
    var waits = WaitCount()
    waits.hear(collecting([1, 2]), in: view, at: 0)
    waits.hear(collecting([0, 1, 2, 3]), in: view, at: 0.5)
    waits.hear(Activity(.writing), in: view, at: 1)
    waits.hear(collecting([]), in: view, at: 1.5)
    #expect(waits.seconds.isEmpty)
    waits.hear(collecting([0]), in: view, at: 100)
    #expect(waits.seconds == [.worker(0): 1])
    var lone = view
    lone.members = Array(view.members.prefix(1))
    waits.hear(collecting([0]), in: lone, at: 100.5)
    #expect(waits.seconds == [.worker(0): 1], "it keeps nobody waiting")
  }
}
