import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

struct TrainingTests {
  private let assignment = Sample.assignment()
  private let model: any Model<Float>

  init() throws { model = try makeModel(Sample.model) }

  private func step(_ number: UInt64, view: UInt32 = 1) -> StepWork {
    Sample.work(.training(step: number), view: view, [0: [[1, 2], [3, 2]], 1: [[1, 4]]])
  }

  /// A worker that was ordered to train some steps.
  private func training(_ steps: Range<UInt64>) throws -> (rig: Rig, order: Envelope) {
    var rig = try Rig.ready(assignment, articles: [[]])
    let order = rig.envelope(.train(Sample.leases(steps: steps)))
    let effects = rig.tell(.received(order, from: .coordinator))
    guard case .read(let read)? = effects.first, case .train(let range, _) = read.data else {
      Issue.record("\(effects)")
      return (rig, order)
    }
    #expect(range == steps && read.ahead == 5)
    return (rig, order)
  }

  @Test("A step's rows are asked of all servers, computed once all are here, pushed, and counted once all is answered")
  func wayOfAStep() throws {
    var (rig, order) = try training(0..<1)
    let pulls = rig.tell(.assembled(step(0)))
    #expect(pulls.pulls.filter { $0.pull.table == ParameterTables.sparse }.map(\.server).sorted() == [0, 1])
    #expect(pulls.pulls.filter { $0.pull.table == ParameterTables.dense }.map(\.server).sorted() == [0, 1])
    #expect(pulls.pulls.allSatisfy { $0.pull.clock == 0 && $0.pull.purpose == .training })
    let ranks = pulls.pulls.filter { $0.pull.table == ParameterTables.sparse }.flatMap { item in
      withExtendedLifetime(item.pull.ranks) { Array(item.pull.ranks.elements(as: UInt64.self)) }
    }
    #expect(ranks == [1, 2, 3, 4].map(Rank.of).sorted())

    let work = try #require(rig.answerPulls(pulls, rows: Sample.row(model)).computed.first)
    var pushes: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { pushes += rig.tell(event) }
    #expect(pushes.contains { if case .recycle = $0 { true } else { false } })
    for server in 0..<2 {
      for table in [ParameterTables.sparse, ParameterTables.dense] {
        let push = try #require(pushes.pushes.first { $0.server == server && $0.push.table == table }?.push)
        #expect(push.samples == 3 && push.lossSum > 0 && push.node == .root(of: 2) && push.clock == 0)
      }
    }
    #expect(pushes.reports.isEmpty)

    // All but the last answer: the order is not answered, and the pushes are repeated.
    let open = pushes.toServers.filter { if case .push = $0.envelope.message { true } else { false } }
    for (server, envelope) in open.dropLast() {
      #expect(rig.answer(envelope, .pushed, from: .server(server)).isEmpty)
      #expect(rig.answer(envelope, .pushed, from: .server(server)).isEmpty, "a repetition changes nothing")
    }
    let last = try #require(open.last)
    let waited = rig.wait(3)
    let repeated = waited.toServers
    #expect(!repeated.isEmpty && repeated.allSatisfy { $0.envelope.preamble.request == last.envelope.preamble.request })
    let activities = waited.envelopes(to: .coordinator).compactMap {
      if case .beat(let beat) = $0.message { beat.activity } else { nil }
    }
    #expect(Set(activities) == [Activity(.pushing, step: 0, waitsFor: [.server(last.server)])])
    let answered = rig.answer(last.envelope, .pushed, from: .server(last.server))
    guard case .trained? = answered.reports.first else {
      Issue.record("\(answered)")
      return
    }
    // The order is repeated: so is the answer, and nothing else.
    let again = rig.tell(.received(order, from: .coordinator))
    #expect(again.count == 1 && again.reports.count == 1)
  }

  @Test("Lost rows are asked for again; repeated ones, and those of another view or process, change nothing")
  func lostRows() throws {
    var (rig, _) = try training(0..<1)
    let pulls = rig.tell(.assembled(step(0)))
    let (server, question) = try #require(pulls.toServers.first)
    guard case .pull(let pull) = question.message else { return }
    let rows = Message.rows(Rig.rows(for: pull, Sample.row(model)))
    let open = rig.core.openQuestions
    var stranger = rig.reply(to: question, rows, from: .server(server))
    stranger.preamble.view = 2
    #expect(rig.tell(.received(stranger, from: .server(server))).isEmpty)
    stranger.preamble.view = 0
    #expect(rig.tell(.received(stranger, from: .server(server))).isEmpty)
    stranger = rig.reply(to: question, rows, from: .server(server))
    stranger.preamble.incarnation = 9
    #expect(rig.tell(.received(stranger, from: .server(server))).isEmpty)
    #expect(rig.core.openQuestions == open)
    for _ in 0..<2 { #expect(rig.answer(question, rows, from: .server(server)).isEmpty) }
    #expect(rig.core.openQuestions == open - 1)

    let again = rig.wait(1).filter { if case .send(_, .server) = $0 { true } else { false } }
    let requests = Set(again.toServers.map { [$0.server, Int($0.envelope.preamble.request)] })
    #expect(requests.count == 3 && !requests.contains([server, Int(question.preamble.request)]))
    #expect(rig.answerPulls(again, rows: Sample.row(model)).computed.count == 1)
    #expect(rig.answerPulls(again, rows: Sample.row(model)).isEmpty)
  }

  @Test("The next step's rows are asked for while one computes; no third step's, and never two compute")
  func ahead() throws {
    var (rig, _) = try training(0..<3)
    let first = rig.tell(.assembled(step(0)))
    let second = rig.tell(.assembled(step(1)))
    #expect(Set(second.pulls.map(\.pull.clock)) == [1])
    #expect(rig.tell(.assembled(step(2))).isEmpty)
    #expect(rig.answerPulls(second, rows: Sample.row(model)).computed.isEmpty, "steps are computed in order")
    let work = try #require(rig.answerPulls(first, rows: Sample.row(model)).computed.first)
    #expect(work.purpose == .training(step: 0))
    var effects: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { effects += rig.tell(event) }
    #expect(effects.computed.map(\.purpose) == [.training(step: 1)])
    #expect(Set(effects.pulls.map(\.pull.clock)) == [2])
    // A result that is told again is none.
    #expect(rig.tell(.computed(work, slice: 0, SliceGradient(lossSum: 0, pushes: []))).isEmpty)
  }

  @Test("Results and messages of a view that was left enter nothing")
  func leftView() throws {
    var (rig, _) = try training(0..<1)
    let pulls = rig.tell(.assembled(step(0)))
    let work = try #require(rig.answerPulls(pulls, rows: Sample.row(model)).computed.first)
    let events = try Sample.compute(work, assignment)
    try rig.adopt(assignment, view: 2)
    for event in events { #expect(rig.tell(event).isEmpty) }
    #expect(rig.wait(5).toServers.isEmpty, "nothing of the old view is asked again")
  }

  @Test("A server's refusal of what was asked in an older view is no answer to a question of the new one")
  func lateRefusal() throws {
    var (rig, _) = try training(0..<1)
    let old = rig.tell(.assembled(step(0))).toServers
    try rig.adopt(assignment, view: 2)
    _ = rig.order(.train(Sample.leases(steps: 0..<1)), view: 2)
    let new = rig.tell(.assembled(step(0, view: 2)))
    // Both speak of the view that the server is in by now.
    for (server, question) in old {
      #expect(rig.answer(question, .refusal(.staleView(now: 2)), from: .server(server)).isEmpty)
    }
    #expect(rig.answerPulls(new, rows: Sample.row(model)).computed.count == 1)
  }

  @Test("A loss that is no number ends the worker, naming the step")
  func notFinite() throws {
    var (rig, _) = try training(0..<1)
    let pulls = rig.tell(.assembled(step(0)))
    let work = try #require(
      rig.answerPulls(pulls) { table, _ in
        Array(repeating: .nan, count: table == ParameterTables.sparse ? model.sparse.width : DenseLayout.blockSize)
      }.computed.first)
    var effects: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { effects += rig.tell(event) }
    #expect(effects.error == .notFinite(step: 0))
  }

  @Test(
    "A refusal of a worker that nobody understands ends it, naming who refused what",
    arguments: [Refusal.malformed("x"), .otherRun])
  func refusal(reason: Refusal) throws {
    var (rig, _) = try training(0..<1)
    let (server, question) = try #require(rig.tell(.assembled(step(0))).toServers.first)
    #expect(rig.answer(question, .refusal(.notYet), from: .server(server)).isEmpty, "it is asked again")
    let effects = rig.answer(question, .refusal(reason), from: .server(server))
    #expect(effects.error == .refused(by: .server(server), question: "pull", reason: reason))
    #expect(rig.wait(5).isEmpty)
  }

  @Test("Rows of the wrong size end the worker")
  func wrongRows() throws {
    var (rig, _) = try training(0..<1)
    let (server, question) = try #require(rig.tell(.assembled(step(0))).toServers.first)
    let effects = rig.answer(question, .rows(Rows(values: Frame(count: 4))), from: .server(server))
    guard case .unexpected(.server(server), _)? = effects.error else {
      Issue.record("\(effects)")
      return
    }
  }

  @Test("A question that there was no room for is asked again soon")
  func congestion() throws {
    var (rig, _) = try training(0..<1)
    let (server, question) = try #require(rig.tell(.assembled(step(0))).toServers.first)
    _ = rig.wait(3)
    #expect(rig.tell(.congested(.server(server), request: question.preamble.request)).isEmpty)
    let soon = rig.wait(0.4).toServers.map(\.envelope.preamble.request)
    #expect(soon.contains(question.preamble.request))
  }

  @Test("Leases of no steps are answered at once; the union of leases is read")
  func leases() throws {
    var rig = try Rig.ready(assignment, articles: [[]])
    #expect(rig.order(.train(Sample.leases(steps: 4..<4))).reports.count == 1)
    let leases = [
      Lease(slice: 1, epoch: 0, epochStart: 0, steps: 5..<8), Lease(slice: 0, epoch: 0, epochStart: 0, steps: 4..<6),
    ]
    guard case .read(let order)? = rig.order(.train(leases)).first, case .train(let steps, let read) = order.data else {
      Issue.record("nothing is read")
      return
    }
    #expect(steps == 4..<8 && read.map(\.slice) == [0, 1])
  }

  @Test("What computing waits for data is told")
  func stall() throws {
    var (rig, _) = try training(0..<1)
    _ = rig.wait(2)
    let pulls = rig.tell(.assembled(step(0)))
    let work = try #require(rig.answerPulls(pulls, rows: Sample.row(model)).computed.first)
    var effects: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { effects += rig.tell(event) }
    guard case .trained(let seconds)? = rig.answerPushes(effects).reports.first else {
      Issue.record("not trained")
      return
    }
    #expect(abs(seconds - 2) < 0.2)
  }
}
