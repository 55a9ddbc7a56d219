import Coordinator
import Foundation
import Job

/// One run that is disturbed: strikes when the script says so, heals what heals, and notes when training goes on.
struct Disturbance {
  private let cluster: ChaosCluster
  private let watch: StepWatch
  private var faults: ArraySlice<ChaosScript.Fault>
  private let timeout: Double
  /// Steps that members may still do after they have lost one who is needed, and one more.
  private let margin: Int
  private let caller: Caller
  private var report: ChaosReport
  private let start = ContinuousClock.now
  /// The last fault, while training has not gone on.
  private var open: Open?
  /// Who is stopped or cut off, and until when.
  private var ailing: [(name: String, how: ChaosOptions.How, until: ContinuousClock.Instant)] = []
  private var isCoordinatorStruck = false
  private var lastStruck = ContinuousClock.now

  private struct Open {
    let at: ContinuousClock.Instant
    /// The least step that was seen since.
    var least: Int?
  }

  /// Members say twice a second where they are: what is seen sooner after a fault may be of before.
  private static let beats = 0.7

  init(
    _ cluster: ChaosCluster, _ watch: StepWatch, _ script: ChaosScript, _ settings: ClusterSettings, _ caller: Caller,
    _ report: ChaosReport
  ) {
    self.cluster = cluster
    self.watch = watch
    faults = script.faults[...]
    timeout = settings.timeout
    margin = 3 + 2 * settings.lag
    self.caller = caller
    self.report = report
  }

  private func seconds(since instant: ContinuousClock.Instant) -> Double {
    (ContinuousClock.now - instant) / .seconds(1)
  }

  mutating func run() throws -> ChaosReport {
    caller.observer.say("disturbed, \(faults.count) faults to come:")
    while try look() {
      usleep(20_000)
      try caller.check()
    }
    report.parameterDigest = try cluster.digest()
    report.seconds = seconds(since: start)
    return report
  }

  /// - Returns: whether the run is under way.
  private mutating func look() throws -> Bool {
    if try !lookAfterCoordinator() { return false }
    try cluster.lookAfterMembers()
    heal()
    if let position = watch.last { try follow(position) }
    return true
  }

  private mutating func lookAfterCoordinator() throws -> Bool {
    guard !cluster.coordinator.isRunning else { return true }
    if cluster.coordinator.isDone { return false }
    guard isCoordinatorStruck else {
      throw RunFailure.failed("the run ended: \(cluster.coordinator.ending)")
    }
    isCoordinatorStruck = false
    try cluster.resume()
    return true
  }

  private mutating func heal() {
    let cluster = cluster
    ailing.removeAll { ailment in
      guard ailment.until <= .now else { return false }
      switch ailment.how {
      case .kill: break
      case .stop: if let process = cluster.processIdentifier(of: ailment.name) { kill(process, SIGCONT) }
      case .cut: cluster.mend(ailment.name)
      }
      return true
    }
  }

  private mutating func follow(_ position: StepWatch.Position) throws {
    note(position)
    if open != nil, ailing.isEmpty, seconds(since: lastStruck) > 60 + 10 * timeout {
      let last = report.events.last.map { "\($0.how.rawValue) of \($0.name)" } ?? ""
      throw RunFailure.failed(
        "training has not gone on for \(Int(seconds(since: lastStruck))) s after the \(last). See the logs in "
          + "\(report.directory).")
    }
    guard let fault = faults.first else { return }
    if let haste = fault.haste, open != nil {
      guard seconds(since: lastStruck) >= haste else { return }
    } else {
      // Only while steps are done, and once it has borne what was before.
      guard open == nil, ailing.isEmpty, seconds(since: position.seen) < 1,
        Double(position.step) >= fault.share * Double(position.steps), position.step + 1 < position.steps
      else { return }
    }
    if strike(fault, at: position) { faults.removeFirst() }
  }

  /// Notes that training has gone on, if it has.
  private mutating func note(_ position: StepWatch.Position) {
    guard var fault = open, (position.seen - fault.at) / .seconds(1) >= Self.beats else { return }
    let least = min(fault.least ?? position.step, position.step)
    fault.least = least
    open = fault
    guard position.step >= least + margin else { return }
    open = nil
    let last = report.events.count - 1
    let recovered = (position.seen - fault.at) / .seconds(1)
    let again = max(0, report.events[last].step - least)
    report.events[last].recovered = recovered
    report.events[last].stepsAgain = again
    caller.observer.say(
      "    went on after \(Self.tenths(recovered)) s" + (again > 0 ? ", \(again) steps are done again" : ""))
  }

  /// - Returns: whether there was somebody to strike.
  private mutating func strike(_ fault: ChaosScript.Fault, at position: StepWatch.Position) -> Bool {
    let sound = cluster.names(fault.role).filter { name in
      cluster.processIdentifier(of: name) != nil && !ailing.contains { $0.name == name }
    }
    guard !sound.isEmpty else { return false }
    let name = sound[Int(fault.pick * Double(sound.count))]
    guard let process = cluster.processIdentifier(of: name) else { return false }
    let duration = fault.how == .kill ? nil : max(0.5, fault.duration * timeout)
    report.events.append(
      .init(
        time: seconds(since: start), epoch: position.epoch, step: position.step, recorded: position.recorded,
        name: name,
        how: fault.how, duration: duration, isInRecovery: open != nil))
    caller.observer.say(Self.line(report.events[report.events.count - 1]))
    switch fault.how {
    case .kill:
      if name == "coordinator" { isCoordinatorStruck = true }
      kill(process, SIGKILL)
    case .stop: kill(process, SIGSTOP)
    case .cut: cluster.cut(name)
    }
    if let duration { ailing.append((name, fault.how, .now + .seconds(duration))) }
    lastStruck = .now
    open = Open(at: lastStruck)
    return true
  }

  private static func tenths(_ number: Double) -> String { String(format: "%.1f", number) }

  private static func line(_ event: ChaosReport.Event) -> String {
    let what =
      switch event.how {
      case .kill: "killed"
      case .stop: "stopped for \(tenths(event.duration ?? 0)) s"
      case .cut: "cut off for \(tenths(event.duration ?? 0)) s"
      }
    return "\(tenths(event.time)) s, epoch \(event.epoch), step \(event.step): \(event.name) \(what)"
      + (event.isInRecovery ? ", before training had gone on" : "")
  }
}
