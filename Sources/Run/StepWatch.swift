import Checkpoint
import Coordinator
import Features
import Foundation
import Job
import Synchronization

/// Follows a run that other processes train: how many steps are done. It looks twice a second at most, since members say no
/// more often where they are.
final class StepWatch: Sendable {
  struct Position: Hashable, Sendable {
    /// Of the run, all stages.
    var step: Int
    /// Of the run, as far as it is known.
    var steps: Int
    var epoch: Int
    /// Steps of the run that the last checkpoint knows.
    var recorded: Int
    var seen: ContinuousClock.Instant
  }

  private let found: Found
  private let thread: Mutex<NamedThread?>

  /// What the thread finds, and whether it is to go on.
  private final class Found: Sendable {
    let position = Mutex<Position?>(nil)
    let isStopped = Atomic(false)

    var isOver: Bool { isStopped.load(ordering: .relaxed) }
  }

  init(_ settings: Settings, at endpoint: String, directory: RunDirectory) {
    let found = Found()
    self.found = found
    thread = Mutex(
      NamedThread("steps") { Self.follow(settings, at: endpoint, directory: directory, found) })
  }

  deinit { stop() }

  func stop() {
    found.isStopped.store(true, ordering: .relaxed)
    thread.withLock {
      $0?.join()
      $0 = nil
    }
  }

  var last: Position? { found.position.withLock { $0 } }

  private static func follow(_ settings: Settings, at endpoint: String, directory: RunDirectory, _ found: Found) {
    let stages = settings.model.model.definition.pretraining == nil ? 1 : 2
    var catalogue: Catalogue?
    var stepsInEpoch: Int?
    while !found.isOver {
      usleep(100_000)
      // The coordinator may be dead, or stopped.
      guard let call = try? CoordinatorCall(endpoint, patience: 1, caller: Caller { found.isOver }),
        let lines = try? call.status(), let step = step(lines)
      else { continue }
      catalogue = catalogue ?? (try? Catalogue.open(at: directory.catalogue))
      guard let catalogue else { continue }
      stepsInEpoch = stepsInEpoch ?? self.stepsInEpoch(catalogue, settings)
      guard let epochSteps = stepsInEpoch else { continue }
      let inStage = epochSteps * settings.optimization.epochs
      let stage = stages == 1 ? 0 : ((try? catalogue.stages()) ?? 1) - 1
      let recorded = (try? catalogue.lastCheckpointedStep()) ?? nil
      let position = Position(
        step: stage * inStage + step, steps: stages * inStage, epoch: 1 + step / epochSteps,
        recorded: recorded.map { $0.stage * inStage + Int($0.step) } ?? 0, seen: .now)
      found.position.withLock { $0 = position }
    }
  }

  /// The latest step that `deepfm status` speaks of: "worker-0: computing slices 1, 2 of step 17".
  static func step(_ lines: [String]) -> Int? {
    lines.compactMap { line in
      guard let place = line.range(of: " of step ") else { return nil }
      return Int(line[place.upperBound...].prefix { $0.isNumber })
    }.max()
  }

  private static func stepsInEpoch(_ catalogue: Catalogue, _ settings: Settings) -> Int? {
    guard let records = try? catalogue.partitions(ofStage: 0), !records.isEmpty else { return nil }
    let partitions = records.filter { $0.purpose == "train" }.compactMap {
      try? Partition(decoding: Array($0.article))
    }
    return max(1, partitions.stepsPerEpoch(sliceRows: settings.optimization.sliceRows))
  }
}
