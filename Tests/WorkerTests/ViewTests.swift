import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

/// One view after another, in the midst of work.
struct ViewTests {
  private let assignment = Sample.assignment()
  private let model: any Model<Float>

  init() throws { model = try makeModel(Sample.model) }

  private static let rows: [Int: [[UInt64]]] = [0: [[1, 2], [3, 2]], 1: [[1, 4]]]

  private func step(_ number: UInt64, view: UInt32, _ rows: [Int: [[UInt64]]] = Self.rows) -> StepWork {
    Sample.work(.training(step: number), view: view, rows)
  }

  /// A worker that computes step 0 and has asked for the rows of step 1.
  private func computing() throws -> (rig: Rig, work: StepWork, open: [(server: Int, envelope: Envelope)]) {
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<4)))
    let first = rig.tell(.assembled(step(0, view: 1)))
    let second = rig.tell(.assembled(step(1, view: 1)))
    let work = try #require(rig.answerPulls(first, rows: Sample.row(model)).computed.first)
    return (rig, work, second.toServers)
  }

  private func rows(_ question: Envelope) -> Message {
    guard case .pull(let pull) = question.message else { return .noted }
    return .rows(Rig.rows(for: pull, Sample.row(model)))
  }

  private func standing(_ effects: [WorkerCore.Effect]) -> UInt32? {
    if case .standing(let view)? = effects.reports.first { view } else { nil }
  }

  @Test("A proposal in mid-step ends all that is under way: what comes of it later enters nothing and is not answered")
  func proposalInMidStep() throws {
    var (rig, work, open) = try computing()
    let events = try Sample.compute(work, assignment)
    let train = rig.envelope(.train(Sample.leases(steps: 4..<5)))
    let proposal = rig.envelope(.propose, view: 2)
    let answer = rig.tell(.received(proposal, from: .coordinator))
    #expect(standing(answer) == 1 && answer.count == 1)

    rig.view = 1
    for (server, question) in open.dropLast() {
      #expect(rig.answer(question, rows(question), from: .server(server)).isEmpty)
    }
    #expect(rig.core.openQuestions == 0)
    for event in events { #expect(rig.tell(event).isEmpty) }
    #expect(rig.tell(.assembled(step(2, view: 1))).isEmpty)
    #expect(rig.tell(.received(train, from: .coordinator)).isEmpty, "an order of the view that is over")
    let later = rig.wait(10)
    #expect(later.toServers.isEmpty && later.reports.isEmpty && !later.hasEnded)
    #expect(standing(rig.tell(.received(proposal, from: .coordinator))) == 1, "a repetition is answered alike")
  }

  @Test("Whatever a worker does when a view is proposed, it leaves", arguments: 0..<4)
  func proposalAnytime(state: Int) throws {
    var rig = try Rig.welcomed()
    let article: [UInt8] = [1, 2, 3]
    let data = Sample.assignment(articles: [article])
    var late: [WorkerCore.Event] = []
    if state < 2 {
      _ = rig.order(.propose, view: 1)
      let fetches = rig.order(.adopt(data)).envelopes(to: .coordinator)
      let question = try #require(fetches.first)
      let piece = try #require(Piece(0, of: article, digest: SHA256.hash(article)))
      late.append(.received(rig.reply(to: question, .piece(piece)), from: .coordinator))
      if state == 1 {
        #expect(!rig.tell(late.removeLast()).preparations.isEmpty)
        let shape = GradientSum.Shape(width: 3, denseCount: 1024)
        late.append(.prepared(Prepared(view: 1, shape: shape, threads: 1, evaluationBlocks: 0)))
      }
    } else {
      try rig.adopt(data, view: 1, articles: [article], blocks: 1)
      guard state == 3 else { return #expect(standing(rig.order(.propose, view: 2)) == 1) }
      let dense = rig.order(.evaluate(round: 1, clock: 4))
      let block = Sample.work(.scoring(round: 1, chunk: 0, firstRow: 0), [0: [[1, 2]]])
      let work = try #require(
        rig.answerPulls(dense + rig.tell(.assembled(block)), rows: Sample.row(model)).computed.first)
      late = try Sample.compute(work, data)
    }
    #expect(standing(rig.order(.propose, view: 2)) == 1)
    for event in late { #expect(rig.tell(event).isEmpty) }
    let later = rig.wait(10)
    #expect(later.reports.isEmpty && later.toServers.isEmpty && !later.hasEnded)
    let asked = later.envelopes(to: .coordinator).filter { if case .beat = $0.message { false } else { true } }
    #expect(asked.isEmpty)
    try rig.adopt(data, view: 3, articles: [article])
  }

  @Test("The next view goes on at the step that it is told, with the slices that it is dealt")
  func goesOn() throws {
    var (rig, _, _) = try computing()
    let other = Sample.assignment(owned: [1])
    try rig.adopt(other, view: 2, articles: [[]])
    guard case .read(let order)? = rig.order(.train(Sample.leases([1], steps: 1..<3))).first,
      case .train(steps: 1..<3, let leases) = order.data
    else {
      Issue.record("nothing is read")
      return
    }
    #expect(order.view == 2 && leases.map(\.slice) == [1])
    #expect(rig.tell(.assembled(step(1, view: 1))).isEmpty, "what was read for the old view")
    let pulls = rig.tell(.assembled(step(1, view: 2, [1: [[1, 4]]])))
    #expect(Set(pulls.pulls.map(\.pull.clock)) == [1])
    let asked = pulls.pulls.filter { $0.pull.table == ParameterTables.sparse }.flatMap { item in
      withExtendedLifetime(item.pull.ranks) { Array(item.pull.ranks.elements(as: UInt64.self)) }
    }
    #expect(asked == [1, 4].map(Rank.of).sorted())
    let work = try #require(rig.answerPulls(pulls, rows: Sample.row(model)).computed.first)
    var pushes: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, other) { pushes += rig.tell(event) }
    #expect(!pushes.pushes.isEmpty)
    for (_, push) in pushes.pushes {
      #expect(push.clock == 1 && push.node == SliceNode(level: 0, index: 1) && push.samples == 1)
    }
  }

  @Test("An assignment that comes after a newer proposal is ignored")
  func lateAdopt() throws {
    var rig = try Rig.ready(assignment, articles: [[]])
    #expect(standing(rig.order(.propose, view: 2)) == 1)
    let late = rig.envelope(.adopt(assignment))
    #expect(standing(rig.order(.propose, view: 3)) == 1)
    #expect(rig.tell(.received(late, from: .coordinator)).isEmpty)
    let beat = try #require(rig.wait(0.6).envelopes(to: .coordinator).last)
    #expect(beat.preamble.view == 1, "it stands where it stood")
    #expect(!rig.order(.adopt(assignment), view: 3).preparations.isEmpty)
    #expect(rig.tell(.received(late, from: .coordinator)).isEmpty)
  }

  @Test("A server that stays is asked under numbers that go on; one that is replaced is another process")
  func replacedServer() throws {
    var (rig, _, open) = try computing()
    let counted = open.map(\.envelope.preamble.request).max()!
    var other = assignment
    other.servers[1] = Seat(number: 1, incarnation: 3001, endpoint: "tcp://other:1")
    _ = rig.order(.propose, view: 2)
    let adopted = rig.order(.adopt(other))
    #expect(adopted.connected == [other.servers])
    try rig.prepared(other, view: 2)
    _ = rig.order(.train(Sample.leases(steps: 0..<1)))
    let pulls = rig.tell(.assembled(step(0, view: 2))).toServers
    #expect(pulls.filter { $0.server == 0 }.allSatisfy { $0.envelope.preamble.request > counted })
    #expect(pulls.filter { $0.server == 1 }.map(\.envelope.preamble.request) == [1, 2])
    // The old process at its place says what it likes.
    for (server, question) in pulls where server == 1 {
      #expect(rig.answer(question, rows(question), from: .server(server)).isEmpty)
    }
    rig.incarnations[1] = 3001
    var computed: [StepWork] = []
    for (server, question) in pulls {
      computed += rig.answer(question, rows(question), from: .server(server)).computed
    }
    #expect(computed.count == 1)
  }

  @Test("Numbers of servers may have holes")
  func holes() throws {
    var other = Sample.assignment(slots: SlotMap(servers: [2, 5]))
    other.servers = [Sample.seat(2), Sample.seat(3), Sample.seat(5)]
    var rig = try Rig.ready(other, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<1)))
    let pulls = rig.tell(.assembled(step(0, view: 1)))
    #expect(Set(pulls.toServers.map(\.server)) == [2, 5])
    #expect(rig.answerPulls(pulls, rows: Sample.row(model)).computed.count == 1)
  }

  @Test(
    "A server for which the view is over is not asked again, but named, until there is another view",
    arguments: [Refusal.gone, .notOwner(slot: 3), .staleView(now: 2), .unknownMember(77)])
  func dropped(reason: Refusal) throws {
    var (rig, work, open) = try computing()
    let (server, question) = try #require(open.last)
    #expect(rig.answer(question, .refusal(reason), from: .server(server)).isEmpty)
    // All else is answered, but for one push that is refused as well.
    for (server, question) in open.dropLast() { _ = rig.answer(question, rows(question), from: .server(server)) }
    var pushes: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { pushes += rig.tell(event) }
    let pushed = pushes.toServers
    #expect(rig.answer(pushed[0].envelope, .refusal(reason), from: .server(pushed[0].server)).isEmpty)
    for (server, question) in pushed.dropFirst() { _ = rig.answer(question, .pushed, from: .server(server)) }
    let waited = rig.wait(30)
    #expect(!waited.hasEnded && waited.toServers.isEmpty && waited.reports.isEmpty)
    guard case .beat(let beat)? = waited.envelopes(to: .coordinator).last?.message else {
      Issue.record("no beat")
      return
    }
    #expect(beat.activity == Activity(.pulling, step: 1, waitsFor: [.server(server)]))
    try rig.adopt(assignment, view: 2, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 1..<2)))
    #expect(!rig.tell(.assembled(step(1, view: 2))).pulls.isEmpty)
  }
}
