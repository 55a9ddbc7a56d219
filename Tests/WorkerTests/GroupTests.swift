import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

/// Slots that have the same homes are asked for and pushed together; a server may be the first home of several groups.
struct GroupTests {
  private let model: any Model<Float>
  private let assignment: WorkerAssignment

  /// Server 0 is the first home of two groups, server 1 of none, server 2 of one.
  init() throws {
    model = try makeModel(Sample.model)
    let quarter = Rank.slots / 4
    let slots = try SlotMap(runs: [
      .init(first: 0, count: quarter, homes: [0, 1]), .init(first: quarter, count: quarter, homes: [0]),
      .init(first: 2 * quarter, count: quarter, homes: [2, 1]),
      .init(first: 3 * quarter, count: quarter, homes: [0, 1]),
    ])
    try #require(slots.groups.map(\.first) == [0, 0, 2])
    assignment = Sample.assignment(servers: 3, slots: slots)
  }

  private func step(_ number: UInt64) -> StepWork {
    Sample.work(.training(step: number), [0: (0..<40).map { [$0, $0 + 100] }, 1: [[1, 4]]])
  }

  private static let pairs: [[Int]] = [0, 1, 2].flatMap { group in
    [ParameterTables.sparse, ParameterTables.dense].map { [group, $0] }
  }

  private func ranks(_ frame: Frame) -> [UInt64] {
    withExtendedLifetime(frame) { Array(frame.elements(as: UInt64.self)) }
  }

  private func check(_ ranks: [UInt64], group: Int) {
    for rank in ranks {
      let slot = Rank.slot(of: rank)
      #expect(assignment.slots.groups[group].slots.contains { $0.contains(slot) })
    }
  }

  @Test("Every group is asked for every table, and gets a push of it, at its first home")
  func groups() throws {
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<1)))
    let work = step(0)
    let pulls = rig.tell(.assembled(work))
    #expect(
      pulls.pulls.map { [$0.pull.group, $0.pull.table] }.sorted { $0.lexicographicallyPrecedes($1) } == Self.pairs)
    for (server, pull) in pulls.pulls {
      #expect(server == [0, 0, 2][pull.group])
      check(ranks(pull.ranks), group: pull.group)
    }
    let sparse = pulls.pulls.filter { $0.pull.table == ParameterTables.sparse }.flatMap { ranks($0.pull.ranks) }
    #expect(sparse.sorted() == work.ranks)

    let computing = try #require(rig.answerPulls(pulls, rows: Sample.row(model)).computed.first)
    var pushes: [WorkerCore.Effect] = []
    for event in try Sample.compute(computing, assignment) { pushes += rig.tell(event) }
    #expect(
      pushes.pushes.map { [$0.push.group, $0.push.table] }.sorted { $0.lexicographicallyPrecedes($1) } == Self.pairs)
    for (server, push) in pushes.pushes {
      #expect(server == [0, 0, 2][push.group] && push.samples == 41)
      check(ranks(push.ranks), group: push.group)
    }
    let pushed = pushes.pushes.filter { $0.push.table == ParameterTables.sparse }.flatMap { ranks($0.push.ranks) }
    #expect(pushed.sorted() == work.ranks)

    // What is pushed is counted by group: the second group at server 0 holds the order back alone.
    let open = pushes.toServers.filter {
      guard case .push(let push) = $0.envelope.message else { return false }
      return push.group == 1
    }
    for (server, question) in pushes.toServers
    where !open.contains(where: { $0.envelope.preamble == question.preamble }) {
      #expect(rig.answer(question, .pushed, from: .server(server)).isEmpty)
    }
    guard case .beat(let beat)? = rig.wait(0.6).envelopes(to: .coordinator).last?.message else {
      Issue.record("no beat")
      return
    }
    #expect(beat.activity == Activity(.pushing, step: 0, waitsFor: [.server(0)]))
    var reports: [WorkerReport] = []
    for (server, question) in open { reports += rig.answer(question, .pushed, from: .server(server)).reports }
    #expect(reports.count == 1)
  }

  @Test("Rows of a group acknowledge the pushes to that group, not those to another one of the same server")
  func acknowledgement() throws {
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(steps: 0..<2)))
    let first = rig.tell(.assembled(step(0)))
    let second = rig.tell(.assembled(step(1)))
    let work = try #require(rig.answerPulls(first, rows: Sample.row(model)).computed.first)
    var pushes: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { pushes += rig.tell(event) }
    for (server, question) in second.toServers {
      guard case .pull(let pull) = question.message, pull.group == 0, pull.table == ParameterTables.sparse else {
        continue
      }
      _ = rig.answer(question, .rows(Rig.rows(for: pull, Sample.row(model))), from: .server(server))
    }
    let again = Set(rig.wait(3).pushes.map { [$0.push.group, $0.push.table] })
    #expect(again == Set(Self.pairs.filter { $0 != [0, ParameterTables.sparse] }))
  }
}
