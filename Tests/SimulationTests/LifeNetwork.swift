import Wire

/// What befalls messages and processes.
extension Life {
  func send(_ envelope: Envelope, from: Int, to: Int) {
    let hasFaults = hasFaults && to < pausedUntil.count
    if hasFaults {
      if envelope.preamble.request > 0, faults.strikes(.congested, options.congestion) {
        note(fault: 0.2)
        schedule.add((from, .congested(from: to, request: envelope.preamble.request)), at: now)
        return
      }
      guard network.carries(from: from, to: to, at: now) else { return }
      if faults.strikes(.lost, options.loss) { return note(fault: 0) }
      if faults.strikes(.reconnected, options.reconnection) {
        note(fault: 0)
        network.reconnect(from)
      }
    }
    let frames = envelope.frames()
    let route = network.route(of: from)
    func deliver(after delay: Seconds) {
      schedule.add((to, .message(frames, from: from, route: route)), at: now + delay)
    }
    guard hasFaults else { return deliver(after: options.delay) }
    var delay = options.delay * faults.uniform(0.5, 1.5)
    if faults.strikes(.late, options.lateness) {
      delay += faults.uniform(0, 20) * options.delay
      note(fault: delay)
    }
    deliver(after: delay)
    if faults.strikes(.repeated, options.duplication) {
      let delay = faults.uniform(0, 40) * options.delay
      note(fault: delay)
      deliver(after: delay)
    }
    if faults.strikes(.replayed, options.replay) {
      let delay = faults.uniform(0.1, 3)
      note(fault: delay)
      deliver(after: delay)
    }
  }

  func note(fault duration: Seconds) { lastFault = max(lastFault, now + duration) }

  // MARK: Mischief

  func mischief() throws {
    guard hasFaults else { return }
    let share = Timing.tick / 100
    let nodes = pausedUntil.count
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
      pausedUntil[node] = now + faults.uniform(0.1, 6)
      note(fault: 6)
    }
    if faults.strikes(.pauseOfAll, options.pauses * share / 5) {
      // Longer than anyone's patience with silence.
      let until = now + faults.uniform(1, 90)
      for node in 0..<nodes { pausedUntil[node] = max(pausedUntil[node], until) }
      note(fault: until - now)
    }
    if faults.strikes(.stranger, options.strangers * share) {
      let kind = Strangers.Kind.allCases[faults.below(Strangers.Kind.allCases.count)]
      let from = 1 + options.servers + faults.below(options.workers)
      switch strangers.speak(kind, servers: options.servers, &faults) {
      case .toServer(let server, let envelope): stranger(envelope, to: 1 + server, as: from)
      case .toCoordinator(let envelope): stranger(envelope, to: 0, as: from)
      case .noise(let server): schedule.add((server.map { $0 + 1 } ?? 0, .noise(from: from)), at: now)
      case nil: break
      }
    }
  }

  /// A stranger's message comes along a route of its own, which leads nowhere.
  func stranger(_ envelope: Envelope, to node: Int, as worker: Int) {
    let route = Route(bytes: [UInt8(worker), network.connections[worker] &+ 128])
    schedule.add((node, .message(envelope.frames(), from: worker, route: route)), at: now)
  }
}
