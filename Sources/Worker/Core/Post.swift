import DeepFM
import Job
import Sharding
import Wire

/// Where a worker stands in one view: what it was assigned, prepared for.
struct Post {
  let view: UInt32
  let ownedSlices: [Int]
  let readers: Int
  let lag: Int
  let prepared: Prepared
  let homes: FirstHomes
  let blocks: DenseBlocks
  /// That a worker pushes each step.
  let nodes: Int

  init(_ assignment: WorkerAssignment, _ prepared: Prepared) {
    view = prepared.view
    ownedSlices = assignment.ownedSlices
    readers = assignment.readers
    lag = assignment.lag
    self.prepared = prepared
    homes = FirstHomes(assignment.slots)
    blocks = DenseBlocks(count: prepared.shape.denseCount, homes: homes)
    nodes = SliceNode.cover(of: assignment.ownedSlices, among: assignment.slices).count
  }

  /// The clock of the parameters that a step is computed from.
  func clock(readBy step: UInt64) -> UInt64 { step - min(step, UInt64(lag)) }

  /// Asks for the rows of the step's ranks, as they are at a clock.
  func pullRows(
    of work: StepWork, clock: UInt64, _ purpose: Pull.Purpose, from servers: inout ServerSessions, at time: Seconds
  ) -> [WorkerCore.Effect] {
    work.sparse.ask(
      for: work.ranks, shares: homes.shares(of: work.ranks), at: homes, width: prepared.shape.width,
      Pull(group: 0, table: ParameterTables.sparse, clock: clock, purpose: purpose, ranks: Frame(count: 0)),
      of: &servers, time: time)
  }

  /// Asks for the dense parameters.
  func pullBlocks(
    into pull: inout TablePull, clock: UInt64, _ purpose: Pull.Purpose, from servers: inout ServerSessions,
    at time: Seconds
  ) -> [WorkerCore.Effect] {
    pull.ask(
      for: blocks.ranks, shares: blocks.shares, at: homes, width: DenseLayout.blockSize,
      Pull(group: 0, table: ParameterTables.dense, clock: clock, purpose: purpose, ranks: Frame(count: 0)),
      of: &servers, time: time)
  }
}

/// What is to be read, in which order.
package struct ReadOrder: Sendable {
  package enum Data: Sendable {
    /// The steps, each with the rows of all of the worker's slices that are leased for it.
    ///
    /// - Parameter leases: in the order of the slices.
    case train(steps: Range<UInt64>, leases: [Lease])
    /// All blocks of the evaluation data.
    case evaluate(round: Int)
  }

  package var view: UInt32
  package var data: Data
  /// Pieces of work that may be away from the reader at once: it reads on when one comes back.
  package var ahead: Int

  package init(view: UInt32, data: Data, ahead: Int) {
    self.view = view
    self.data = data
    self.ahead = ahead
  }
}
