import Checkpoint
import ParamServer
import Sharding

/// The directories of all servers, each its own, as a file system keeps them that everyone can read.
struct Disks {
  struct File {
    var sum: PartSum
    var snapshots: [SlotSnapshot] = []
    var isSynced = false
  }

  /// By path.
  private var files: [String: File] = [:]
  /// Directories that are gone.
  private(set) var lost: Set<String> = []

  private static func path(_ folder: String, _ header: PartHeader) -> String { "\(folder)/\(header.name)" }

  mutating func open(_ folder: String, kept: [Int]) {
    files = files.filter { !$0.key.hasPrefix(folder + "/") || kept.contains($0.value.sum.header.checkpoint) }
  }

  mutating func remove(_ paths: [String]) { for path in paths { files[path] = nil } }

  mutating func write(_ snapshots: [SlotSnapshot], _ header: PartHeader, in folder: String) {
    let path = Self.path(folder, header)
    var file = files[path] ?? File(sum: PartSum(header))
    if file.sum.header != header { file = File(sum: PartSum(header)) }
    for snapshot in snapshots { file.sum.add(snapshot) }
    file.snapshots += snapshots
    files[path] = file
  }

  /// What is finished is so when it is said: a crash in between loses it.
  mutating func finish(_ header: PartHeader, in folder: String) -> CheckpointPart {
    write([], header, in: folder)
    let path = Self.path(folder, header)
    files[path]!.isSynced = true
    return files[path]!.sum.part(at: path)
  }

  mutating func abandon(_ header: PartHeader, in folder: String) {
    let path = Self.path(folder, header)
    if files[path]?.sum.header == header, files[path]?.isSynced == false { files[path] = nil }
  }

  /// What was not synced is lost with the machine.
  ///
  /// - Returns: whether anything was.
  mutating func crash(_ folder: String) -> Bool {
    let before = files.count
    files = files.filter { !$0.key.hasPrefix(folder + "/") || $0.value.isSynced }
    return files.count != before
  }

  mutating func lose(_ folder: String) {
    files = files.filter { !$0.key.hasPrefix(folder + "/") }
    lost.insert(folder)
  }

  /// A checkpoint's slots, by table and slot, and the file that spoke of each last.
  ///
  /// - Returns: or the first file that is gone with its disk.
  /// - Throws: `Violation` for a file that is not what the catalogue says.
  func read(
    _ chain: [CheckpointFiles]
  ) throws -> (slots: [[Int]: (path: String, snapshot: SlotSnapshot)], missing: String?) {
    var slots: [[Int]: (path: String, snapshot: SlotSnapshot)] = [:]
    for part in chain.flatMap(\.parts) {
      guard let file = files[part.path] else {
        guard lost.contains(where: { part.path.hasPrefix($0 + "/") }) else {
          throw Violation("\(part.path) is read, and is not there")
        }
        return ([:], part.path)
      }
      guard file.isSynced else { throw Violation("\(part.path) counts, and is not synced") }
      guard file.sum.part(at: part.path) == part else { throw Violation("\(part.path) is not what the catalogue says") }
      for snapshot in file.snapshots {
        let place = [snapshot.table, snapshot.slot]
        slots[place] = (part.path, try slots[place].map { try snapshot.laid(over: $0.snapshot) } ?? snapshot)
      }
    }
    return (slots, nil)
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
    if view.isRewound { history.epochs.removeAll { $0.stage == view.stage && $0.clock > view.clock } }
    stages[view.number] = view.stage
    for member in view.members("server")
    where processes.insert([UInt64(member.number), member.incarnation]).inserted {
      history.incarnations[member.number, default: 0] += 1
    }
  }

  /// - Throws: `Violation`.
  mutating func record(_ epoch: EpochRecord) throws {
    let count = history.epochs(ofStage: epoch.stage).count
    guard epoch.epoch == count + 1 else { throw Violation("epoch \(epoch.epoch) is recorded after \(count)") }
    history.epochs.append(epoch)
  }

  /// - Parameter epochSteps: of an epoch.
  /// - Throws: `Violation`.
  mutating func commit(_ checkpoint: CheckpointRecord, epochSteps: UInt64) throws {
    if let last = history.checkpoints.last, checkpoint.number <= last.number {
      throw Violation("checkpoint \(checkpoint.number) is committed after \(last.number)")
    }
    if let last = history.lastCheckpoint(ofStage: checkpoint.stage), checkpoint.step <= last.step {
      throw Violation("checkpoint \(checkpoint.number) of step \(checkpoint.step) follows one of step \(last.step)")
    }
    let ended = history.epochs(ofStage: checkpoint.stage).last?.clock ?? 0
    guard checkpoint.step < ended + epochSteps else {
      throw Violation("checkpoint \(checkpoint.number) of step \(checkpoint.step) counts before an epoch that it ends")
    }
    for index in history.epochs.indices
    where history.epochs[index].stage == checkpoint.stage && history.epochs[index].clock == checkpoint.step {
      history.epochs[index].checkpoint = checkpoint.number
    }
    history.checkpoints.append(checkpoint)
  }
}
