import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

/// What a life of a coordinator's core is made of: members that die, come, fall deaf and get on; copies that are made;
/// coordinators that follow each other. After each event what is adopted must be whole, and in the end it must come to rest.
@Suite("Members that come and go, and do not answer, in any order")
struct ChurnTests {
  private final class Life {
    let play: CoordinatorPlay
    let plan: Plan
    let replicas: Int
    var random: SeededRandom
    var number = 30

    init(_ seed: Int) throws {
      random = SeededRandom(UInt64(seed))
      replicas = seed % 2
      var settings = Sample.settings(epochs: 50)
      settings.cluster.checkpointEvery = [.epoch, .steps(3)][seed / 2 % 2]
      plan = try Sample.training(settings, evaluates: false)
      play = CoordinatorPlay.gathered(plan, ClusterNeeds(servers: 3, workers: 3, replicas: replicas))
      play.slow = []
    }

    var alive: [Process] { play.processes.filter { !$0.isDead && $0.member != nil } }
    private var servers: [Process] { alive.filter { $0.role == .server && $0.view == play.view?.number } }

    func step() throws {
      switch Int.random(in: 0..<12, using: &random) {
      case 0: if let process = alive.randomElement(using: &random) { play.kill(process) }
      case 1: join()
      case 2: alive.randomElement(using: &random)?.isWilling = false
      case 3, 4: for process in servers { _ = try? play.fill(from: process.member!.number) }
      case 5 where Int.random(in: 0..<4, using: &random) == 0:
        _ = play.reign(plan)
        for process in alive.shuffled(using: &random) { play.return(process) }
      case 6, 7:
        for process in play.processes where Bool.random(using: &random) { process.isWilling = true }
        while alive.count(where: { $0.role == .server }) < 3 { join() }
        if !alive.contains(where: { $0.role == .worker }) { join() }
        play.wait(Double.random(in: 0.3...3, using: &random), moving: true)
      default: try getOn()
      }
    }

    func join() {
      number += 1
      play.join(alive.count { $0.role == .server } < 3 ? .server : .worker, number)
    }

    /// Servers go through steps, none more than one ahead of another; at an epoch's end, and where they are told to, they write.
    func getOn() throws {
      guard let program = play.core.program else { return }
      let least = servers.map(\.clock).min() ?? 0
      switch program.phase {
      case .training(let training):
        guard least < training.steps.upperBound else {
          for process in alive where process.role == .worker {
            try answer(process, WorkerReport.trained(stallSeconds: 0)) { $0.hasPrefix("train") }
          }
          for process in servers {
            try answer(process, ServerReport.settled(Settlement(totals: CoordinatorCoreTests.totals))) {
              $0.hasPrefix("settle")
            }
          }
          return
        }
        for process in servers where process.clock == least { process.advance(to: least + 1) }
        if let attempt = program.attempt, attempt.clock <= least + 1 { try write() }
      case .ending, .closing: try write()
      default: break
      }
    }

    private func write() throws {
      for process in servers { try answer(process, ProgramPlay.part(process.member!.number)) { $0.hasPrefix("write") } }
    }

    private func answer(
      _ process: Process, _ report: some Encodable, where isWanted: (String) -> Bool
    ) throws {
      // Answering changes the list that is gone through.
      for order in process.orders.filter({ isWanted(Sentence.order($0.message, to: process.member!)) }) {
        _ = play.receive(process.answer(order, .report(Control(report))), process)
      }
    }

    func check(_ seed: Int) {
      for process in play.processes where !process.faults.isEmpty { Issue.record("seed \(seed): \(process.faults)") }
      #expect(play.failure == nil || play.failure?.contains("in a row") == true, "seed \(seed): \(play.failure ?? "")")
      guard let view = play.view, let slots = view.slots else { return }
      #expect(slots.servers.allSatisfy { server in view.members("server").contains { $0.number == server } })
      #expect(view.members("worker").flatMap(\.slices).sorted() == [0, 1])
      #expect(slots.runs.allSatisfy { (1...replicas + 1).contains($0.homes.count) })
    }

    /// Everyone is willing, and enough are there.
    func heal() {
      for process in play.processes { process.isWilling = true }
      for process in alive { play.return(process) }
      for _ in 0..<3 { join() }
      while alive.count(where: { $0.role == .server }) < 3 { join() }
      play.wait(45, moving: true)
      for _ in 0..<6 {
        try? getOn()
        for process in servers { _ = try? play.fill(from: process.member!.number) }
        play.wait(1, moving: true)
      }
    }
  }

  @Test("Nobody is dealt what it does not hold, or sent where it cannot go; and views come to rest", arguments: 0..<8)
  func churn(seed: Int) throws {
    let life = try Life(seed)
    for _ in 0..<100 where life.play.outcome == nil {
      try life.step()
      life.check(seed)
    }
    guard life.play.outcome == nil else { return }
    life.heal()
    life.check(seed)
    #expect(life.play.view != nil && life.play.outcome == nil, "seed \(seed)")
    let view = life.play.view?.number
    life.play.wait(15, moving: true)
    #expect(life.play.view?.number == view, "seed \(seed): views come to rest")
    let step = life.play.history.checkpoints.last?.step ?? 0
    for _ in 0..<40 where life.play.outcome == nil { try life.getOn() }
    #expect(life.play.history.checkpoints.last?.step ?? 0 > step, "seed \(seed): the run gets on")
  }
}
