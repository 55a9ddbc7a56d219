import Checkpoint
import ParamServer
import Sharding

/// The files of all servers, each its own, as a file system keeps them that everyone can read.
struct Disks {
  struct Version {
    var checkpoint: Int
    var snapshot: SlotSnapshot
    var isSynced = false
  }

  private var files: [String: [Version]] = [:]
  private(set) var lost: Set<String> = []

  mutating func open(_ path: String, committed: [Int]) {
    files[path, default: []].removeAll { !committed.contains($0.checkpoint) }
  }

  /// Drops versions that none of the checkpoints needs.
  mutating func prune(_ path: String, keeping kept: [Int]) {
    guard let versions = files[path], let last = kept.max() else { return }
    var needed: Set<[Int]> = []
    for checkpoint in kept {
      var newest: [[Int]: Int] = [:]
      for version in versions where version.checkpoint <= checkpoint {
        newest[[version.snapshot.table, version.snapshot.slot], default: 0].formMaximum(version.checkpoint)
      }
      for (place, number) in newest { needed.insert(place + [number]) }
    }
    files[path] = versions.filter { version in
      version.checkpoint >= last
        || needed.contains([version.snapshot.table, version.snapshot.slot, version.checkpoint])
    }
  }

  mutating func write(_ snapshots: [SlotSnapshot], checkpoint: Int, to path: String) {
    files[path, default: []] += snapshots.map { Version(checkpoint: checkpoint, snapshot: $0) }
  }

  mutating func sync(_ path: String) {
    for index in files[path, default: []].indices { files[path]![index].isSynced = true }
  }

  /// What was not synced is lost with the machine.
  ///
  /// - Returns: whether anything was.
  mutating func crash(_ path: String) -> Bool {
    let before = files[path]?.count
    files[path]?.removeAll { !$0.isSynced }
    return files[path]?.count != before
  }

  mutating func lose(_ path: String) {
    files[path] = nil
    lost.insert(path)
  }

  /// The newest version of each slot that counts, by table and slot; nil and a file that is gone.
  func newest(of checkpoints: [Int], in paths: [String]) -> (
    versions: [[Int]: (path: String, Version)], missing: String?
  ) {
    var newest: [[Int]: (path: String, Version)] = [:]
    let counted = Set(checkpoints)
    for path in paths {
      if lost.contains(path) { return ([:], path) }
      for version in files[path, default: []]
      where counted.contains(version.checkpoint) || Mutant.countUncommitted.isActive {
        let place = [version.snapshot.table, version.snapshot.slot]
        if version.checkpoint >= newest[place]?.1.checkpoint ?? -1 { newest[place] = (path, version) }
      }
    }
    return (newest, nil)
  }
}

/// A run's catalogue, as it survives coordinators.
struct SimulatedCatalogue {
  private(set) var term: UInt32 = 0
  private(set) var views: UInt32 = 0
  private(set) var checkpoints = 0
  private(set) var history = RunHistory()
  /// Stages whose data are dealt: surveys are not made again.
  private(set) var begun: Set<Int> = []
  private var processes: Set<[UInt64]> = []
  /// Views' stages, by number.
  private(set) var stages: [UInt32: Int] = [:]

  mutating func begin(_ undertaking: Undertaking) { if case .train(let stage) = undertaking { begun.insert(stage) } }

  mutating func beginTerm() -> UInt32 {
    term += 1
    return term
  }

  /// Whether a coordinator may still write.
  func admits(_ term: UInt32) -> Bool { term == self.term || Mutant.forgetTerm.isActive }

  mutating func reserveView() -> UInt32 {
    views += 1
    return views
  }

  mutating func reserveCheckpoint() -> Int {
    checkpoints += 1
    return checkpoints
  }

  /// - Throws: `Violation`.
  mutating func record(_ view: ViewRecord, start: UInt64) throws {
    if let last = history.lastView {
      guard view.number > last.number else { throw Violation("view \(view.number) is recorded after \(last.number)") }
    }
    let recorded = history.lastCheckpoint(ofStage: view.stage)?.step ?? start
    if view.isRewound, view.slots != nil {
      guard view.clock == recorded else {
        throw Violation("view \(view.number) goes back to step \(view.clock), not to the last checkpoint's \(recorded)")
      }
    } else if view.slots != nil {
      guard view.clock >= recorded else {
        throw Violation("view \(view.number) goes on at step \(view.clock), behind the recorded \(recorded)")
      }
    }
    history.lastView = view
    stages[view.number] = view.stage
    for member in view.members("server")
    where processes.insert([UInt64(member.number), member.incarnation]).inserted {
      history.incarnations[member.number, default: 0] += 1
    }
  }

  /// - Throws: `Violation`.
  mutating func commit(_ epoch: EpochRecord?, _ checkpoint: CheckpointRecord) throws {
    if let last = history.checkpoints.last, checkpoint.number <= last.number {
      throw Violation("checkpoint \(checkpoint.number) is committed after \(last.number)")
    }
    if let last = history.lastCheckpoint(ofStage: checkpoint.stage), checkpoint.step <= last.step {
      throw Violation("checkpoint \(checkpoint.number) of step \(checkpoint.step) follows one of step \(last.step)")
    }
    if var epoch {
      epoch.checkpoint = checkpoint.number
      let count = history.epochs(ofStage: epoch.stage).count
      guard epoch.epoch == count + 1 else { throw Violation("epoch \(epoch.epoch) is recorded after \(count)") }
      history.epochs.append(epoch)
    }
    history.checkpoints.append(checkpoint)
  }
}

extension Int {
  fileprivate mutating func formMaximum(_ other: Int) { self = Swift.max(self, other) }
}
