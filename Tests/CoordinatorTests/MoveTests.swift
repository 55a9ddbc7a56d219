import Checkpoint
import Job
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("Who comes, who leaves, and what moves for it")
struct MoveTests {
  private static func play(
    _ needs: ClusterNeeds = ClusterNeeds(servers: 2, workers: 2), at clock: UInt64 = 3
  ) throws -> CoordinatorPlay {
    let play = CoordinatorPlay.gathered(try Sample.training(evaluates: false), needs)
    play.advance(to: clock)
    return play
  }

  private static func command(_ play: CoordinatorPlay, _ command: CoordinatorCommand) throws -> CommandAnswer {
    let tool = Process(Sample.registration(.worker, 99), incarnation: 9999, route: 250)
    play.processes.append(tool)
    defer { play.processes.removeAll { $0 === tool } }
    _ = play.receive(tool.ask(.command(Control(command))), tool)
    guard case .report(let answer)? = tool.answers.last else { throw WireError.malformed("no answer") }
    return try answer.decode()
  }

  private static func drain(_ play: CoordinatorPlay, _ name: String) throws -> String {
    switch try command(play, .drain(name)) {
    case .done: "drained"
    case .underWay(let how): "draining: \(how)"
    case .refused(let why): "refused: \(why)"
    }
  }

  @Test("Slots move to a server that joins: they are copied while training goes on, then roles are dealt")
  func serverJoins() throws {
    let play = try Self.play()
    play.join(.server, 5)
    let said = play.wait(1, moving: true)
    #expect(said.contains("view 2 at 3: server-0 server-1 server-2 worker-0 worker-1"))
    let fills = Set(said.filter { $0.contains("fill") })
    #expect(fills.count == 2 && fills.allSatisfy { $0.hasSuffix("of server 2") })
    play.advance(to: 5)
    #expect(!play.wait(3, moving: true).contains { $0.hasPrefix("view") })
    #expect(try play.fill(from: 0).isEmpty, "the other copy is not whole")
    let done = try play.fill(from: 1)
    #expect(done.contains("view 3 at 5: server-0 server-1 server-2 worker-0 worker-1"))
    #expect(play.view?.reason == "slots have moved" && play.view?.isRewound == false)
    let firsts = (0..<3).map { number in play.view?.slots?.owners().count { Int($0) == number } ?? 0 }
    #expect(firsts.allSatisfy { (5461...5462).contains($0) })
    #expect(!done.contains { $0.contains("fill") })
    let view = play.view?.number
    #expect(!play.wait(10, moving: true).contains { $0.hasPrefix("view") } && play.view?.number == view)
  }

  @Test("A server takes as much as its weight says; what is no weight is refused")
  func weights() throws {
    let play = try Self.play()
    #expect(play.join(.server, 6, weight: .infinity).contains { $0.contains("a weight of inf") })
    play.join(.server, 5, weight: 2)
    play.wait(1, moving: true)
    let said = try play.fill(from: 0) + play.fill(from: 1)
    #expect(said.contains("view 3 at 3: server-0 server-1 server-2 worker-0 worker-1"))
    #expect((0..<3).map { number in play.view?.slots?.owners().count { Int($0) == number } } == [4096, 4096, 8192])
  }

  private static let wish = Rebalance(id: 5, load: .traffic, isDry: false)

  /// Slots of server 0 are asked for three times as often as those of server 1.
  private static func weigh(_ play: CoordinatorPlay) throws {
    for number in 0...1 {
      let slots = play.view?.slots?.runs(firstAt: number) ?? []
      let count = slots.reduce(0) { $0 + $1.count }
      let process = play[.server(number)]
      let order = try #require(
        process.orders.last { Sentence.order($0.message, to: .server(number)) == "weigh" })
      let loads = SlotLoads(
        slots: slots, memory: Array(repeating: 1, count: count),
        traffic: Array(repeating: number == 0 ? 3 : 1, count: count))
      _ = play.receive(process.answer(order, .report(Control(ServerReport.loads(loads)))), process)
    }
  }

  @Test("Slots move for load, within what the deal bears; whoever asks again is told how far it is")
  func rebalance() throws {
    let play = try Self.play()
    #expect(try Self.command(play, .rebalance(Self.wish)) == .underWay("waiting for what server-0, server-1 holds"))
    #expect(play[.server(0)].orders.map { Sentence.order($0.message, to: .server(0)) } == ["settle 8", "weigh"])
    try Self.weigh(play)
    #expect(try Self.command(play, .rebalance(Self.wish)) == .underWay("slots are moving"))
    let other = Rebalance(id: 6, load: .memory, isDry: false)
    #expect(try Self.command(play, .rebalance(other)) == .underWay("other slots are moving"))
    #expect(
      play[.server(0)].orders.map { Sentence.order($0.message, to: .server(0)) }.last == "fill 1365 slots of server 1")
    #expect(try play.fill(from: 0).contains { $0.hasPrefix("view 2") })
    let lines = [
      "server-0: 8192 slots, 75.0 % of the traffic -> 6827 slots, 62.5 %; its share is 50.0 %",
      "server-1: 8192 slots, 25.0 % of the traffic -> 9557 slots, 37.5 %; its share is 50.0 %",
    ]
    #expect(try Self.command(play, .rebalance(Self.wish)) == .done(lines))
    #expect(play.view?.isRewound == false)
    #expect(!play.wait(10, moving: true).contains { $0.hasPrefix("view") }, "it stays so")
  }

  @Test("A dry run says what would move, and moves nothing")
  func dryRebalance() throws {
    let play = try Self.play()
    let wish = Rebalance(id: 7, load: .traffic, isDry: true)
    _ = try Self.command(play, .rebalance(wish))
    try Self.weigh(play)
    guard case .done(let lines) = try Self.command(play, .rebalance(wish)) else {
      Issue.record("it is not done")
      return
    }
    #expect(lines.count == 2 && lines[0].contains("-> 6827 slots"))
    #expect(!play.wait(5, moving: true).contains { $0.contains("fill") || $0.hasPrefix("view") })
    let even = Rebalance(id: 8, load: .memory, isDry: false)
    _ = try Self.command(play, .rebalance(even))
    try Self.weigh(play)
    #expect(
      try Self.command(play, .rebalance(even))
        == .done((0..<2).map { "server-\($0): 8192 slots, 50.0 % of the memory; its share is 50.0 %" }))
  }

  @Test("A death while slots are weighed or moved: it is begun anew by who asks again")
  func rebalanceAndDeath() throws {
    for isMoving in [false, true] {
      let play = try Self.play(ClusterNeeds(servers: 2, workers: 2, replicas: 0))
      _ = try Self.command(play, .rebalance(Self.wish))
      if isMoving { try Self.weigh(play) }
      play.kill(play[.worker(1)])
      #expect(play.view?.number == 2)
      #expect(try Self.command(play, .rebalance(Self.wish)) == .underWay("waiting for what server-0, server-1 holds"))
    }
  }

  @Test("A server is drained: it keeps its slots until they are copied, then it is told to stop")
  func serverDrains() throws {
    let play = try Self.play()
    #expect(try Self.drain(play, "server-1") == "draining: server-1 holds 8192 slots, which are moving")
    let leaving = play[.server(1)]
    #expect(play[.server(1)].orders.contains { Sentence.order($0.message, to: .server(1)).hasPrefix("fill 8192") })
    play.advance(to: 5)
    let said = try play.fill(from: 1)
    #expect(said.contains("view 2 at 5: server-0 worker-0 worker-1") && said.contains("server-1: stop"))
    #expect(leaving.isDead && play[.server(0)].held == [0..<Rank.slots])
    #expect(try Self.drain(play, "server-1") == "drained", "it is gone when it answers")
    #expect(try Self.drain(play, "server-0") == "refused: server-0 is the last server: start another first")
    // Whoever comes next is not the one that was to leave.
    play.join(.server, 7)
    #expect(play.processes.last?.member == .server(2))
    #expect(try Self.drain(play, "server-1") == "drained" && play.processes.last?.isDead == false)
  }

  @Test("With replicas too: views come to rest, and the last server holds all alone")
  func serverDrainsWithReplicas() throws {
    let play = try Self.play(ClusterNeeds(servers: 2, workers: 2, replicas: 1))
    #expect(try Self.drain(play, "server-0") == "draining: server-0 holds 16384 slots, which are moving")
    play.wait(3, moving: true)
    #expect(play.view?.number == 2 && play.view?.slots == SlotMap(servers: [1]))
    #expect(play.processes[0].isDead)
    #expect(!play.wait(20, moving: true).contains { $0.hasPrefix("view") })
  }

  @Test("A worker is drained at once, unless it is the last, or nobody else has its data")
  func workerDrains() throws {
    let play = try Self.play()
    let leaving = play[.worker(1)]
    #expect(try Self.drain(play, "worker-1") == "draining: worker-1 is leaving")
    play.wait(0.2)
    #expect(play.view?.number == 2 && play.view?.members("worker").map(\.number) == [0] && leaving.isDead)
    #expect(try Self.drain(play, "worker-0") == "refused: worker-0 is the last worker: start another first")
    #expect(
      try Self.drain(play, "worker-7")
        == "refused: there is no worker-7; there are: server-0, server-1, worker-0")
    let local = CoordinatorPlay.gathered(try Sample.localTraining(), files: [["file-0"], ["file-1"]])
    #expect(
      try Self.drain(local, "worker-1").hasPrefix("refused: nobody else has the data of worker-1: start a worker"))
    #expect(!local.wait(5, moving: true).contains { $0.hasPrefix("view") })
  }

  @Test("One that was to leave goes on, when the only other one with its data dies; views come to rest")
  func drainedIsNeeded() throws {
    let both = ["file-0", "file-1"]
    let play = CoordinatorPlay.gathered(
      try Sample.localTraining(), ClusterNeeds(servers: 1, workers: 3), files: [["file-0"], ["file-1"], ["file-1"]])
    play.slow.insert(.viewNumber)
    _ = try Self.drain(play, "worker-1")
    play[.worker(2)].isDead = true
    play.kill(play.processes[3])
    play.slow.remove(.viewNumber)
    try play.written(.viewNumber)
    #expect(play.view?.members("worker").map(\.slices.isEmpty) == [false, false], "worker-1 has what nobody else has")
    #expect(!play.wait(10, moving: true).contains { $0.hasPrefix("view") })
    play.join(.worker, 9, files: both)
    play.wait(2, moving: true)
    #expect(play.view?.members("worker").map(\.number) == [0, 2] && play.processes[2].isDead)
  }

  @Test("When the only worker with some data dies, the run waits for another that has them")
  func dataWait() throws {
    let play = CoordinatorPlay.gathered(
      try Sample.localTraining(), ClusterNeeds(servers: 2, workers: 2, waitForData: 60),
      files: [["file-0"], ["file-1"]])
    let sentence = "no worker has file-1; worker-1 died. Start a worker with --files on a host that has them"
    #expect(play.kill(play[.worker(1)]).last == "say: \(sentence)")
    #expect(Set(play.wait(12)) == ["say: \(sentence)"])
    // One without them does not help, and does not end the wait either.
    play.join(.worker, 6)
    #expect(play.wait(12).contains("say: \(sentence)"))
    let said = play.join(.worker, 7, files: ["file-1"])
    #expect(said.last?.hasPrefix("worker-2: train ") == true && play.view?.isRewound == false)
  }

  @Test("One that came while the view was proposed is asked as well")
  func dataThereAlready() throws {
    let play = CoordinatorPlay.gathered(try Sample.localTraining(), files: [["file-0"], ["file-1"]])
    play[.server(0)].isWilling = false
    play.kill(play[.worker(1)])
    play.join(.worker, 7, files: ["file-1"])
    play[.server(0)].isWilling = true
    _ = play.receive(try play[.server(0)].answerProposal(), play[.server(0)])
    play.wait(1)
    #expect(play.view?.members("worker").count == 2)
  }

  @Test("The wait for data ends with the sentence that says what to do")
  func dataWaitEnds() throws {
    let play = CoordinatorPlay.gathered(
      try Sample.localTraining(), ClusterNeeds(servers: 2, workers: 2, waitForData: 60),
      files: [["file-0"], ["file-1"]])
    play.kill(play[.worker(1)])
    play.wait(40)
    play.join(.worker, 6)
    play.wait(19)
    #expect(play.outcome == nil)
    play.wait(2)
    #expect(play.failure?.hasPrefix("no worker has file-1; worker-1 died. Start a worker with --files") == true)
  }

  @Test("A server that dies while the run waits for data is waited for as well, and neither wait hides the other")
  func dataAndServer() throws {
    let play = CoordinatorPlay.gathered(try Sample.localTraining(), files: [["file-0"], ["file-1"]])
    play.kill(play[.worker(1)])
    play.kill(play[.server(1)])
    play.join(.worker, 7, files: ["file-1"])
    #expect(play.view == nil)
    play.wait(1)
    let said = play.join(.server, 8)
    #expect(said.contains { $0.hasPrefix("view") } && play.view?.isRewound == true)
  }

  @Test("More workers than slices are spares, and take over")
  func spares() throws {
    let play = try Self.play()
    play.join(.worker, 8)
    let said = play.wait(1, moving: true)
    #expect(said.contains("say: worker-2: spare, since there are no more slices"))
    let dead = play.kill(play[.worker(0)])
    #expect(dead.contains("worker-2: be worker 2 for slices [1]"))
    #expect(dead.last == "worker-2: train 1 in epoch 1 steps 3..<8")
  }

  @Test("Who takes part is told to whoever asks")
  func status() throws {
    let play = try Self.play()
    play[.server(0)].beat.activity = Activity(.collecting, step: 3, slices: [1])
    play.wait(0.2)
    guard case .done(let lines) = try Self.command(play, .status) else {
      Issue.record("no status")
      return
    }
    #expect(lines.count == 4)
    #expect(lines[0] == "server-0 (process 10 on h): waiting for gradients of slices 1 of step 3")
  }
}

extension CoordinatorPlay {
  /// A server has made the copies it was ordered.
  func fill(from giver: Int) throws -> [String] {
    let process = self[.server(giver)]
    var said: [String] = []
    for order in process.orders {
      guard case .order(let control) = order.message, case .fill(let fill)? = try? control.decode(ServerOrder.self)
      else { continue }
      let receiver = self[.server(fill.server)]
      let group = process.assignment?.slots.groups.first { $0.first == giver }?.slots ?? []
      receiver.copies[giver] = [.init(slots: group, clock: process.clock, earliest: process.earliest)]
      receiver.copied.formUnion(fill.slots.joined())
      process.filled.append(fill)
      said += receive(process.answer(order, .report(Control(ServerReport.filled))), process)
    }
    return said
  }
}
