import Checkpoint
import Sharding
import Wire

@testable import Coordinator
@testable import ParamServer

/// What must hold whenever something is recorded.
extension Life {
  /// For the violation's text.
  var standing: String {
    let core = coordinators[0]?.core
    return "coordinator at \(core?.phaseName ?? "nothing"), \(core?.openQuestions ?? 0) open questions"
      + (core?.program?.attempt.map {
        ", a checkpoint at \($0.clock) \($0.isHeld ? "held" : "due"), waits for \($0.waiting)"
      } ?? "")
      + ", clocks \(servers.map { $0?.core.clock.map { "\($0)" } ?? "-" }.joined(separator: " "))"
  }

  /// Why a view began, and how far it goes back.
  func check(_ view: ViewRecord) throws {
    counts["views", default: 0] += 1
    if view.reason.hasSuffix("others compute the same slices") { counts["stood in", default: 0] += 1 }
    if options.isMild, view.reason.hasPrefix("nothing moved") || view.reason.contains("is gone") {
      throw Violation("view \(view.number) began since \(view.reason), where messages were only lost: \(standing)")
    }
    guard view.slots != nil else { return }
    if view.stage != catalogue.history.lastView?.stage { highest = 0 }
    if view.isRewound {
      let recorded = catalogue.history.checkpoints.last { $0.stage == view.stage }?.step ?? 0
      guard view.clock == recorded else {
        throw Violation(
          "view \(view.number) goes back to step \(view.clock), not to the last checkpoint at \(recorded)")
      }
      if catalogue.history.lastView?.stage == view.stage, catalogue.history.lastView?.slots != nil {
        counts["rewinds", default: 0] += 1
        counts["steps done again", default: 0] += Int(highest - min(highest, view.clock))
      }
    } else {
      let depth = world.apart
      guard view.clock + depth >= highest else {
        throw Violation("view \(view.number) goes back from step \(highest) to \(view.clock), more than \(depth)")
      }
      if view.slots != catalogue.history.lastView?.slots { counts["moves", default: 0] += 1 }
    }
    highest = view.clock
  }

  /// An epoch that is recorded has ended everywhere: at all homes, whatever their role, that stand in the view.
  func checkSettled(_ clock: UInt64) throws {
    for node in serverNodes {
      guard let server = server(node), server.core.view == catalogue.history.lastView?.number,
        server.core.promised == server.core.view,
        let least = server.core.shard?.holdings.values.map(\.clock).min(), least < clock
      else { continue }
      throw Violation("an epoch that ends at step \(clock) is recorded, where server \(node) has come to \(least)")
    }
  }

  /// A checkpoint counts: all of it, and of the earlier ones that are kept, must be on the disks.
  func check(_ record: CheckpointRecord) throws {
    counts["checkpoints", default: 0] += 1
    for kept in catalogue.history.checkpoints
    where kept.stage == record.stage && record.kept.contains(kept.number) {
      try checkDisks(kept)
    }
  }

  /// All of a checkpoint must be on the disks, synced, with the reference's bits.
  private func checkDisks(_ record: CheckpointRecord) throws {
    guard let reference = world.reference else { return }
    let (found, missing) = try disks.read(catalogue.history.checkpoints.chain(of: record).map(\.files))
    if missing != nil { return }
    for table in 0..<2 {
      let key = Reference.Key(stage: record.stage, table: table, clock: record.step, isScoring: false)
      guard let state = reference.state(key) else {
        throw Violation("checkpoint \(record.number) is of step \(record.step), which there never is")
      }
      let ranks = world.ranks(ofTable: table, stage: record.stage)
      let width = state.count / ranks.count
      var held: Set<UInt64> = []
      for (place, (_, snapshot)) in found where place[0] == table {
        var difference: String?
        snapshot.forEachRow { rank, row in
          held.insert(rank)
          let known = ranks.position(ofFirstAtLeast: rank)
          for column in 0..<width where !world.isSame(row[column], as: state[known * width + column]) {
            difference = "rank \(rank): \(row[column]), not \(state[known * width + column])"
          }
        }
        if let difference {
          throw Violation("checkpoint \(record.number) of step \(record.step) has other bits at \(difference)")
        }
      }
      // What has no row must be as it starts.
      guard let first = reference.state(.init(stage: record.stage, table: table, clock: 0, isScoring: false)) else {
        continue
      }
      for (known, rank) in ranks.enumerated() where !held.contains(rank) {
        let span = known * width..<(known + 1) * width
        guard span.allSatisfy({ world.isSame(state[$0], as: first[$0]) || state[$0].isNaN && first[$0].isNaN })
        else { throw Violation("checkpoint \(record.number) lacks rank \(rank) of table \(table)") }
      }
    }
  }
}
