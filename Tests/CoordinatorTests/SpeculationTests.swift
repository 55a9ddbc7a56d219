import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Workers that are late")
struct SpeculationTests {
  private static let needs = ClusterNeeds(servers: 2, workers: 2, speculates: true)

  /// A run whose third step waits for the slice of worker 1.
  private static func play(_ needs: ClusterNeeds = needs, evaluates: Bool = true) throws -> CoordinatorPlay {
    let play = CoordinatorPlay.gathered(try Sample.training(evaluates: evaluates), needs)
    play.advance(to: 2)
    play.wait(0.5)
    play.advance(to: 3)
    for number in 0...1 { play[.server(number)].beat.activity = Activity(.collecting, step: 3, slices: [1]) }
    return play
  }

  @Test("A step that is late for want of one worker: others compute its slices too, and nobody waits for it")
  func standIn() throws {
    let play = try Self.play()
    let slow = play[.worker(1)]
    #expect(!play.wait(3.5, moving: true).contains { $0.hasPrefix("view") })
    let said = play.wait(1.5, moving: true)
    #expect(said.contains("say: view 2: worker-1 is late: others compute the same slices, from step 3 on"))
    #expect(play.view?.members("worker").map(\.slices) == [[0, 1], [1]])
    // It goes on where the others are when it is ready.
    #expect(said.contains("worker-0: train 0 in epoch 1 steps 3..<8, 1 in epoch 1 steps 3..<8"))
    #expect(said.contains("worker-1: train 1 in epoch 1 steps 3..<8"))
    slow.isWilling = false
    play.advance(to: 8)
    for number in 0...1 {
      try play.report(ServerReport.settled(Settlement(totals: CoordinatorCoreTests.totals)), .server(number))
    }
    let ended = try play.report(WorkerReport.trained(stallSeconds: 0), .worker(0))
    #expect(ended.contains { $0.hasPrefix("worker-0: evaluate") } && !ended.contains { $0.hasPrefix("worker-1") })
  }

  @Test("A worker that is late is tried again after a while, and after a longer one when it is late again")
  func triedAgain() throws {
    let play = try Self.play()
    play.wait(5, moving: true)
    #expect(play.view?.number == 2)
    func waitForView(_ number: UInt32, most seconds: Double) -> Double {
      let begin = play.time
      while play.view?.number != number, play.time < begin + seconds { play.wait(0.1, moving: true) }
      return play.time - begin
    }
    // Steps go on meanwhile.
    for number in 0...1 { play[.server(number)].beat.activity = Activity(.idle) }
    #expect((29...31).contains(waitForView(3, most: 60)))
    #expect(play.view?.reason == "worker-1 is tried again" && play.view?.members("worker").map(\.slices) == [[0], [1]])
    for number in 0...1 { play[.server(number)].beat.activity = Activity(.collecting, step: 3, slices: [1]) }
    #expect(waitForView(4, most: 10) < 10)
    for number in 0...1 { play[.server(number)].beat.activity = Activity(.idle) }
    #expect((59...61).contains(waitForView(5, most: 90)))
  }

  @Test("Nobody stands in where it was not asked for, where all are late, nor where the step waits for something else")
  func nobody() throws {
    let plain = try Self.play(ClusterNeeds(servers: 2, workers: 2))
    #expect(!plain.wait(15, moving: true).contains { $0.hasPrefix("view") })
    for activity in [
      Activity(.collecting, step: 3, slices: [0, 1]), Activity(.collecting, step: 3), Activity(.writing),
    ] {
      let play = try Self.play()
      for number in 0...1 { play[.server(number)].beat.activity = activity }
      #expect(!play.wait(15, moving: true).contains { $0.hasPrefix("view") }, "\(activity)")
    }
  }

  @Test("A late worker that says nothing either is left out at once, long before the timeout")
  func silent() throws {
    let play = try Self.play()
    let said = play.wait(5, moving: true, silent: play[.worker(1)])
    #expect(said.contains { $0.contains("worker-1 (process 21 on h) is late, and has been silent for 2 s") })
    #expect(play.view?.number == 2 && play.view?.members("worker").map(\.slices) == [[0, 1]])
  }
}
