import DeepFM
import Job
import Sharding
import Wire

/// Where a worker stands in one view: what it was assigned, prepared for.
struct Post {
  let view: UInt32
  let ownedSlices: [Int]
  let readers: Int
  /// By table, steps that a pull may be behind; nil: any number.
  private let staleness: [Int?]
  /// Of the tables that have a bound; nil: none has.
  private let bound: Int?
  let prepared: Prepared
  let homes: FirstHomes
  let blocks: DenseBlocks

  init(_ assignment: WorkerAssignment, _ prepared: Prepared) {
    view = prepared.view
    ownedSlices = assignment.ownedSlices
    readers = assignment.readers
    staleness = assignment.staleness
    bound = staleness.compactMap { $0 }.max()
    self.prepared = prepared
    homes = FirstHomes(assignment.slots)
    blocks = DenseBlocks(count: prepared.shape.denseCount, homes: homes)
  }

  /// Steps whose rows are asked for beside the one that computes and the next: what hides the network where steps need not
  /// wait for each other.
  var ahead: Int { bound ?? Self.asyncAhead }
  private static let asyncAhead = 1

  /// Steps whose pushes to async tables may be unanswered when another begins. Beside tables with a bound they are as far
  /// apart as these: a view that begins meanwhile goes on from the least clock of both.
  var unanswered: Int { bound ?? Self.asyncUnanswered }
  private static let asyncUnanswered = 4

  func isAsync(_ table: Int) -> Bool { staleness[table] == nil }

  /// The clock of the parameters of a table that a step is computed from; of an async one the step itself, for any will do.
  func clock(_ table: Int, readBy step: UInt64) -> UInt64 { step - min(step, UInt64(staleness[table] ?? 0)) }

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
