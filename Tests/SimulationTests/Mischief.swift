import Coordinator
import Job
import Wire

/// What befalls processes and links.
extension Life {
  func mischief() throws {
    guard hasFaults else { return }
    let share = Timing.tick / 100
    let nodes = generations.count - 1
    if faults.strikes(.cut, options.cuts * share) {
      let (a, b) = (faults.below(nodes), faults.below(nodes))
      let until = now + faults.uniform(0.1, 5)
      network.cut(from: a, to: b, until: until)
      network.cut(from: b, to: a, until: until)
      note(fault: until - now)
    }
    if faults.strikes(.oneWayCut, options.cuts * share) {
      let until = now + faults.uniform(0.1, 5)
      network.cut(from: faults.below(nodes), to: faults.below(nodes), until: until)
      note(fault: until - now)
    }
    if faults.strikes(.pause, options.pauses * share) {
      let node = faults.below(nodes)
      // Some longer than anyone's patience with silence.
      pausedUntil[node] = now + faults.uniform(0.1, faults.below(4) == 0 ? 30 : 6)
      note(fault: pausedUntil[node] - now)
    }
    if faults.strikes(.pauseOfAll, options.pauses * share / 5) {
      let until = now + faults.uniform(1, 90)
      for node in 0..<nodes { pausedUntil[node] = max(pausedUntil[node], until) }
      note(fault: until - now)
    }
    if faults.strikes(.jump, options.jumps * share) {
      skew[faults.below(nodes)] += faults.uniform(1, 60)
      note(fault: 0)
    }
    if faults.strikes(.jumpOfAll, options.jumps * share / 3) {
      let leap = faults.uniform(1, 200)
      for node in skew.indices { skew[node] += leap }
      note(fault: 0)
    }
    try mischiefWithProcesses(share)
    if faults.strikes(.stranger, options.strangers * share) {
      let kind = Strangers.Kind.allCases[faults.below(Strangers.Kind.allCases.count)]
      let from = workerNodes.lowerBound + faults.below(options.workers)
      switch strangers.speak(kind, servers: Array(serverNodes), &faults) {
      case .toServer(let server, let envelope): stranger(envelope, to: server, as: from)
      case .toCoordinator(let envelope):
        stranger(envelope, to: 0, as: from)
        // One that was taken is waited for until it has been silent for long enough.
        note(fault: Self.timing.timeout)
      case .noise(let server): schedule.add((server ?? 0, 0, .noise(from: from)), at: now)
      case nil: break
      }
    }
  }

  private func mischiefWithProcesses(_ share: Double) throws {
    // Short phases are as dangerous as long ones.
    let haste = Self.shortPhases.contains(phase) ? 20.0 : 1
    if faults.strikes(.crash, min(0.5, options.crashes * share * haste * (1 - options.coordinatorShare))) {
      crashSomebody()
    }
    if faults.strikes(.coordinatorCrash, min(0.5, options.crashes * share * haste * options.coordinatorShare)) {
      crash(0)
    }
    if faults.strikes(.usurped, options.usurpations * share), let old = coordinators[0] {
      // It sleeps; another takes its place; it wakes.
      stop(oldCoordinator)
      let until = now + faults.uniform(0.5, 15)
      stop(0)
      coordinators[1] = old
      skew[oldCoordinator] = skew[0]
      pausedUntil[oldCoordinator] = until
      put(oldCoordinator, .tick, at: until)
      note(fault: until - now)
      try start(0)
    }
    if faults.strikes(.join, options.joins * share) {
      let down = (serverNodes.lowerBound..<workerNodes.upperBound).filter { !isUp($0) }
      if !down.isEmpty {
        note(fault: 1)
        try start(down[faults.below(down.count)])
      }
    }
    if faults.strikes(.drain, options.drains * share) {
      let isServer = faults.below(2) == 0
      let name = "\(isServer ? "server" : "worker")-\(faults.below(isServer ? servers.count : workers.count))"
      note(fault: 1)
      command(.drain(name))
    }
    if faults.strikes(.rebalance, options.rebalances * share) {
      note(fault: 1)
      let load = faults.below(2) == 0 ? Rebalance.Load.memory : .traffic
      command(.rebalance(Rebalance(id: UInt64(faults.below(1 << 30)), load: load, isDry: faults.below(4) == 0)))
    }
  }

  private func command(_ command: CoordinatorCommand) {
    var preamble = Preamble()
    preamble.request = 1
    stranger(Envelope(preamble, .command(Control(command))), to: 0, as: workerNodes.lowerBound)
  }

  private static let shortPhases: Set = [
    "surveying", "ending", "evaluating", "checkpointing", "closing", "digesting", "releasing", "handing over",
  ]

  /// Where the run is, in a word.
  private var phase: String {
    guard let coordinator = coordinators[0] else { return "without coordinator" }
    if coordinator.dismissedAt != nil { return "releasing" }
    if let stage = catalogue.history.lastView?.stage, stage > 0, highest == 0 { return "handing over" }
    return coordinator.core.phaseName
  }

  private func crashSomebody() {
    let live = (serverNodes.lowerBound..<workerNodes.upperBound).filter(isUp)
    guard !live.isEmpty else { return }
    let node = live[faults.below(live.count)]
    if isServer(node), let folder = server(node)?.folder, faults.strikes(.diskLost, options.diskLoss) {
      disks.lose(folder)
    }
    crash(node)
  }

  /// Soon after something was recorded, where windows are, somebody dies.
  ///
  /// - Parameters:
  ///   - haste: how much more often than elsewhere.
  ///   - window: seconds.
  func ambush(haste: Double = 1, within window: Seconds = 0.02) {
    guard hasFaults, faults.strikes(.ambush, min(0.5, haste * options.ambushes)) else { return }
    put(
      faults.below(3) == 0 ? 0 : serverNodes.lowerBound + faults.below(servers.count + workers.count), .crash,
      at: now + faults.uniform(0, window))
  }

  /// A short phase that has begun is a window, too.
  func notePhase() {
    let phase = phase
    defer { lastPhase = phase }
    guard phase != lastPhase, Self.shortPhases.contains(phase) else { return }
    let isFleeting = phase == "releasing" || phase == "digesting"
    ambush(haste: isFleeting ? 10 : 4, within: isFleeting ? 0.004 : 0.02)
  }

  /// A process dies; another follows at its node.
  func crash(_ node: Int) {
    // A coordinator that has dismissed everyone has nothing left to do.
    guard isUp(node), phase != "releasing" || !isCoordinator(node) else { return }
    phases[phase, default: 0] += 1
    if ["training", "filling", "checkpointing"].contains(phase) {
      roles[isCoordinator(node) ? "coordinator" : isServer(node) ? "server" : "worker", default: 0] += 1
    }
    if isServer(node), let folder = server(node)?.folder, disks.crash(folder) { faults.note(.unsyncedLost) }
    let process = isCoordinator(node) ? nil : registeredProcess(node)
    stop(node)
    let delay = faults.uniform(0.1, 4)
    put(node, .start, at: now + delay)
    note(fault: delay)
    if options.isWatched, let process {
      put(0, .coordinator(.died(host: "sim", process: process, "node \(node) is dead")), at: now + 0.1)
    }
  }

  private func registeredProcess(_ node: Int) -> Int32 { processes[node] ?? 0 }

  /// Nothing goes wrong any more: whoever is down comes back, but for one perhaps that need not.
  func heal() throws {
    isHealed = true
    for node in 0..<generations.count - 1 where !isUp(node) {
      let isSpare = isServer(node) ? node > options.servers : node >= workerNodes.lowerBound + options.workers
      if !isSpare || node == 0 { put(node, .start, at: now + 0.01) }
    }
  }

  /// A stranger's message comes along a route of its own, which leads nowhere.
  func stranger(_ envelope: Envelope, to node: Int, as worker: Int) {
    let route = Route(bytes: [UInt8(worker), network.connections[worker] &+ 128])
    schedule.add((node, 0, .message(envelope.frames(), from: worker, route: route)), at: now)
  }
}
