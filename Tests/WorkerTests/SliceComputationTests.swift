import DeepFM
import Job
import Sharding
import Testing
import Wire
import Worker

struct SliceComputationTests {
  private static let first: [[UInt64]] = [[1, 2], [3, 2], [1, 9]]

  /// What is pushed for slices of one step, by table and rank, and the sightings beside it.
  private struct Pushed: Equatable {
    var rows: [Int: [UInt64: [Float]]] = [:]
    var sightings: [UInt64: UInt32] = [:]
    var lossSum = 0.0
  }

  /// - Parameter absent: keys that have no row.
  private func push(
    _ slices: [Int: [[UInt64]]], of assignment: WorkerAssignment, node: SliceNode, otherKeys: [UInt64] = [],
    absent: Set<UInt64> = []
  ) throws -> Pushed {
    let model = try makeModel(assignment.model)
    var rig = try Rig.ready(assignment, articles: [[]])
    _ = rig.order(.train(Sample.leases(assignment.ownedSlices, steps: 0..<1)))
    let pulls = rig.tell(.assembled(Sample.work(.training(step: 0), slices, otherKeys: otherKeys)))
    let row = Sample.row(model)
    let work = try #require(
      rig.answerPulls(pulls) { table, rank in
        guard table == ParameterTables.sparse, absent.contains(Rank.key(of: rank)) else { return row(table, rank) }
        var none = [Float](repeating: 0, count: model.sparse.width)
        none[0] = TableDescription.Admission.absent
        return none
      }.computed.first)
    var effects: [WorkerCore.Effect] = []
    for event in try Sample.compute(work, assignment) { effects += rig.tell(event) }
    if let error = effects.error { throw error }
    var pushed = Pushed()
    for (_, push) in effects.pushes where push.node == node {
      pushed.lossSum = push.lossSum
      let width = push.table == ParameterTables.sparse ? model.sparse.width : DenseLayout.blockSize
      withExtendedLifetime(push) {
        let values = push.values.elements(as: Float.self)
        for (place, rank) in push.ranks.elements(as: UInt64.self).enumerated() {
          pushed.rows[push.table, default: [:]][rank] = Array(values[place * width..<(place + 1) * width])
        }
        for (rank, count) in zip(push.sightedRanks.elements(as: UInt64.self), push.sightings.elements(as: UInt32.self))
        {
          pushed.sightings[rank] = count
        }
      }
    }
    return pushed
  }

  @Test("A slice's gradient is the same whichever other slices stand in the step")
  func otherSlices() throws {
    let node = SliceNode(level: 0, index: 0)
    let alone = try push([0: Self.first], of: Sample.assignment(owned: [0], slices: 8), node: node)
    #expect(alone.rows[ParameterTables.sparse]?.count == 4 && alone.lossSum > 0)
    for others: [Int: [[UInt64]]] in [[2: [[7, 8]], 5: []], [3: [[1, 2], [5, 6]], 7: [[2, 1]]]] {
      let slices = others.merging([0: Self.first]) { first, _ in first }
      let assignment = Sample.assignment(owned: slices.keys.sorted(), slices: 8, servers: 3)
      #expect(try push(slices, of: assignment, node: node) == alone)
    }
  }

  @Test("Slices of one worker add up to what those of two do")
  func split() throws {
    let root = SliceNode.root(of: 2)
    let second: [[UInt64]] = [[1, 4], [5, 2]]
    let both = try push([0: Self.first, 1: second], of: Sample.assignment(), node: root)
    let left = try push([0: Self.first], of: Sample.assignment(owned: [0]), node: .init(level: 0, index: 0))
    let right = try push([1: second], of: Sample.assignment(owned: [1]), node: .init(level: 0, index: 1))
    #expect(both.lossSum == left.lossSum + right.lossSum)
    for table in [ParameterTables.sparse, ParameterTables.dense] {
      let sum = left.rows[table]!.merging(right.rows[table]!) { zip($0, $1).map { $0 + $1 } }
      #expect(both.rows[table] == sum)
    }
  }

  @Test("An empty slice is pushed to every server, without rows")
  func empty() throws {
    let pushed = try push(
      [0: [], 1: []], of: Sample.assignment(owned: [0, 1], servers: 3), node: SliceNode.root(of: 2))
    #expect(pushed == Pushed())
  }

  @Test("A gradient longer than the clip is scaled to it, a shorter one is left alone")
  func clip() throws {
    let node = SliceNode(level: 0, index: 0)
    func norm(_ pushed: Pushed) -> Double {
      pushed.rows.values.flatMap(\.values).joined().reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() / 3
    }
    func pushed(_ clip: Double) throws -> Pushed {
      try push([0: Self.first], of: Sample.assignment(owned: [0], clip: clip), node: node)
    }
    let free = try pushed(0)
    #expect(try pushed(2 * norm(free)) == free)
    #expect(abs(try norm(pushed(norm(free) / 2)) / norm(free) - 0.5) < 1e-4)
  }

  @Test("Gradients of absent rows go to the row that stood in, sightings go beside them, unused rows stay at home")
  func admission() throws {
    let node = SliceNode(level: 0, index: 0)
    let assignment = Sample.assignment(owned: [0], usesAdmission: true)
    // 10 and 11 have no row; 90 and 91 stand in by field, 91 for none.
    let rows: [[UInt64]] = [[10, 20], [11, 20], [10, 21]]
    let pushed = try push([0: rows], of: assignment, node: node, otherKeys: [90, 91], absent: [10, 11])
    #expect(pushed.sightings == [Rank.of(10): 2, Rank.of(11): 1])
    #expect(Set(pushed.rows[ParameterTables.sparse]!.keys) == Set([20, 21, 90].map(Rank.of)))
    // The same as if the rows of data had had the key that stood in.
    let folded = try push([0: rows.map { [90, $0[1]] }], of: assignment, node: node, otherKeys: [90, 91])
    #expect(folded.sightings.isEmpty)
    #expect(pushed.lossSum == folded.lossSum)
    #expect(pushed.rows[ParameterTables.dense] == folded.rows[ParameterTables.dense])
    for (rank, values) in pushed.rows[ParameterTables.sparse]! {
      let other = try #require(folded.rows[ParameterTables.sparse]?[rank])
      #expect(zip(values, other).allSatisfy { abs($0 - $1) < 1e-6 })
    }
    // A server that calls a row absent that stands in for others is not believed, and harms nobody but the run.
    #expect(throws: WorkerError.notFinite(step: 0)) {
      try push([0: rows], of: assignment, node: node, otherKeys: [90, 91], absent: [10, 90])
    }
  }
}
