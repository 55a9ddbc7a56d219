import DeepFM
import Job
import Sharding
import Wire
import Worker

enum Sample {
  static let model = ModelConfiguration(model: .deepFMD, fields: 2, embedding: 2, hidden: [3], keep: 0.5)

  static func seat(_ number: Int) -> Seat {
    Seat(number: number, incarnation: 2000 + UInt64(number), endpoint: "tcp://server:\(number)")
  }

  /// An assignment that names these articles: the first stands for the encoding.
  static func assignment(
    owned: [Int] = [0, 1], slices: Int = 2, servers: Int = 2, slots: SlotMap? = nil, articles: [[UInt8]] = [],
    usesAdmission: Bool = false, clip: Double = 0, staleness: [Int?] = [0, 0], model: ModelConfiguration = Sample.model
  ) -> WorkerAssignment {
    let digests = (articles.isEmpty ? [[]] : articles).map(SHA256.hash)
    return WorkerAssignment(
      worker: 0, servers: (0..<servers).map(seat), slots: slots ?? SlotMap(servers: servers), model: model,
      batch: 4 * slices, slices: slices, ownedSlices: owned, seed: 5, threads: 2, readers: 1, clip: clip,
      staleness: staleness,
      data: DataArticles(
        encoding: digests[0], train: Array(digests.dropFirst()), evaluation: [], vocabulary: nil,
        usesAdmission: usesAdmission))
  }

  static func leases(_ owned: [Int] = [0, 1], steps: Range<UInt64>) -> [Lease] {
    owned.map { Lease(slice: $0, epoch: 0, epochStart: 0, steps: steps) }
  }

  /// A step whose slices have the given rows of keys.
  static func work(
    _ purpose: StepWork.Purpose, view: UInt32 = 1, _ slices: [Int: [[UInt64]]], otherKeys: [UInt64] = []
  ) -> StepWork {
    let work = StepWork()
    work.begin(purpose, view: view, slices: slices.keys.sorted(), fields: 2)
    for part in work.parts.indices {
      for (row, keys) in slices[work.parts[part].slice]!.enumerated() {
        work.parts[part].batch.append(label: Float(row % 2), keys: keys)
      }
    }
    var assembler = StepAssembler(otherKeys: otherKeys)
    assembler.assemble(work)
    return work
  }

  /// A row of a table that is a function of its rank.
  static func row(_ model: any Model<Float>) -> (Int, UInt64) -> [Float] {
    { table, rank in
      let width = table == ParameterTables.sparse ? model.sparse.width : DenseLayout.blockSize
      return (0..<width).map { Float(Int64(bitPattern: Rank.of(rank &+ UInt64($0))) >> 40) / Float(1 << 26) }
    }
  }

  /// Computes all parts of what is to be computed, and returns what the core is to be told.
  static func compute(_ work: StepWork, _ assignment: WorkerAssignment) throws -> [WorkerCore.Event] {
    let model = try makeModel(assignment.model)
    let shape = GradientSum.Shape(width: model.sparse.width, denseCount: model.dense.count)
    let sums = NodeSums(assignment, shape: shape)
    var computation = SliceComputation(model: model, rows: 2048, seed: assignment.seed, clip: assignment.clip)
    return work.parts.indices.map { computation.perform(part: $0, of: work, into: sums) }
  }
}
