import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

@Suite("Steps of async tables")
struct AsyncTests {
  private let model: any Model<Float>

  init() throws { model = try makeModel(Sample.model) }

  private func step(_ number: UInt64) -> StepWork {
    Sample.work(.training(step: number), [0: [[1, 2], [3, 2]], 1: [[1, 4]]])
  }

  private func training(_ staleness: [Int?]) throws -> (rig: Rig, assignment: WorkerAssignment) {
    let assignment = Sample.assignment(staleness: staleness)
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<20)))
    return (rig, assignment)
  }

  /// Reads and computes the next step, whose rows come at once. Nil where it is not computed.
  private func compute(
    _ number: UInt64, _ rig: inout Rig, _ assignment: WorkerAssignment
  ) throws -> [WorkerCore.Effect]? {
    let pulls = rig.tell(.assembled(step(number)))
    guard let work = rig.answerPulls(pulls, rows: Sample.row(model)).computed.first else { return nil }
    var effects: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { effects += rig.tell(event) }
    return effects
  }

  @Test("Slices are pushed apart, to every group and table, with their own samples and losses")
  func leaves() throws {
    var (rig, assignment) = try training([nil, nil])
    let effects = try #require(try compute(0, &rig, assignment))
    // Two slices, two servers, two tables.
    #expect(effects.pushes.count == 8)
    for slice in 0..<2 {
      let pushes = effects.pushes.map(\.push).filter { $0.node == SliceNode(level: 0, index: slice) }
      #expect(pushes.count == 4 && pushes.allSatisfy { $0.samples == (slice == 0 ? 2 : 1) })
      #expect(Set(pushes.map(\.lossSum)).count == 1)
    }
  }

  @Test("Beside a sync dense table only the sparse one takes slices")
  func mixed() throws {
    var (rig, assignment) = try training([nil, 0])
    let pushes = try #require(try compute(0, &rig, assignment)).pushes.map(\.push)
    #expect(pushes.filter { $0.table == ParameterTables.sparse }.allSatisfy { $0.node.level == 0 })
    #expect(pushes.filter { $0.table == ParameterTables.dense }.allSatisfy { $0.node == .root(of: 2) })
    #expect(pushes.count == 6)
  }

  @Test("Steps run ahead of what is not answered, but no further than a few", arguments: [4, 0])
  func bound(unanswered: UInt64) throws {
    var (rig, assignment) = try training(unanswered == 0 ? [nil, 0] : [nil, nil])
    var sent: [WorkerCore.Effect] = []
    for number in 0...unanswered {
      let effects = try #require(try compute(number, &rig, assignment), "step \(number) of \(unanswered) ahead")
      sent += effects
    }
    // The next one's rows are here, but it waits.
    #expect(try compute(unanswered + 1, &rig, assignment) == nil)
    let effects = rig.answerPushes(sent, where: { $0.clock == 0 })
    #expect(effects.computed.map(\.purpose) == [.training(step: unanswered + 1)])
  }
}
