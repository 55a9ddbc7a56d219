import Checkpoint
import Glibc
import Job
import Sharding
import Wire

/// Which workers are late, where a run is to speculate (`--speculate`).
///
/// A worker for which steps have waited most of the time of late, while others were done, is late: from the next view on others
/// compute its slices too, the first to come count, and nobody waits for it. It stays a member, and goes on as far as servers
/// still keep what it asks for. After a while it is tried again.
struct Speculation: Sendable {
  /// Of the time, waited for: above half, which two equals may reach in turns.
  static let share = 0.75
  /// What counts as of late: so many steps, but not less than so many seconds, since beats come twice a second.
  static let (steps, seconds): (Double, Seconds) = (3, 3)
  /// Who has said nothing for so long is taken for dead.
  static let silence: Seconds = 2
  /// How long a worker stays late: longer each time.
  static let (least, most): (Seconds, Seconds) = (30, 600)

  private struct Probation: Sendable {
    var until: Seconds
    var length: Seconds
  }

  /// By incarnation; those that are over too, to be longer next time.
  private var probations: [UInt64: Probation] = [:]
  /// Those that others stand in for.
  private(set) var late: Set<UInt64> = []
  /// By number: of the present view, those that nobody waits for.
  var covered: Set<Int> = []

  /// By incarnation, the share of the time, of late, that steps waited for it while others were done.
  private var waited: [UInt64: Double] = [:]
  /// Steps that all servers have applied, since when, and what a step uses to take.
  private var clock: UInt64 = 0
  private var movedAt: Seconds = 0
  private var usual: Seconds = 0
  private var heardAt: Seconds?

  /// A view begins.
  ///
  /// - Parameter workers: incarnations of all who are there; others are forgotten.
  mutating func enter(at clock: UInt64, _ time: Seconds, workers: Set<UInt64>) {
    (self.clock, movedAt, heardAt) = (clock, time, nil)
    late.formIntersection(workers)
    waited = waited.filter { workers.contains($0.key) }
    probations = probations.filter { workers.contains($0.key) }
  }

  /// Time that stood still for this process is nobody's lateness.
  mutating func excuse(_ lateness: Seconds) { (movedAt, heardAt) = (movedAt + lateness, nil) }

  /// Steps wait for something else.
  mutating func rest(at time: Seconds) { (movedAt, heardAt) = (time, nil) }

  /// - Parameters:
  ///   - clock: steps that all servers have applied, as they said last.
  ///   - waitedFor: incarnations of those alone whose slices are missing; of workers that are not late.
  /// - Returns: those that are late by now.
  mutating func hear(_ clock: UInt64, waitedFor: Set<UInt64>, at time: Seconds) -> Set<UInt64> {
    if clock > self.clock {
      let taken = (time - movedAt) / Double(clock - self.clock)
      usual += 0.2 * (taken - usual)
      (self.clock, movedAt) = (clock, time)
    }
    defer { heardAt = time }
    guard let heardAt else { return [] }
    let weight = 1 - exp(-(time - heardAt) / max(Self.seconds, Self.steps * usual))
    for incarnation in waitedFor.union(waited.keys) {
      let share = waited[incarnation, default: 0]
      waited[incarnation] = share + weight * ((waitedFor.contains(incarnation) ? 1 : 0) - share)
    }
    return waitedFor.filter { waited[$0]! >= Self.share }
  }

  mutating func note(late incarnation: UInt64, at time: Seconds) {
    let length = probations[incarnation].map { min(Self.most, 2 * $0.length) } ?? Self.least
    probations[incarnation] = Probation(until: time + length, length: length)
    waited[incarnation] = nil
    late.insert(incarnation)
  }

  /// Those that are to be tried again.
  mutating func release(at time: Seconds) -> Set<UInt64> {
    let over = late.filter { probations[$0].map { $0.until <= time } ?? true }
    late.subtract(over)
    return over
  }
}

extension CoordinatorCore {
  /// Begins a view in which others stand in for workers that are late, or no longer do.
  mutating func speculate(at time: Seconds) -> [Effect] {
    guard cluster.speculates, case .reigning(let view) = stance else { return [] }
    guard let program, case .training = program.phase, program.attempt == nil else {
      speculation.rest(at: time)
      return []
    }
    let servers = Set((view.slots?.groups ?? []).map(\.first)).compactMap { membership[.server($0)] }
    let clocks = servers.compactMap { $0.beatView == view.number ? $0.beat.clock : nil }
    guard let clock = clocks.min(), clocks.count == servers.count else { return [] }
    let last = servers.filter { $0.beat.clock == clock && $0.beat.activity.kind == .collecting }
    let missing = Set(last.flatMap(\.beat.activity.slices))
    let workers = view.members("worker").filter { !speculation.late.contains($0.incarnation) }
    let waitedFor = workers.filter { !missing.isDisjoint(with: $0.slices) }.map(\.incarnation)
    let isNobodyDone = waitedFor.count == workers.count { !$0.slices.isEmpty }
    let late = speculation.hear(clock, waitedFor: isNobodyDone ? [] : Set(waitedFor), at: time)
    if !late.isEmpty { return standIn(for: late.sorted().compactMap { membership[$0] }, at: time) }
    guard filling == nil else { return [] }
    let over = speculation.release(at: time).compactMap { membership[$0] }
    return over.isEmpty ? [] : reserve("\(names(of: over)) tried again")
  }

  private mutating func standIn(for late: [Place], at time: Seconds) -> [Effect] {
    let silent = late.filter { $0.session.silence(at: time) >= Speculation.silence }
    // What does not speak would not answer a proposal either.
    guard silent.isEmpty else {
      return silent.flatMap { place in
        lose(place, "\(place.name) is late, and has been silent for \(Int(Speculation.silence)) s", at: time)
      }
    }
    for place in late { speculation.note(late: place.incarnation, at: time) }
    return reserve("\(names(of: late)) late: others compute the same slices")
  }

  private func names(of places: [Place]) -> String {
    places.compactMap { $0.member.map { "\($0)" } }.joined(separator: ", ") + (places.count == 1 ? " is" : " are")
  }
}

/// Workers that are late and that nobody waits for: they get to work when they are ready, and are left out of what needs each of
/// its slices once.
extension RunProgram {
  /// Those whose work counts by itself.
  var workers: [Member] { members(.worker).filter { !late.contains($0) } }

  mutating func receive(_ report: WorkerReport, fromLate member: Member) -> [Effect] {
    switch report {
    case .adopted:
      ready.insert(member)
      guard case .training(let training) = phase else { return [] }
      return train(member, training)
    case .trained:
      ready.insert(member)
      return []
    default: return []
    }
  }

  /// Has a late worker go on where the others are by now.
  mutating func train(_ member: Member, _ training: TrainingPhase) -> [Effect] {
    guard let worker = view?.members("worker").first(where: { $0.number == member.number }),
      ready.remove(member) != nil
    else { return [] }
    return [training.order(to: worker, from: training.clock)]
  }
}

extension TrainingPhase {
  /// The order to train the rest of the epoch.
  func order(to worker: MemberRecord, from clock: UInt64) -> RunProgram.Effect {
    let leases = worker.slices.map {
      Lease(slice: $0, epoch: epoch, epochStart: steps.lowerBound, steps: clock..<steps.upperBound)
    }
    return .ask(.worker(worker.number), .order(Control(WorkerOrder.train(leases))))
  }
}
