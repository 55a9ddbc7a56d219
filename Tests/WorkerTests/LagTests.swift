import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

/// Steps that read the parameters as they were some steps before.
struct LagTests {
  private let model: any Model<Float>

  init() throws { model = try makeModel(Sample.model) }

  private func step(_ number: UInt64) -> StepWork {
    Sample.work(.training(step: number), [0: [[1, 2], [3, 2]], 1: [[1, 4]]])
  }

  /// A worker that was ordered to train some steps.
  private func training(_ steps: Range<UInt64>, lag: Int) throws -> (rig: Rig, assignment: WorkerAssignment) {
    let assignment = Sample.assignment(staleness: [lag, lag])
    var rig = try Rig.ready(assignment, articles: [[]])
    guard case .read(let order)? = rig.order(.train(Sample.leases(steps: steps))).first else {
      Issue.record("nothing is read")
      return (rig, assignment)
    }
    #expect(order.ahead == 5 + lag)
    return (rig, assignment)
  }

  @Test("Step c asks for the parameters after c - lag steps, at most 2 + lag steps at a time", arguments: [0, 1, 3])
  func clocks(lag: Int) throws {
    let first: UInt64 = 2
    var (rig, assignment) = try training(first..<first + 8, lag: lag)
    var asked: [[UInt64]] = []
    var pulls: [[WorkerCore.Effect]] = []
    for number in first..<first + UInt64(lag) + 4 {
      let effects = rig.tell(.assembled(step(number)))
      guard !effects.isEmpty else { continue }
      asked.append(Set(effects.pulls.map(\.pull.clock)).sorted())
      pulls.append(effects)
    }
    #expect(asked == (0..<2 + lag).map { [UInt64(max(0, Int(first) + $0 - lag))] })

    // All their rows are here, those of later steps first: they are computed in order, and none waits for pushes.
    var work: StepWork?
    for effects in pulls.reversed() {
      let computed = rig.answerPulls(effects, rows: Sample.row(model)).computed
      #expect(computed.count <= 1)
      work = computed.first ?? work
    }
    for number in 0..<UInt64(lag + 2) {
      let current = try #require(work)
      #expect(current.purpose == .training(step: first + number))
      var effects: [WorkerCore.Effect] = []
      for event in try Sample.compute(current, assignment) { effects += rig.tell(event) }
      #expect(!effects.pushes.isEmpty && effects.pushes.allSatisfy { $0.push.clock == first + number })
      work = effects.computed.first
      // Of the two steps that were read beyond them, each is asked for when one in flight is done.
      let next = first + number + 2 + UInt64(lag)
      let clocks = Set(effects.pulls.map(\.pull.clock))
      #expect(clocks == (number < 2 ? [next - UInt64(lag)] : []))
    }
    #expect(work == nil)
  }

  @Test("Rows at clock k acknowledge pushes of steps before k, and no others")
  func acknowledgement() throws {
    var (rig, assignment) = try training(0..<4, lag: 1)
    let pulls = (0..<3 as Range<UInt64>).map { rig.tell(.assembled(step($0))) }
    #expect(pulls.map { $0.pulls.first?.pull.clock } == [0, 0, 1])
    let work = try #require(rig.answerPulls(pulls[0], rows: Sample.row(model)).computed.first)
    var effects: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { effects += rig.tell(event) }
    let open = rig.core.openQuestions
    #expect(effects.pushes.count == 4)
    // Step 1 reads clock 0, which says nothing of step 0. Its four answers are all that is not open any more.
    _ = rig.answerPulls(pulls[1], rows: Sample.row(model))
    #expect(rig.core.openQuestions == open - 4)
    // Step 2 reads clock 1.
    _ = rig.answerPulls(pulls[2], rows: Sample.row(model))
    #expect(rig.core.openQuestions == open - 4 - 4 - 4)
  }

  @Test("However little is acknowledged, what waits for an answer is bounded by the lag", arguments: [0, 1, 3])
  func bounded(lag: Int) throws {
    var (rig, assignment) = try training(0..<50, lag: lag)
    var queue: [WorkerCore.Effect] = []
    for number in 0..<50 as Range<UInt64> {
      queue += rig.tell(.assembled(step(number)))
      while !queue.isEmpty {
        var next: [WorkerCore.Effect] = []
        for work in rig.answerPulls(queue, rows: Sample.row(model)).computed {
          for event in try Sample.compute(work, assignment) { next += rig.tell(event) }
        }
        queue = next
        // Four pulls and four pushes of a step: two servers, two tables.
        #expect(rig.core.openQuestions <= 4 * (lag + 2) + 4 * (lag + 2) + 1)
      }
    }
  }
}
