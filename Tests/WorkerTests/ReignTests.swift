import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

/// Coordinators come and go, and so does a worker's place.
struct ReignTests {
  private let assignment = Sample.assignment()
  private let model: any Model<Float>

  init() throws { model = try makeModel(Sample.model) }

  private func step(_ number: UInt64, view: UInt32 = 1) -> StepWork {
    Sample.work(.training(step: number), view: view, [0: [[1, 2], [3, 2]], 1: [[1, 4]]])
  }

  /// Another coordinator makes itself heard. Returns the worker's offer.
  private func succeed(_ rig: inout Rig) throws -> Envelope {
    rig.succeed()
    return try #require(rig.hearBeat().envelopes(to: .coordinator).first)
  }

  @Test(
    "Under another coordinator a worker says what it was, and goes on training; nobody hears of old orders any more")
  func training() throws {
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<1)))
    let pulls = rig.tell(.assembled(step(0)))
    let stop = rig.envelope(.stop)
    let offer = try succeed(&rig)
    guard case .register(let registration) = offer.message else {
      Issue.record("\(offer.message)")
      return
    }
    #expect(registration.standing == .init(member: .worker(0), view: 1) && registration.files == ["day_1"])
    #expect(rig.tell(.received(stop, from: .coordinator)).isEmpty, "an order of the old one")
    #expect(rig.order(.propose, view: 2).isEmpty, "not before it has been given its place")
    rig.view = 1
    _ = rig.answer(offer, .welcome(.worker(0)))

    let work = try #require(rig.answerPulls(pulls, rows: Sample.row(model)).computed.first)
    var pushes: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { pushes += rig.tell(event) }
    #expect(!pushes.pushes.isEmpty)
    #expect(rig.answerPushes(pushes).isEmpty, "trained, but the new one did not order it")
    #expect(rig.wait(5).reports.isEmpty)

    guard case .standing(view: 1)? = rig.order(.propose, view: 2).reports.first else {
      Issue.record("it does not promise")
      return
    }
    try rig.adopt(assignment, view: 3, articles: [[]])
  }

  @Test("Scores of an evaluation that the old coordinator ordered are not told the new one")
  func evaluating() throws {
    var rig = try Rig.ready(assignment, articles: [[]], blocks: 2)
    let dense = rig.order(.evaluate(round: 1, clock: 4))
    let blocks = (0..<2).map { Sample.work(.scoring(round: 1, chunk: $0, firstRow: 0), [0: [[1, 2]]]) }
    let first = rig.answerPulls(dense + rig.tell(.assembled(blocks[0])), rows: Sample.row(model)).computed
    var scores: [WorkerCore.Effect] = []
    for event in try Sample.compute(#require(first.first), assignment) { scores += rig.tell(event) }
    let told = try #require(scores.envelopes(to: .coordinator).first)
    let second = rig.answerPulls(rig.tell(.assembled(blocks[1])), rows: Sample.row(model)).computed
    let late = try Sample.compute(#require(second.first), assignment)

    let offer = try succeed(&rig)
    _ = rig.answer(offer, .welcome(.worker(0)))
    #expect(rig.answer(told, .noted).isEmpty && rig.answer(told, .refusal(.staleView(now: 2))).isEmpty)
    for event in late { #expect(rig.tell(event).isEmpty) }
    let later = rig.wait(5)
    #expect(later.toServers.isEmpty && later.reports.isEmpty && !later.hasEnded)
    #expect(
      later.envelopes(to: .coordinator).allSatisfy { if case .beat = $0.message { true } else { false } })
    try rig.adopt(assignment, view: 2, articles: [[]])
  }

  @Test("What was asked of the old coordinator waits for the next view, and is then asked of the new one")
  func fetching() throws {
    let article: [UInt8] = [1, 2, 3]
    let data = Sample.assignment(articles: [article])
    var rig = try Rig.welcomed()
    _ = rig.order(.propose, view: 1)
    let question = try #require(rig.order(.adopt(data)).envelopes(to: .coordinator).first)
    let offer = try succeed(&rig)
    _ = rig.answer(offer, .welcome(.worker(0)))
    let piece = Message.piece(try #require(Piece(0, of: article, digest: SHA256.hash(article))))
    #expect(rig.answer(question, piece).isEmpty)
    #expect(rig.answer(question, .refusal(.unknownMember(5))).isEmpty)
    #expect(!rig.wait(5).hasEnded)
    // The same question under the number of the old one would be answered by what comes late.
    _ = rig.order(.propose, view: 2)
    let again = try #require(rig.order(.adopt(data)).envelopes(to: .coordinator).first)
    #expect(again.preamble.request > question.preamble.request)
    #expect(rig.answer(question, .piece(try #require(Piece(0, of: [9], digest: SHA256.hash([9]))))).isEmpty)
    #expect(!rig.answer(again, piece).preparations.isEmpty)
  }

  @Test("A worker that the run went on without offers itself as another, and takes part again")
  func excluded() throws {
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<1)))
    _ = rig.tell(.assembled(step(0)))
    let late = [rig.envelope(.adopt(assignment)), rig.envelope(.propose), rig.envelope(.stop)]
    rig.view = 3
    #expect(rig.excludes(77 + 1).isEmpty, "another process")
    let effects = rig.excludes(77)
    #expect(effects.connected == [[]] && !effects.hasEnded)
    #expect(
      effects.said == ["the run went on without worker-0, which offers itself to the coordinator at tcp://c:1 anew"])

    let offer = try #require(rig.tell(.tick).envelopes(to: .coordinator).first)
    guard case .register(let registration) = offer.message else {
      Issue.record("\(offer.message)")
      return
    }
    #expect(registration.standing == nil && offer.preamble.incarnation == 78)
    #expect(rig.excludes(77).isEmpty, "it was said of the other")
    _ = rig.answer(offer, .welcome(.worker(4)))
    for order in late { #expect(rig.tell(.received(order, from: .coordinator)).isEmpty, "an order to the other") }
    #expect(rig.wait(3).toServers.isEmpty)
    // Its articles are here still.
    guard case .standing(view: 0)? = rig.order(.propose, view: 4).reports.first else {
      Issue.record("it does not promise")
      return
    }
    let adopted = rig.order(.adopt(assignment))
    #expect(adopted.preparations.map(\.view) == [4] && adopted.connected.count == 1)
    try rig.prepared(assignment, view: 4)
    _ = rig.order(.train(Sample.leases(steps: 0..<1)))
    let pulls = rig.tell(.assembled(step(0, view: 4)))
    #expect(!pulls.pulls.isEmpty)
    #expect(pulls.toServers.allSatisfy { $0.envelope.preamble.member == .worker(4) })
  }

  @Test("A spare adopts its view without preparing anything, has nothing to do, and takes over in a later view")
  func spare() throws {
    let article: [UInt8] = [1, 2, 3]
    var rig = try Rig.welcomed()
    _ = rig.order(.propose, view: 1)
    let adopted = rig.order(.adopt(Sample.assignment(owned: [], articles: [article])))
    guard case .adopted? = adopted.reports.first else {
      Issue.record("\(adopted)")
      return
    }
    #expect(adopted.preparations.isEmpty && adopted.envelopes(to: .coordinator).count == 1)
    #expect(adopted.said == ["worker-0: spare: the run has no slice for it"])
    guard case .trained(0)? = rig.order(.train([])).reports.first,
      case .done? = rig.order(.evaluate(round: 1, clock: 3)).reports.first
    else {
      Issue.record("it does not answer")
      return
    }
    guard case .standing(view: 1)? = rig.order(.propose, view: 2).reports.first else {
      Issue.record("it does not promise")
      return
    }
    #expect(!rig.order(.adopt(Sample.assignment(owned: [1], articles: [article]))).envelopes(to: .coordinator).isEmpty)
  }
}
