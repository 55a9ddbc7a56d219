import Job
import Sharding
import Testing
import Wire
import Worker

struct AdoptionTests {
  private static let articles: [[UInt8]] = [[1, 2, 3], [4], Array(repeating: 9, count: 2 * Piece.size + 5)]

  @Test("Articles are fetched a few pieces at a time, once, and kept for later views")
  func fetching() throws {
    var rig = try Rig.welcomed()
    let assignment = Sample.assignment(articles: Self.articles)
    var effects = rig.order(.adopt(assignment), view: 1)
    #expect(effects.connected == [[Sample.seat(0), Sample.seat(1)]])
    var fetched: [Fetch] = []
    while effects.preparations.isEmpty {
      let fetches = effects.envelopes(to: .coordinator)
      try #require(!fetches.isEmpty && fetches.count <= 4)
      for case .fetch(let fetch) in fetches.map(\.message) { fetched.append(fetch) }
      effects = try rig.answerFetches(effects, from: Self.articles)
    }
    #expect(fetched.count == 5 && Set(fetched).count == 5)
    let preparation = effects.preparations[0]
    #expect(Self.articles.allSatisfy { preparation.articles[SHA256.hash($0)] == $0 })

    // The next view names one more, which alone is asked for.
    let more = Self.articles + [[7, 7]]
    _ = rig.order(.propose, view: 2)
    let next = rig.order(.adopt(Sample.assignment(articles: more)), view: 2)
    #expect(next.envelopes(to: .coordinator).map { $0.preamble.view } == [2])
    let prepared = try rig.answerFetches(next, from: more).preparations
    #expect(prepared.map(\.view) == [2] && prepared[0].articles.count == 4)
  }

  @Test("Lost pieces are asked for again; a damaged article ends the worker")
  func damage() throws {
    var rig = try Rig.welcomed()
    let assignment = Sample.assignment(articles: [Self.articles[0]])
    let first = rig.order(.adopt(assignment), view: 1)
    let again = rig.wait(1).envelopes(to: .coordinator).filter { if case .fetch = $0.message { true } else { false } }
    #expect(!again.isEmpty)
    let question = try #require(first.envelopes(to: .coordinator).first)
    let digest = SHA256.hash(Self.articles[0])
    let effects = rig.answer(question, .piece(try #require(Piece(0, of: [1, 2, 4], digest: digest))))
    #expect(effects.error == .damaged(article: digest))
  }

  @Test("An article that the coordinator has no more is waited for until the next view")
  func gone() throws {
    var rig = try Rig.welcomed()
    _ = rig.order(.propose, view: 1)
    let assignment = Sample.assignment(articles: [Self.articles[0]])
    let question = try #require(rig.order(.adopt(assignment)).envelopes(to: .coordinator).first)
    #expect(rig.answer(question, .refusal(.gone)).isEmpty)
    guard case .beat(let beat)? = rig.wait(30).envelopes(to: .coordinator).last?.message else {
      Issue.record("no beat")
      return
    }
    #expect(beat.activity == Activity(.fetching, waitsFor: [.coordinator]))
    try rig.adopt(assignment, view: 2, articles: [Self.articles[0]])
  }

  @Test("A newer view replaces an older one; older orders are refused, an order is carried out once")
  func views() throws {
    let assignment = Sample.assignment()
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<2)))
    // Prepared for the old view, after the new one was adopted: of no interest.
    _ = rig.order(.propose, view: 3)
    let adopt = rig.envelope(.adopt(assignment), view: 3)
    #expect(rig.tell(.received(adopt, from: .coordinator)).preparations.map(\.view) == [3])
    #expect(rig.tell(.received(adopt, from: .coordinator)).isEmpty)
    let shape = GradientSum.Shape(width: 3, denseCount: 1024)
    #expect(rig.tell(.prepared(Prepared(view: 1, shape: shape, threads: 1, evaluationBlocks: 0))).isEmpty)
    #expect(
      rig.tell(.prepared(Prepared(view: 3, shape: shape, threads: 1, evaluationBlocks: 0))).reports.count == 1)
    // The answer is repeated as long as it is asked for.
    #expect(rig.tell(.received(adopt, from: .coordinator)).reports.count == 1)
    #expect(rig.order(.adopt(assignment), view: 2).isEmpty)
    // A step that was read for the old view is not begun.
    _ = rig.order(.train(Sample.leases(steps: 0..<2)), view: 3)
    #expect(rig.tell(.assembled(Sample.work(.training(step: 0), view: 1, [0: [[1, 2]], 1: []]))).isEmpty)
    #expect(!rig.tell(.assembled(Sample.work(.training(step: 0), view: 3, [0: [[1, 2]], 1: []]))).isEmpty)
  }

  @Test("An assignment or leases that contradict themselves are refused")
  func nonsense() throws {
    var rig = try Rig.welcomed()
    func refusal(_ effects: [WorkerCore.Effect]) -> Bool {
      if case .refusal(.malformed)? = effects.envelopes(to: .coordinator).first?.message { true } else { false }
    }
    #expect(refusal(rig.order(.adopt(Sample.assignment(owned: [1, 2])), view: 1)))
    #expect(refusal(rig.order(.adopt(Sample.assignment(staleness: [-1, 0])), view: 1)))
    var assignment = Sample.assignment()
    assignment.servers.removeLast()
    #expect(refusal(rig.order(.adopt(assignment), view: 1)), "a home that is not in the view")
    assignment.servers.append(Seat(number: 1, incarnation: 9))
    #expect(refusal(rig.order(.adopt(assignment), view: 1)), "a server that cannot be reached")
    assignment.servers.append(Sample.seat(0))
    #expect(refusal(rig.order(.adopt(assignment), view: 1)), "two servers of one number")
    #expect(refusal(rig.order(.train(Sample.leases(steps: 0..<1)))))
    try rig.adopt(Sample.assignment(), view: 2, articles: [[]])
    #expect(refusal(rig.order(.train(Sample.leases([0], steps: 0..<1)))))
  }
}
