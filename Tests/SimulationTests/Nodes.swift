import Checkpoint
import Coordinator
import DeepFM
import Features
import Foundation
import Job
import ParamServer
import Sharding
import Wire
import Worker

/// What befalls a node.
enum Happening {
  case tick
  /// A message from another node, as bytes.
  case message([Frame], from: Int, route: Route)
  case congested(from: Int, request: UInt64)
  case noise(from: Int)
  case coordinator(CoordinatorCore.Event)
  case server(ServerCore.Event)
  case worker(WorkerCore.Event)
  /// A part of a step or a block is to be computed.
  case compute(StepWork, part: Int)
  case readNext
}

/// A coordinator, and its catalogue.
final class CoordinatorNode {
  var core: CoordinatorCore
  var stage = 0
  var results: [RunResult] = []
  var failure: String?
  var checkpoints: [[CheckpointRecord]] = [[]]
  /// When everyone was told to stop.
  var dismissedAt: Double?
  var isDismissed: Bool { dismissedAt != nil }

  init(_ core: CoordinatorCore) { self.core = core }
}

/// A server, and its disk.
final class ServerNode {
  var core: ServerCore
  var clock: UInt64 = 0
  /// What is written, and whether it is synced. By path: versions of slots.
  private(set) var disk: [String: [Version]] = [:]
  var path: String?

  struct Version {
    var checkpoint: Int
    var snapshot: SlotSnapshot
    var isSynced = false
  }

  init(_ core: consuming ServerCore) { self.core = core }

  func write(_ snapshots: [SlotSnapshot], checkpoint: Int) {
    guard let path else { return }
    disk[path, default: []] += snapshots.map { Version(checkpoint: checkpoint, snapshot: $0) }
  }

  func sync() {
    guard let path else { return }
    for index in disk[path, default: []].indices { disk[path]![index].isSynced = true }
  }

  func synced(_ path: String, checkpoint: Int) -> [Version] {
    disk[path, default: []].filter { $0.isSynced && $0.checkpoint == checkpoint }
  }
}

/// A worker, and what its threads would do.
final class WorkerNode {
  var core: WorkerCore
  var servers: [Int] = []
  private var workplace: Workplace?
  private var reading: (order: ReadOrder, next: Int)?
  private var away = 0

  private struct Workplace {
    var view: UInt32
    var assignment: WorkerAssignment
    var assembler: StepAssembler
    var computation: SliceComputation
    var sums: NodeSums
  }

  init(_ core: WorkerCore) { self.core = core }

  func prepare(_ preparation: Preparation) throws -> Prepared {
    let data = try WorkerData(preparation)
    let assignment = preparation.assignment
    workplace = Workplace(
      view: preparation.view, assignment: assignment,
      assembler: StepAssembler(otherKeys: assignment.data.usesAdmission ? data.encoding.otherKeys : []),
      computation: SliceComputation(model: data.model, rows: 64, seed: assignment.seed, clip: assignment.clip),
      sums: NodeSums(assignment, shape: data.shape))
    reading = nil
    away = 0
    return Prepared(view: preparation.view, shape: data.shape, threads: 2, evaluationBlocks: data.evaluationBlocks)
  }

  func read(_ order: ReadOrder) { reading = (order, 0) }

  func recycle(_ work: StepWork) { if work.view == workplace?.view { away -= 1 } }

  /// Reads the next piece, if there is one and there is room for it.
  func readNext(_ world: World) -> StepWork? {
    guard let (order, next) = reading, var workplace, away < order.ahead else { return nil }
    let work = StepWork()
    switch order.data {
    case .train(let steps, let leases):
      let step = steps.lowerBound + UInt64(next)
      guard steps.contains(step) else { return nil }
      work.begin(
        .training(step: step), view: order.view, slices: workplace.assignment.ownedSlices, fields: world.index.fields)
      for (part, lease) in leases.enumerated() where lease.steps.contains(step) {
        work.parts[part].batch = world.batch(
          slice: lease.slice, epoch: lease.epoch, step: Int(step - lease.epochStart))
      }
    case .evaluate(let round):
      let blocks = workplace.assignment.ownedSlices.flatMap { slice in world.blocks[slice].map { (slice, $0) } }
      guard blocks.indices.contains(next) else { return nil }
      let (slice, block) = blocks[next]
      work.begin(
        .scoring(round: round, chunk: block.chunk, firstRow: block.firstRow), view: order.view, slices: [slice],
        fields: world.index.fields)
      work.parts[0].batch = block.batch
    }
    workplace.assembler.assemble(work)
    self.workplace = workplace
    reading = (order, next + 1)
    away += 1
    return work
  }

  func compute(_ work: StepWork, part: Int) -> WorkerCore.Event? {
    guard work.view == workplace?.view else { return nil }
    return workplace!.computation.perform(part: part, of: work, into: workplace!.sums)
  }
}
