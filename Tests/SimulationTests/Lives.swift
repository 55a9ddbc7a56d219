import DeepFM
import Features
import Foundation
import Sharding
import Synchronization
import Wire

/// What many lives came to.
struct Summary: Sendable {
  var violations: [(seed: UInt64, text: String)] = []
  var faults: [Faults.Kind: Int] = [:]
  var refusals: [String: Int] = [:]
  /// In which phases processes died, and what views came to.
  var phases: [String: Int] = [:]
  /// Who died in training.
  var roles: [String: Int] = [:]
  var counts: [String: Int] = [:]
  var lives = 0
  var events = 0
  var rowsChecked = 0
  /// Milliseconds of a thread's processor time, by life.
  var milliseconds: [(seed: UInt64, time: Double)] = []

  /// Those that a life without crashes can meet with.
  static let refusals = [
    "otherRun", "staleView", "notYet", "notOwner", "malformed", "unknownMember", "gone", "full", "otherVersion",
  ]

  /// In which somebody must have been killed: while a view changes, while all go back and while homes are filled among them.
  static let phases = [
    "gathering", "proposing", "surveying", "adopting", "rewinding", "filling", "training", "ending", "evaluating",
    "checkpointing", "closing", "digesting", "handing over", "releasing",
  ]

  static func name(of refusal: Refusal) -> String {
    switch refusal {
    case .otherRun: "otherRun"
    case .staleView: "staleView"
    case .notYet: "notYet"
    case .notOwner: "notOwner"
    case .malformed: "malformed"
    case .unknownMember: "unknownMember"
    case .gone: "gone"
    case .full: "full"
    case .otherVersion: "otherVersion"
    }
  }

  private static func list(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }

  mutating func add(_ other: Summary) {
    violations += other.violations
    faults.merge(other.faults, uniquingKeysWith: +)
    refusals.merge(other.refusals, uniquingKeysWith: +)
    phases.merge(other.phases, uniquingKeysWith: +)
    roles.merge(other.roles, uniquingKeysWith: +)
    counts.merge(other.counts, uniquingKeysWith: +)
    lives += other.lives
    events += other.events
    rowsChecked += other.rowsChecked
    milliseconds += other.milliseconds
  }

  var text: String {
    let sorted = milliseconds.sorted { $0.time < $1.time }
    let median = sorted.isEmpty ? 0 : sorted[sorted.count / 2].time
    return """
      \(lives) lives, \(violations.count) violations; \(events) events, \(rowsChecked) rows held against the reference, \
      \(String(format: "%.1f", median)) ms of a core a life at the median, \(String(format: "%.0f", sorted.last?.time ?? 0)) at most (seed \(sorted.last?.seed ?? 0))
      faults: \(faults.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
      refusals: \(Self.list(refusals))
      killed in: \(Self.list(phases)); of these in training: \(Self.list(roles))
      \(Self.list(counts))
      """
  }
}

enum Lives {
  /// Lives the seeds 1 to `count` on all cores.
  ///
  /// - Parameter isEnough: asked after each life; true ends the lot.
  static func run(_ count: Int, isEnough: @escaping @Sendable (Summary) -> Bool = { _ in false }) throws -> Summary {
    BLASThreads.set(1)
    let next = Atomic<UInt64>(1)
    let total = Mutex(Summary())
    // The reference is that of the rules as they are.
    #if MUTANTS
      let mutant = Mutant.active
      Mutant.active = nil
    #endif
    let prepared = try (0..<ProcessInfo.processInfo.activeProcessorCount).map { _ in WorldBox(try Worlds.make()) }
    #if MUTANTS
      Mutant.active = mutant
    #endif
    let threads = (0..<ProcessInfo.processInfo.activeProcessorCount).map { number in
      NamedThread("lives-\(number)") {
        let worlds = prepared[number].worlds
        while true {
          let seed = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard seed <= UInt64(count), !total.withLock({ isEnough($0) }) else { return }
          let summary = live(seed, worlds)
          total.withLock { total in
            total.add(summary)
            for (seed, violation) in summary.violations { print("seed \(seed): \(violation)") }
            // For whoever waits an hour.
            if total.lives % 2500 == 0, count > 2500 {
              print("\(total.lives) of \(count) lives, \(total.violations.count) violations")
              fflush(nil)
            }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    return total.withLock { $0 }
  }

  private static func live(_ seed: UInt64, _ worlds: [World]) -> Summary {
    let options = Options(seed: seed, scenarios: worlds.count)
    let life = Life(options, worlds[options.scenario])
    var summary = Summary()
    let began = processorTime()
    do {
      try life.live()
    } catch {
      summary.violations.append((seed, "\(error)"))
    }
    summary.milliseconds = [(seed, (processorTime() - began) * 1000)]
    summary.lives = 1
    summary.events = life.events
    summary.rowsChecked = life.rowsChecked
    summary.refusals = life.refusals
    summary.phases = life.phases
    summary.roles = life.roles
    summary.counts = life.counts
    for fault in life.faults.happened { summary.faults[fault.kind, default: 0] += 1 }
    return summary
  }

  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

/// Worlds on their way to the one thread that lives in them.
///
/// `@unchecked Sendable`: made by one thread, then used by another alone.
private final class WorldBox: @unchecked Sendable {
  let worlds: [World]
  init(_ worlds: [World]) { self.worlds = worlds }
}
