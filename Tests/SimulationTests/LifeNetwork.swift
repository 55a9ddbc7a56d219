import Wire

/// What befalls messages.
extension Life {
  func send(_ envelope: Envelope, from: Int, to: Int) {
    if hasFaults {
      if envelope.preamble.request > 0, !envelope.message.isAnswer, faults.strikes(.congested, options.congestion) {
        note(fault: 0.2)
        put(from, .congested(from: to, request: envelope.preamble.request), at: now)
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
      schedule.add((to, 0, .message(frames, from: from, route: route)), at: now + delay)
      // Whoever was coordinator before hears what the coordinator hears.
      if to == 0, coordinators[1] != nil {
        schedule.add((oldCoordinator, 0, .message(frames, from: from, route: route)), at: now + delay)
      }
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
}
