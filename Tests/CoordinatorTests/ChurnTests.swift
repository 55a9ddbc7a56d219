import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Members that come and go, and do not answer, in any order")
struct ChurnTests {
  @Test("Views that follow each other quickly lose nothing", arguments: 0..<20)
  func churn(seed: Int) throws {
    var random = SeededRandom(UInt64(seed))
    let play = CoordinatorPlay.gathered(
      try Sample.training(evaluates: false), ClusterNeeds(servers: 3, workers: 3, replicas: 1))
    play.advance(to: 5)
    play.slow = []
    var clock: UInt64 = 5
    var number = 30
    for _ in 0..<40 {
      let alive = play.processes.filter { !$0.isDead && $0.member != nil }
      switch Int.random(in: 0..<6, using: &random) {
      case 0: if let process = alive.randomElement(using: &random) { play.kill(process) }
      case 1, 2:
        number += 1
        play.join(alive.count { $0.role == .server } < 3 ? .server : .worker, number)
      case 3:
        clock = min(8, clock + 1)
        for process in alive where process.role == .server && process.clock < clock && process.view == play.view?.number
        {
          process.advance(to: process.clock + 1)
        }
      case 4: alive.randomElement(using: &random)?.isWilling.toggle()
      default: play.wait(Double.random(in: 0.1...3, using: &random), moving: true)
      }
      // What is adopted is whole: every slot has a home of the view.
      guard let view = play.view, let slots = view.slots else { continue }
      #expect(slots.servers.allSatisfy { server in view.members("server").contains { $0.number == server } })
      #expect(view.members("worker").flatMap(\.slices).sorted() == [0, 1])
      #expect(view.clock <= 8)
    }
    #expect(play.failure == nil || play.failure?.contains("in a row") == true, "\(play.failure ?? "")")
    guard play.outcome == nil else { return }
    // It heals: everyone is willing, and enough are there.
    for process in play.processes { process.isWilling = true }
    for _ in 0..<3 { (play.join(.server, number + 1), play.join(.worker, number + 2), number += 2).2 }
    play.wait(45, moving: true)
    #expect(play.view != nil && play.outcome == nil)
    let view = play.view?.number
    play.wait(15, moving: true)
    #expect(play.view?.number == view, "views come to rest")
  }
}
