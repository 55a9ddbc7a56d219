import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Servers whose memory fills up")
struct MemoryTests {
  private static func beat(_ megabytes: Int) -> Beat {
    var beat = Beat(done: 1)
    (beat.clock, beat.totals) = (5, StepTotals(rows: 20, lossSum: 5))
    beat.load = ServerLoad(tables: [
      .init(name: "embeddings", rows: 12, bytes: (megabytes - 1) << 20), .init(name: "dense", rows: 3, bytes: 1 << 20),
    ])
    return beat
  }

  private static func play(_ schedule: CheckpointSchedule = .epoch) throws -> ProgramPlay {
    var settings = Sample.settings()
    // An epoch of 30 steps.
    settings.optimization.batch = 2
    settings.cluster.checkpointEvery = schedule
    settings.cluster.serverMemory = try ByteCount(named: "100m")
    return ProgramPlay.adopted(try Sample.training(settings, evaluates: false)).play
  }

  @Test("A server at four fifths is named with its tables, once, and again when it has been below")
  func warning() throws {
    var play = try Self.play()
    #expect(play.beat(Self.beat(79), .server(1)).isEmpty)
    let said = play.beat(Self.beat(80), .server(1))
    #expect(
      said == [
        "say: server-1 holds 80m (embeddings 79m in 12 rows, dense 1m in 3 rows) of the 100m that --server-memory "
          + "allows. At 95 % the run writes a checkpoint and ends: add a server before"
      ])
    #expect(play.beat(Self.beat(94), .server(1)).isEmpty)
    #expect(play.beat(Self.beat(50), .server(1)).isEmpty && play.beat(Self.beat(85), .server(1)).count == 1)
    #expect(play.beat(Self.beat(85), .server(0)).count == 2, "another, and progress")
  }

  @Test(
    "At 95 % a checkpoint is ordered, whatever the schedule, and the run ends with it",
    arguments: [.epoch, .steps(10)] as [CheckpointSchedule])
  func full(schedule: CheckpointSchedule) throws {
    var play = try Self.play(schedule)
    let isUnderWay = schedule != .epoch
    let said = play.beat(Self.beat(95), .server(1))
    #expect(said.count == 1 && said[0].hasPrefix("say: server-1 holds 95m"), "\(said)")
    let ordered = play.beat(Self.beat(20), .server(0))
    #expect(ordered.contains("server-1: checkpoint 1 at 9") != isUnderWay, "\(ordered)")
    _ = play.write()
    let ended = play.committed()
    #expect(
      ended.last
        == "failed: server-1 holds 95m (embeddings 94m in 12 rows, dense 1m in 3 rows) of the 100m that --server-memory "
        + "allows. Checkpoint 1 is whole. Add a server: go on with --resume and --servers 3, or with a larger "
        + "--server-memory.", "\(ended)")
  }
}
