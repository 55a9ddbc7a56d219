import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Where an epoch ends")
struct EpochEndTests {
  @Test("An epoch's end waits for a checkpoint that is on its way, which is then written while the next is trained")
  func epochEndMeanwhile() throws {
    var (play, _) = try CheckpointScheduleTests.play(.steps(20))
    #expect(play.train().isEmpty, "checkpoint 1 is being written")
    #expect(play.write() == ["commit checkpoint 1, next step 20"])
    let said = play.committed()
    #expect(said.prefix(2) == ["server-0: checkpoint 2 at 30 since 20", "server-1: checkpoint 2 at 30 since 20"])
    #expect(said.contains("epoch 1 done") && said.last == "worker-1: train 1 in epoch 2 steps 30..<60")
    #expect(play.beat(35, rows: 5) == ["progress"], "one at a time")
    #expect(play.write() == ["commit checkpoint 2, next step 30"])
    #expect(play.committed().prefix(1) == ["server-0: checkpoint 3 at 40"], "as much has changed as there is")
  }

  @Test("A state that is held for an earlier checkpoint is not what an epoch ended with")
  func heldLate() throws {
    var (play, _) = try CheckpointScheduleTests.notHolding(.steps(20))
    #expect(play.train().isEmpty, "all have come to the end, and checkpoint 1 is of step 20")
    #expect(play.hold() == ["server-0: write 1", "server-1: write 1"])
    _ = play.write()
    #expect(play.committed() == ["server-0: checkpoint 2 at 30 since 20", "server-1: checkpoint 2 at 30 since 20"])
    #expect(play.hold().contains("record epoch 1"))
  }

  @Test("A checkpoint of an epoch's end counts only once the epoch is recorded")
  func epochFirst() throws {
    var (play, _) = try CheckpointScheduleTests.play(.epoch)
    play.isRecording = false
    #expect(play.train().last == "record epoch 1")
    #expect(play.write().isEmpty && play.commits.isEmpty)
    #expect(play.recorded().prefix(2) == ["epoch 1 done", "commit checkpoint 1, next step 30"])
    #expect(play.committed().isEmpty && play.program.result.epochs.map(\.checkpoint) == [1])
  }

  @Test(
    "The last checkpoint of a run is tried until there is room, and the run ends with a sentence when there never is")
  func lastUnwritten() throws {
    var settings = CheckpointScheduleTests.settings(.epoch)
    settings.optimization.epochs = 1
    var (play, _) = ProgramPlay.adopted(try Sample.training(settings, evaluates: false))
    _ = play.train()
    func fail() -> [String] {
      play.report(.unwritten("full."), .server(0)) + play.report(ProgramPlay.part(1), .server(1))
    }
    #expect(fail().count == 1 && play.beat(30) == [])
    play.time += 5
    #expect(play.beat(30).prefix(1) == ["server-0: checkpoint 2 at 30"])
    var healed = play
    _ = healed.write()
    #expect(healed.committed() == ["server-0: digest", "server-1: digest"])
    _ = fail()
    play.time += 294
    #expect(play.beat(30).prefix(1) == ["server-0: checkpoint 3 at 30"])
    _ = fail()
    play.time += 5
    #expect(play.beat(30).first?.contains("could not be written for 300 s. Make room") == true)
  }

  @Test("An epoch that is recorded whose checkpoint a view cost has one taken, if all still stand at its end")
  func endAgain() throws {
    var (play, _) = try CheckpointScheduleTests.play(.epoch)
    _ = play.train()
    #expect(play.program.settledClock == 30 && play.program.recordedClock == 0)
    play.program.leave()
    var other = play
    _ = play.enter(Sample.view(2, clock: 30, isRewound: false))
    let asked = play.adoptAll()
    #expect(asked.prefix(2) == ["server-0: checkpoint 2 at 30", "server-1: checkpoint 2 at 30"])
    #expect(asked.last == "worker-1: train 1 in epoch 2 steps 30..<60" && play.epochs.count == 1)
    _ = other.enter(Sample.view(2, clock: 33, isRewound: false))
    #expect(other.adoptAll().last == "worker-1: train 1 in epoch 2 steps 33..<60")
    #expect(other.program.result.epochs.count == 1)
  }

  @Test("Where an async table has gone past an epoch's end, nobody can hold that any more, and training goes on")
  func lostEnd() throws {
    var (play, _) = try CheckpointScheduleTests.play(.epoch)
    _ = play.train()
    play.program.leave()
    play.isHolding = false
    _ = play.enter(Sample.view(2, clock: 30, isRewound: false))
    #expect(play.adoptAll() == ["server-0: checkpoint 2 at 30", "server-1: checkpoint 2 at 30"])
    #expect(play.report(.held(StepTotals()), .server(0)).isEmpty)
    let said = play.report(.missed(clock: 31), .server(1))
    #expect(said.first == "server-0: settle 60" && said.last == "worker-1: train 1 in epoch 2 steps 30..<60")
    #expect(play.train().first == "server-0: checkpoint 3 at 60")
  }

  @Test("A checkpoint that is missed while an epoch's end waits for it gives way to that end's own")
  func missedBeforeEnd() throws {
    var (play, _) = try CheckpointScheduleTests.notHolding(.steps(10))
    #expect(play.train().isEmpty)
    #expect(play.report(.missed(clock: 30), .server(0)).isEmpty)
    #expect(play.report(.missed(clock: 30), .server(1)).first == "server-0: checkpoint 2 at 30")
    #expect(play.hold().contains("record epoch 1"))
  }

  @Test("A view that goes back behind an epoch's end has it trained again")
  func rewoundBehindEnd() throws {
    var (play, _) = try CheckpointScheduleTests.play(.epoch)
    _ = play.train()
    #expect(play.program.result.rows == 40)
    play.program.leave()
    _ = play.enter(Sample.view(2, clock: 0, isRewound: true))
    #expect(play.program.result.epochs.isEmpty && play.program.result.rows == 0)
    #expect(play.adoptAll().last == "worker-1: train 1 in epoch 1 steps 0..<30")
  }
}
