import Checkpoint
import Job
import Sharding
import Wire

/// What each member of a view is to be, as the order that tells it.
struct Assignments {
  let view: ViewRecord
  /// The run's number.
  let run: UInt64
  let model: ModelPlan
  let settings: Settings
  /// Of the run, ascending.
  let checkpoints: [CheckpointRecord]
  let stage: Int

  private func seats(_ role: String) -> [Seat] {
    view.members(role).map { Seat(number: $0.number, incarnation: $0.incarnation, endpoint: $0.endpoint) }
  }

  private var start: ServerAssignment.Start {
    guard view.isRewound else { return .held }
    if let last = checkpoints.last(where: { $0.stage == stage }) {
      return .restored(.init(run: run, chain: checkpoints.chain(of: last).map(\.files), totals: last.totals))
    }
    return model.start.restore.map { .restored($0) } ?? .fresh
  }

  func server(_ number: Int, folder: String?) -> ServerOrder {
    .adopt(
      ServerAssignment(
        server: number, slots: view.slots ?? SlotMap(servers: 1), servers: seats("server"), workers: seats("worker"),
        tables: model.tables, slices: settings.optimization.slices, seed: settings.optimization.seed,
        epochs: EpochClock(start: model.start.clock, steps: model.data.epochSteps),
        folder: folder, start: start, clock: view.clock, kept: checkpoints.needed.sorted()))
  }

  func worker(_ number: Int, slices: [Int]) -> WorkerOrder {
    .adopt(
      WorkerAssignment(
        worker: number, servers: seats("server"), slots: view.slots ?? SlotMap(servers: 1), model: model.model,
        batch: settings.optimization.batch, slices: settings.optimization.slices, ownedSlices: slices,
        seed: settings.optimization.seed, threads: settings.cluster.threads,
        readers: settings.data.syncReading ? 0 : settings.data.readers, clip: settings.optimization.clip,
        staleness: settings.cluster.staleness,
        countsClicks: model.tables[ParameterTables.sparse].eviction?.countsClicks ?? false,
        data: model.data.articles(forSlices: slices)))
  }
}
