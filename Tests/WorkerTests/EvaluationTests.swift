import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

struct EvaluationTests {
  private func block(_ number: Int) -> StepWork {
    Sample.work(.scoring(round: 3, chunk: number, firstRow: 0), [0: [[1, 2], [3, UInt64(number)]]])
  }

  @Test("A worker without evaluation data has nothing to do")
  func nothing() throws {
    var rig = try Rig.ready(Sample.assignment(), articles: [[]])
    let effects = rig.order(.evaluate(round: 3, clock: 9))
    #expect(effects.count == 1 && effects.reports.count == 1)
  }

  @Test("Blocks are pulled as they are at the clock, a few at a time, scored, told, and counted once noted")
  func blocks() throws {
    let assignment = Sample.assignment()
    let model = try makeModel(Sample.model)
    let row = Sample.row(model)
    let blocks = 80
    var rig = try Rig.ready(assignment, articles: [[]], blocks: blocks)
    let begun = rig.order(.evaluate(round: 3, clock: 9))
    #expect(begun.pulls.allSatisfy { $0.pull.table == ParameterTables.dense && $0.pull.purpose == .scoring })
    var inWork = 0
    var pulls: [WorkerCore.Effect] = []
    for number in 0..<6 {
      let effects = rig.tell(.assembled(block(number)))
      #expect(effects.pulls.allSatisfy { $0.pull.clock == 9 && $0.pull.purpose == .scoring })
      inWork += effects.pulls.isEmpty ? 0 : 1
      pulls += effects
    }
    #expect(inWork == 4, "two threads, and two more")
    #expect(rig.answerPulls(pulls, rows: row).computed.isEmpty, "the dense parameters are not here")
    var next = rig.answerPulls(begun, rows: row)
    #expect(next.computed.count == 4)

    // No answers to the scores: no more than 64 of them are open.
    var read = 6
    var scores: [Envelope] = []
    while true {
      var after: [WorkerCore.Effect] = []
      for work in next.computed {
        for event in try Sample.compute(work, assignment) { after += rig.tell(event) }
      }
      scores += after.envelopes(to: .coordinator)
      while read < blocks, scores.count < 80, after.pulls.isEmpty {
        after += rig.tell(.assembled(block(read)))
        read += 1
      }
      next = rig.answerPulls(after, rows: row)
      if next.computed.isEmpty { break }
    }
    #expect(scores.count == 64)
    let beats = rig.wait(0.6).envelopes(to: .coordinator).compactMap {
      if case .beat(let beat) = $0.message { beat.activity } else { nil }
    }
    #expect(beats.last == Activity(.pushing, step: 9, waitsFor: [.coordinator]))

    // A round trip for each that is left.
    var reports: [WorkerReport] = []
    var queue = scores
    var answered: Set<Int> = []
    while !queue.isEmpty {
      let envelope = queue.removeFirst()
      guard case .scores(let said) = envelope.message else { continue }
      #expect(said.round == 3 && said.count == 2)
      answered.insert(said.chunk)
      var effects = rig.answer(envelope, .noted)
      reports += effects.reports
      while read < blocks, effects.pulls.isEmpty {
        effects += rig.tell(.assembled(block(read)))
        read += 1
      }
      for work in rig.answerPulls(effects, rows: row).computed {
        for event in try Sample.compute(work, assignment) { queue += rig.tell(event).envelopes(to: .coordinator) }
      }
    }
    #expect(answered == Set(0..<blocks))
    #expect(reports.count == 1)
  }

  @Test("A block's scores do not depend on what else there is")
  func scores() throws {
    let assignment = Sample.assignment()
    let model = try makeModel(Sample.model)
    func logits(_ others: Int) throws -> [Float] {
      var rig = try Rig.ready(assignment, articles: [[]], blocks: 4)
      let dense = rig.order(.evaluate(round: 3, clock: 0))
      var effects = rig.answerPulls(dense, rows: Sample.row(model))
      for number in (1...1 + others).reversed() { effects += rig.tell(.assembled(block(number))) }
      let works = rig.answerPulls(effects, rows: Sample.row(model)).computed
      let work = try #require(works.first { $0.purpose == .scoring(round: 3, chunk: 1, firstRow: 0) })
      guard case .scored(_, let scores)? = try Sample.compute(work, assignment).first else { return [] }
      return withExtendedLifetime(scores) { Array(scores.logits.elements(as: Float.self)) }
    }
    let alone = try logits(0)
    #expect(alone.count == 2)
    #expect(try logits(2) == alone)
  }
}
