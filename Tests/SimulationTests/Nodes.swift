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
  /// A server's part is on the disk.
  case finish(PartHeader)
  case worker(WorkerCore.Event)
  /// A part of a step or a block is to be computed.
  case compute(StepWork, part: Int)
  case readNext
  /// A process is started, as an incarnation that never was.
  case start
  /// The process dies.
  case crash
}

/// A coordinator's process.
final class CoordinatorNode {
  var core: CoordinatorCore
  let term: UInt32
  /// Which of the world's undertakings it is at.
  var undertaking: Int
  /// When everyone was told to stop.
  var dismissedAt: Double?

  init(_ core: CoordinatorCore, term: UInt32, undertaking: Int) {
    self.core = core
    self.term = term
    self.undertaking = undertaking
  }
}

/// A server's process.
final class ServerNode {
  var core: ServerCore
  /// Where it writes.
  var folder: String?
  /// By number, the nodes of other servers.
  var peers: [Int: Int] = [:]

  init(_ core: consuming ServerCore) { self.core = core }
}

/// A worker's process, and what its threads would do.
final class WorkerNode {
  var core: WorkerCore
  /// By number, the nodes of the servers.
  var servers: [Int: Int] = [:]
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
    guard let (order, next) = reading, var workplace, workplace.view == order.view, away < order.ahead else {
      return nil
    }
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
