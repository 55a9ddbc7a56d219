import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("What does not get on")
struct PatienceTests {
  private static func play(_ needs: ClusterNeeds = ClusterNeeds(servers: 2, workers: 2)) throws -> CoordinatorPlay {
    CoordinatorPlay.gathered(try Sample.training(evaluates: false), needs)
  }

  @Test("A run in which nobody gets on has one view more, with everyone in it, and then ends")
  func standstill() throws {
    let play = try Self.play()
    play.advance(to: 4)
    play.wait(60, moving: true)
    #expect(play.view?.number == 1)
    #expect(!play.wait(19).contains { $0.hasPrefix("view") })
    let said = play.wait(2)
    #expect(said.contains("view 2 at 4: server-0 server-1 worker-0 worker-1"))
    #expect(play.view?.reason == "nothing moved for 20 s")
    #expect(play.notes.last?.hasPrefix("nothing has moved for 20 s") == true)
    play.wait(18)
    #expect(play.outcome == nil)
    play.wait(3)
    #expect(play.failure?.hasPrefix("nothing has moved for 20 s: server-0 (process 10 on h) is idle") == true)
  }

  @Test("One that got on in between has another view again")
  func standstillElsewhere() throws {
    let play = try Self.play()
    play.wait(21)
    #expect(play.view?.number == 2)
    play.advance(to: 3)
    play.wait(21)
    #expect(play.view?.number == 3 && play.view?.clock == 3 && play.outcome == nil)
    play.wait(21)
    #expect(play.failure != nil)
  }

  @Test("The catalogue has all the time it needs, and a new phase is progress")
  func slowCatalogue() throws {
    let play = try Self.play()
    for number in 0..<2 {
      play.wait(9, moving: true)
      try play.report(WorkerReport.trained(stallSeconds: 0), .worker(number))
      try play.report(ServerReport.settled(Settlement(totals: CoordinatorCoreTests.totals)), .server(number))
    }
    play.wait(15)
    #expect(play.view?.number == 1, "a new phase is progress")
    for number in 0..<2 { try play.report(ProgramPlay.part(number), .server(number)) }
    play.wait(60)
    #expect(play.view?.number == 1)
    try play.written(.commit)
    play.wait(19)
    #expect(play.view?.number == 1)
    play.wait(2)
    #expect(play.view?.number == 2)
  }

  @Test("Workers that die one after another at one step end the run, which names the last")
  func casualties() throws {
    let play = try Self.play()
    for death in 1...5 {
      #expect(play.outcome == nil, "\(death)")
      play.kill(play[.worker(1)])
      guard death < 5 else { break }
      play.join(.worker, 30 + death)
      play.wait(1, moving: true)
    }
    #expect(play.failure?.hasPrefix("5 times in a row workers have died at step 0") == true)
    #expect(play.failure?.hasSuffix("The last time, worker-1 died.") == true)
  }

  @Test("Deaths of another stage do not count")
  func otherStage() throws {
    let play = try Self.play()
    for death in 1...4 {
      play.kill(play[.worker(1)])
      play.join(.worker, 30 + death)
      play.wait(1, moving: true)
    }
    _ = play.tell(.start(try Sample.training(evaluates: false, stage: 1)))
    play.wait(1, moving: true)
    play.kill(play[.worker(1)])
    play.wait(1, moving: true)
    #expect(play.outcome == nil && play.view?.stage == 1)
  }

  @Test("Deaths with steps between them, or of several at once, are just deaths")
  func deaths() throws {
    let play = try Self.play()
    for death in 1...8 {
      play.kill(play[.worker(1)])
      play.join(.worker, 30 + death)
      play.advance(to: UInt64(min(7, death)))
      play.wait(1, moving: true)
    }
    #expect(play.outcome == nil)
    let crowd = try Self.play(ClusterNeeds(servers: 1, workers: 2))
    for number in 30..<36 { crowd.join(.worker, number) }
    crowd.wait(1, moving: true)
    #expect(crowd.view?.members("worker").count == 8)
    crowd[.server(0)].isWilling = false
    for number in 1..<8 { crowd.kill(crowd[.worker(number)]) }
    _ = crowd.receive(try crowd[.server(0)].answerProposal(), crowd[.server(0)])
    #expect(crowd.outcome == nil && crowd.view?.members("worker").count == 1)
  }

  @Test("Casualties are counted by view: another clock begins anew, forwards or backwards")
  func verdicts() {
    var casualties = DeathRow(.worker)
    for _ in 1...4 {
      casualties.note("a")
      #expect(casualties.verdict(at: 7, reached: 9) == nil)
    }
    #expect(casualties.verdict(at: 7, reached: 9) == nil, "nobody has died since")
    casualties.note("b")
    #expect(casualties.verdict(at: 3, reached: 9) == nil)
    for _ in 1...3 {
      casualties.note("c")
      #expect(casualties.verdict(at: 3, reached: 9) == nil)
    }
    casualties.note("last words")
    #expect(casualties.verdict(at: 3, reached: 9)?.hasSuffix("last words") == true)
  }

  @Test("Servers have got on once they are further than ever, not when they go back")
  func servers() {
    var casualties = DeathRow(.server)
    for _ in 1...4 {
      casualties.note("a")
      #expect(casualties.verdict(at: 3, reached: 7) == nil)
    }
    casualties.note("b")
    #expect(casualties.verdict(at: 3, reached: 8) == nil, "a step further")
    for clock in 3..<6 as Range<UInt64> {
      casualties.note("c")
      #expect(casualties.verdict(at: clock, reached: 8) == nil)
    }
    casualties.note("last words")
    let sentence = casualties.verdict(at: 6, reached: 8)
    #expect(sentence?.hasPrefix("5 times in a row servers have died at step 8, or soon after: what they apply") == true)
    #expect(sentence?.hasSuffix("last words") == true)
  }

  @Test("A process that was told to stop and does is no casualty")
  func stopped() throws {
    let play = try Self.play()
    let tool = Process(Sample.registration(.worker, 99), incarnation: 9999, route: 250)
    let leaving = play[.worker(1)]
    _ = play.receive(tool.ask(.command(Control(CoordinatorCommand.drain("worker-1")))), tool)
    #expect(leaving.isDead)
    let view = play.view?.number
    #expect(play.tell(.died(host: "h", process: 21, "worker-1 has ended")) == ["say: worker-1 has ended"])
    #expect(play.view?.number == view && play.core.lastLoss == nil)
  }

  @Test("A machine that slept is nobody's silence, nor a wait that is over", arguments: [30.0, 3600])
  func suspended(seconds: Seconds) throws {
    let play = try Self.play()
    play.wait(5, moving: true)
    play.time += seconds
    #expect(play.tell(.tick).allSatisfy { !$0.hasPrefix("view") && !$0.hasPrefix("say") } && play.view?.number == 1)
    let gathering = CoordinatorPlay()
    _ = gathering.tell(.start(try Sample.training()))
    gathering.wait(5)
    gathering.time += seconds
    _ = gathering.tell(.tick)
    gathering.wait(20)
    #expect(gathering.outcome == nil)
  }
}
