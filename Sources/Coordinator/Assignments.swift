import Checkpoint
import Job
import Sharding
import Wire

/// What each member of a view is to be, as the order that tells it.
struct Assignments {
  let view: ViewRecord
  let model: ModelPlan
  let settings: Settings
  /// The committed checkpoints of the run, ascending, and the last of this stage.
  let committed: [CheckpointRecord]
  let stage: Int

  private func seats(_ role: String) -> [Seat] {
    view.members(role).map { Seat(number: $0.number, incarnation: $0.incarnation, endpoint: $0.endpoint) }
  }

  private var start: ServerAssignment.Start {
    guard view.isRewound else { return .held }
    if let last = committed.last(where: { $0.stage == stage }) {
      return .restored(
        .init(
          checkpoints: committed.filter { $0.stage == stage }.map(\.number), databases: last.shards,
          totals: last.totals))
    }
    return model.start.restore.map { .restored($0) } ?? .fresh
  }

  func server(_ number: Int, database: String?) -> ServerOrder {
    .adopt(
      ServerAssignment(
        server: number, slots: view.slots ?? SlotMap(servers: 1), servers: seats("server"), workers: seats("worker"),
        tables: model.tables, slices: settings.optimization.slices, seed: settings.optimization.seed,
        epochs: EpochClock(start: model.start.clock, steps: model.data.epochSteps),
        database: database, start: start, clock: view.clock,
        committed: committed.map(\.number)))
  }

  func worker(_ number: Int, slices: [Int]) -> WorkerOrder {
    .adopt(
      WorkerAssignment(
        worker: number, servers: seats("server"), slots: view.slots ?? SlotMap(servers: 1), model: model.model,
        batch: settings.optimization.batch, slices: settings.optimization.slices, ownedSlices: slices,
        seed: settings.optimization.seed, threads: settings.cluster.threads,
        readers: settings.data.syncReading ? 0 : settings.data.readers, clip: settings.optimization.clip,
        staleness: settings.cluster.staleness, data: model.data.articles(forSlices: slices)))
  }
}
