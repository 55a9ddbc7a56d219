import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("From view to view")
struct ViewTests {
  private static let replicas = ClusterNeeds(servers: 2, workers: 2, replicas: 1)
  private static let three = ClusterNeeds(servers: 3, workers: 2)

  private static func play(
    _ needs: ClusterNeeds = ClusterNeeds(servers: 2, workers: 2), at clock: UInt64 = 5
  ) throws -> CoordinatorPlay {
    let play = CoordinatorPlay.gathered(try Sample.training(evaluates: false), needs)
    play.advance(to: clock)
    return play
  }

  @Test("A worker dies: those who are left go on from the least clock, with leases from there")
  func workerDies() throws {
    let play = try Self.play()
    play[.server(0)].advance(to: 6)
    let said = play.kill(play[.worker(1)])
    #expect(
      said == [
        "say: worker-1 died", "server-0: propose 2", "server-1: propose 2", "worker-0: propose 2",
        "view 2 at 5: server-0 server-1 worker-0", "say: view 2: worker-1 is gone, from step 5 on",
        "server-0: be server 0 at 5, held", "server-1: be server 1 at 5, held",
        "worker-0: be worker 0 for slices [0, 1]",
        "server-0: settle 8", "server-1: settle 8",
        "worker-0: train 0 in epoch 1 steps 5..<8, 1 in epoch 1 steps 5..<8",
      ])
    #expect(play.notes == ["worker-1 died"])
    #expect(try play.train().prefix(2) == ["server-0: checkpoint 1 at 8", "server-1: checkpoint 1 at 8"])
  }

  @Test("A replacement joins after a moment, and takes its part; its place is that of the dead")
  func workerReplaced() throws {
    let play = try Self.play()
    play.kill(play[.worker(1)])
    play.join(.worker, 9)
    #expect(!play.wait(0.3, moving: true).contains { $0.contains("view") }, "others may come too")
    play.advance(to: 6)
    let said = play.wait(0.5, moving: true)
    #expect(said.contains("say: view 3: worker-1 joined, from step 6 on"))
    #expect(said.contains("worker-1: train 1 in epoch 1 steps 6..<8"))
  }

  @Test("A server dies without replicas: the run waits for another, and all go back to the last checkpoint")
  func serverReplaced() throws {
    let play = try Self.play()
    try play.finishEpoch()
    play.advance(to: 12)
    let said = play.kill(play[.server(1)])
    #expect(!said.contains { $0.contains("be server") } && play.view == nil)
    #expect(play.wait(10).allSatisfy { $0.hasPrefix("say: waiting for 1 of 2 servers and 0 of 2 workers") })
    let joined = play.join(.server, 7)
    #expect(joined.contains("view 3 at 8, rewound: server-0 server-1 worker-0 worker-1"))
    #expect(joined.contains("server-1: be server 1 at 8, from checkpoint 1"))
    #expect(play.view?.reason == "server-1 is gone; all go back to step 8")
    #expect(play[.server(1)].assignment?.folder == "shards/server-1-2", "a directory of its own")
    #expect(play[.server(0)].assignment?.folder == "shards/server-0")
    #expect(joined.last == "worker-1: train 1 in epoch 2 steps 8..<16")
  }

  @Test("If nobody comes in time, the run goes on with those who are there")
  func serverNotReplaced() throws {
    let play = try Self.play()
    play.kill(play[.server(1)])
    #expect(!play.wait(19.8).contains { $0.contains("view") })
    let said = play.wait(0.5)
    #expect(said.contains("view 3 at 0, rewound: server-0 worker-0 worker-1"))
    #expect(play[.server(0)].held == [0..<Rank.slots])
    // Those who come later take their share.
    play.join(.server, 7)
    let joined = play.wait(1, moving: true)
    #expect(joined.contains("view 4 at 0: server-0 server-1 worker-0 worker-1"))
    #expect(joined.contains("server-0: fill \(Rank.slots / 2) slots of server 1"))
  }

  @Test("With replicas a server's death costs nothing: its slots' other homes go on, and copies are made anew")
  func replicaTakesOver() throws {
    let play = try Self.play(Self.replicas)
    play[.server(0)].advance(to: 6)
    let said = play.kill(play[.server(1)])
    #expect(said.contains("view 2 at 6: server-0 worker-0 worker-1") && play.view?.isRewound == false)
    play.join(.server, 7)
    play.advance(to: 7)
    let joined = play.wait(1, moving: true)
    #expect(joined.contains("server-0: fill \(Rank.slots) slots of server 1"))
  }

  @Test("Whoever dies while a view is proposed is left out of it")
  func deathInProposal() throws {
    let play = try Self.play(Self.three)
    play[.worker(0)].isWilling = false
    play[.server(2)].isWilling = false
    play.kill(play[.worker(1)])
    #expect(play.view == nil)
    _ = play.receive(try play[.server(2)].answerProposal(), play[.server(2)])
    let said = play.kill(play[.server(2)])
    #expect(play.view == nil && !said.contains { $0.contains("view") })
    #expect(play.core.lastView?.number == 1)
    let last = play.receive(try play[.worker(0)].answerProposal(), play[.worker(0)])
    #expect(!last.contains { $0.hasPrefix("view") }, "a server is missing: all would have to go back")
    play[.worker(0)].isWilling = true
    #expect(play.join(.server, 8).contains("view 3 at 0, rewound: server-0 server-1 server-2 worker-0"))
  }

  @Test("Whoever dies while the view is written is missed as soon as it is")
  func deathInRecording() throws {
    let play = try Self.play()
    play.join(.worker, 5)
    play.wait(1, moving: true)
    play.slow.insert(.view)
    play.kill(play[.worker(2)])
    #expect(play.view == nil && play.core.lastView?.number == 2)
    play.kill(play[.worker(1)])
    play.slow.remove(.view)
    let said = try play.written(.view)
    #expect(said.contains("server-0: propose 4") && said.contains("view 4 at 5: server-0 server-1 worker-0"))
    #expect(play.view?.number == 4 && said.last?.hasPrefix("worker-0: train 0") == true)
  }

  @Test("A plan that ends while its view is written is over; the view counts")
  func endInRecording() throws {
    let play = try Self.play()
    play.slow.insert(.view)
    play.kill(play[.worker(1)])
    #expect(play.tell(.interrupt) == ["interrupted, last checkpoint none"])
    #expect(try play.written(.view).isEmpty && play.core.lastView?.number == 2)
    #expect(play.wait(30).isEmpty)
  }

  @Test("Late answers of an earlier proposal, and of an earlier view, enter nothing")
  func lateAnswers() throws {
    let play = try Self.play(Self.three)
    let settled = try play[.server(0)].report(ServerReport.settled(Settlement(totals: CoordinatorCoreTests.totals)))
    for process in play.processes { process.isWilling = false }
    play.kill(play[.worker(1)])
    let late = try play[.server(0)].answerProposal()
    // All are gone but two servers: another proposal follows, for which the old answer is none.
    play.kill(play[.worker(0)])
    for number in 1...2 { _ = play.receive(try play[.server(number)].answerProposal(), play[.server(number)]) }
    _ = play.receive(try play[.server(0)].answerProposal(of: late), play[.server(0)])
    #expect(play.core.lastView?.number == 1)
    for number in 4...5 { play.join(.worker, number) }
    play.processes[5].isWilling = true
    play.processes[6].isWilling = true
    #expect(play.view == nil && play.core.openQuestions == 3)
    #expect(play.receive(late, play[.server(0)]).isEmpty && play.receive(settled, play[.server(0)]).isEmpty)
    #expect(play.core.openQuestions == 3, "each is still to answer the second")
    for number in 0...2 { _ = play.receive(try play[.server(number)].answerProposal(), play[.server(number)]) }
    #expect(play.view?.number == 3 && play.view?.clock == 5)
  }

  @Test("Whoever does not answer a proposal in time is left out, though it is heard")
  func overdue() throws {
    let play = try Self.play(Self.replicas)
    let deaf = play[.server(1)]
    deaf.isWilling = false
    play.kill(play[.worker(1)])
    #expect(!play.wait(19.5).contains { $0.hasPrefix("view") })
    let said = play.wait(1)
    #expect(
      said.contains(
        "say: server-1 (process 11 on h) has not answered for 20 s. See its log, or the network from here to it"))
    #expect(play.view?.members.map(\.role) == ["server", "worker"] && play.view?.isRewound == false)
    #expect(play.receive(deaf.saysBeat(), deaf) == ["refuse [2]: the sender is not a member of the run"])
  }

  @Test("A proposal's time stands still with the machine")
  func suspended() throws {
    let play = try Self.play(Self.replicas)
    play[.server(1)].isWilling = false
    play.kill(play[.worker(1)])
    play.wait(15)
    play.time += 3600
    #expect(play.tell(.tick).allSatisfy { $0.contains("propose") } && play.view == nil)
    _ = play.receive(try play[.server(1)].answerProposal(), play[.server(1)])
    #expect(play.view?.members.count == 3)
  }

  @Test("An answer that is none ends the run and names who gave it", arguments: [Member.server(1), .worker(0)])
  func nonsense(member: Member) throws {
    let play = try Self.play()
    play[member].isWilling = false
    play[member].forgetOrders()
    play.kill(play[.worker(1)])
    try play.report(["sing": 1], member)
    #expect(play.failure?.hasPrefix("\(play[member].member!) (process") == true)
    #expect(play.failure?.contains("answered a proposal with something else") == true)
  }

  @Test("A silent member is missed, named, and let in again as another")
  func silence() throws {
    let play = try Self.play()
    let worker = play[.worker(1)]
    #expect(!play.wait(19.8, moving: true, silent: worker).contains { $0.hasPrefix("view") })
    let said = play.wait(0.5, moving: true, silent: worker)
    #expect(
      said.contains(
        "say: worker-1 (process 21 on h) has been silent for 20 s. See its log, or the network between it and here"))
    #expect(said.contains("view 2 at 5: server-0 server-1 worker-0"))
    #expect(play.receive(worker.saysBeat(), worker) == ["refuse [4]: the sender is not a member of the run"])
    worker.isDead = true
    play.join(.worker, 1)
    #expect(play.wait(1, moving: true).contains("view 3 at 5: server-0 server-1 worker-0 worker-1"))
  }

  @Test("A decision waits for what is being committed, and counts with it")
  func commitMeanwhile() throws {
    let play = try Self.play()
    try play.train()
    play.advance(to: 8)
    let asked = play[.server(0)].orders.map { Sentence.order($0.message, to: .server(0)) }
    #expect(asked == ["write 1", "settle 16"])
    for number in 0..<2 { try play.report(ProgramPlay.part(number), .server(number)) }
    let said = play.kill(play[.worker(1)])
    #expect(said.contains("server-0: propose 2") && !said.contains { $0.hasPrefix("view") })
    let written = try play.written(.commit)
    #expect(written.first == "view 2 at 8: server-0 server-1 worker-0")
    #expect(written.last == "worker-0: train 0 in epoch 2 steps 8..<16, 1 in epoch 2 steps 8..<16")
  }

  @Test("A checkpoint that a view interrupts comes to nothing; the epoch's end has another number in the next")
  func checkpointInterrupted() throws {
    let play = try Self.play()
    try play.train()
    play.advance(to: 8)
    try play.report(ProgramPlay.part(), .server(0))
    let late = try play[.server(1)].report(ProgramPlay.part(1))
    play.kill(play[.worker(1)])
    #expect(play.receive(late, play[.server(1)]).isEmpty && play.commits.isEmpty)
    for number in 0..<2 { try play.report(ProgramPlay.part(number), .server(number)) }
    #expect(play.commits.map(\.number) == [2])
  }

  @Test("Every server dies at once: the run waits for two, and then says what is missing")
  func allServersDie() throws {
    let play = try Self.play()
    play.kill(play[.server(0)])
    play.kill(play[.server(1)])
    play.wait(29)
    #expect(play.outcome == nil && play.view == nil)
    play.wait(2)
    #expect(play.failure?.hasPrefix("after 30 s still waiting for 2 of 2 servers and 0 of 2 workers. Start") == true)
  }
}

extension Process {
  /// The answer to a proposal, of one that is not willing.
  func answerProposal() throws -> Envelope {
    let order = try #require(orders.last)
    let answer =
      role == .server
      ? Control(ServerReport.standing(standing)) : Control(WorkerReport.standing(view: view))
    return self.answer(order, .report(answer))
  }

  /// The same once more, which was given before.
  func answerProposal(of given: Envelope) throws -> Envelope { given }
}
