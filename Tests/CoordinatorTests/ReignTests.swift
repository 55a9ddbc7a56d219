import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Another coordinator reigns")
struct ReignTests {
  private static let needs = ClusterNeeds(servers: 2, workers: 2)

  /// A run with a checkpoint at the end of its first epoch, in the middle of its second.
  private static func play(_ needs: ClusterNeeds = needs) throws -> CoordinatorPlay {
    let play = CoordinatorPlay.gathered(try plan(), needs)
    play.advance(to: 8)
    try play.finishEpoch()
    play.advance(to: 11)
    return play
  }

  private static func plan() throws -> Plan { try Sample.training(evaluates: false) }

  @Test("Its members return with what they hold, and the run goes on from there")
  func membersReturn() throws {
    let play = try Self.play()
    #expect(play.reign(try Self.plan()).isEmpty)
    // In another order than they were numbered in.
    for process in [3, 1, 2].map({ play.processes[$0] }) {
      #expect(!play.return(process).contains { $0.contains("view") })
    }
    let said = play.return(play.processes[0])
    #expect(said.contains("view 2 at 11: server-0 server-1 worker-0 worker-1"))
    #expect(said.contains("server-0: be server 0 at 11, held"))
    #expect(said.last == "worker-1: train 1 in epoch 2 steps 11..<16")
    #expect(play.processes.map(\.member) == [.server(0), .server(1), .worker(0), .worker(1)])
    #expect(play.view?.term == 2 && play.view?.members.map(\.folder).first == "shards/server-0")
    try play.finishEpoch()
    #expect(play.commits.map(\.number) == [1, 2] && play.core.program?.result.epochs.count == 2)
    for number in 0..<2 { try play.report(ServerReport.digests(SlotDigests([])), .server(number)) }
    guard case .completed(let result)? = play.outcome else {
      Issue.record("not completed")
      return
    }
    #expect(result.epochs.map(\.epoch) == [1, 2] && result.rows == 80)
  }

  @Test("A newcomer that is there before them takes nobody's place")
  func newcomerFirst() throws {
    let play = try Self.play()
    _ = play.reign(try Self.plan())
    play.join(.server, 7)
    play.join(.worker, 8)
    for process in play.processes.prefix(4) { play.return(process) }
    #expect(
      play.processes.map(\.member) == [
        .server(0), .server(1), .worker(0), .worker(1), .server(2), .worker(2),
      ])
    #expect(play.view?.clock == 11 && play.view?.isRewound == false && play.view?.members.count == 6)
  }

  @Test("Of those that do not return in a moment, servers are waited for, then all go back")
  func serverMissing() throws {
    let play = try Self.play()
    _ = play.reign(try Self.plan())
    for process in [0, 2, 3].map({ play.processes[$0] }) { play.return(process) }
    play.processes[1].isDead = true
    #expect(!play.wait(19, moving: true).contains { $0.hasPrefix("view") })
    let said = play.wait(23, moving: true)
    #expect(said.contains("view 2 at 8, rewound: server-0 worker-0 worker-1"))
    #expect(play[.server(0)].assignment?.kept == [1])
  }

  @Test("Replicas of those that do not return go on")
  func serverMissingWithReplicas() throws {
    let play = try Self.play(ClusterNeeds(servers: 2, workers: 2, replicas: 1))
    _ = play.reign(try Self.plan())
    for process in [0, 2, 3].map({ play.processes[$0] }) { play.return(process) }
    play.processes[1].isDead = true
    #expect(play.wait(21, moving: true).contains("view 2 at 11: server-0 worker-0 worker-1"))
  }

  @Test("When nobody returns, new processes go on from the last checkpoint")
  func allNew() throws {
    let play = try Self.play()
    play.processes.forEach { $0.isDead = true }
    _ = play.reign(try Self.plan(), expectsMembers: false)
    for number in 0..<2 { play.join(.server, number) }
    play.join(.worker, 0)
    let said = play.join(.worker, 1)
    #expect(said.contains("view 2 at 8, rewound: server-0 server-1 worker-0 worker-1"))
    #expect(play.processes[4].assignment?.folder == "shards/server-0-2")
    #expect(said.last == "worker-1: train 1 in epoch 2 steps 8..<16")
  }

  @Test("When members are expected and others come instead, it waits a moment only")
  func othersInstead() throws {
    let play = try Self.play()
    play.processes.forEach { $0.isDead = true }
    _ = play.reign(try Self.plan())
    for number in 0..<2 { play.join(.server, number) }
    for number in 0..<2 { play.join(.worker, number) }
    #expect(play.view == nil)
    #expect(play.wait(3.2).contains { $0.hasPrefix("view 2 at 8, rewound") })
  }

  @Test("When nobody comes at all, it ends with a sentence")
  func nobody() throws {
    let play = try Self.play()
    play.processes.forEach { $0.isDead = true }
    _ = play.reign(try Self.plan())
    play.wait(31)
    #expect(play.failure?.hasPrefix("after 30 s still waiting for 2 of 2 servers and 2 of 2 workers") == true)
  }

  @Test("A view that was recorded and not adopted by all is what the next stands on: a rewind is repeated")
  func rewindHalfAdopted() throws {
    let play = try Self.play()
    let slow = play.processes[0]
    play.kill(play[.server(1)])
    slow.isWilling = false
    play.join(.server, 7)
    _ = play.receive(try slow.answerProposal(), slow)
    #expect(play.core.lastView?.isRewound == true && slow.view == 1, "it is recorded, and not adopted")
    _ = play.reign(try Self.plan())
    slow.isWilling = true
    for process in [0, 2, 3, 4].map({ play.processes[$0] }) { play.return(process) }
    #expect(play.view?.isRewound == true && play.view?.clock == 8)
    #expect(slow.clock == 8)
  }

  @Test("A view that was reserved and never recorded leaves a gap")
  func reservedOnly() throws {
    let play = try Self.play()
    play.slow.insert(.view)
    play.kill(play[.worker(1)])
    play.slow.remove(.view)
    // The coordinator dies with the view's record on its way, which arrived.
    #expect(play.core.view == nil)
    _ = play.reign(try Self.plan())
    for process in play.processes.prefix(3) { play.return(process) }
    play.wait(4, moving: true)
    play.wait(20, moving: true)
    #expect(play.view?.number == 3 && play.view?.clock == 11)
  }

  @Test("Members of the old coordinator's that speak to the new one in the old one's term are told to register")
  func oldTerm() throws {
    let play = try Self.play()
    _ = play.reign(try Self.plan())
    let worker = play.processes[2]
    #expect(play.receive(worker.saysBeat(), worker) == ["refuse [3]: the sender is not a member of the run"])
    let report = try worker.report(WorkerReport.trained(stallSeconds: 1))
    #expect(play.receive(report, worker) == ["refuse [3]: the sender is not a member of the run"])
    #expect(worker.heard.last.map { if case .refusal = $0 { true } else { false } } == true)
  }
}
