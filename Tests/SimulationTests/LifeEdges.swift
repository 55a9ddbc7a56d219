import Checkpoint
import Coordinator
import Job
import ParamServer
import Sharding
import Wire
import Worker

/// What the edges of the three cores do, simulated: disks, catalogues, threads.
extension Life {
  // MARK: The coordinator

  func perform(_ event: CoordinatorCore.Event, coordinator node: Int) throws {
    guard let coordinator = coordinator(node) else { return }
    let effects = coordinator.core.receive(event, at: time(node))
    if node == 0 { notePhase() }
    for effect in effects {
      if isWrite(effect), !catalogue.admits(coordinator.term) {
        // Its edge throws, and the process ends; nobody is told anything.
        counts["superseded", default: 0] += 1
        return stop(node)
      }
      switch effect {
      case .send(let envelope, let route):
        note(envelope)
        if let to = network.node(along: route) { send(envelope, from: node, to: to) }
      case .reserveView:
        put(node, .coordinator(.viewReserved(catalogue.reserveView())), at: now + writing)
      case .record(let view):
        let stage = coordinator.undertaking
        try check(view)
        try catalogue.record(view, start: 0)
        catalogue.begin(world.undertakings[stage])
        put(node, .coordinator(.viewRecorded), at: now + writing)
        ambush()
      case .reserveCheckpoint:
        put(node, .coordinator(.checkpointReserved(catalogue.reserveCheckpoint())), at: now + writing)
      case .recordEpoch(let epoch):
        try checkSettled(epoch.clock)
        try catalogue.record(epoch)
        put(node, .coordinator(.epochRecorded), at: now + writing)
        ambush()
      case .commit(let checkpoint):
        try catalogue.commit(checkpoint, epochSteps: world.epochSteps)
        try check(checkpoint)
        put(node, .coordinator(.committed), at: now + writing)
        ambush()
      case .finish(.completed(let result)): try finish(result, coordinator, node)
      case .finish(.failed(let sentence)): failure = sentence
      case .finish(.interrupted): failure = "interrupted"
      case .note, .progress, .epochDone, .say: break
      }
    }
    let bound = 6 * (servers.count + workers.count) + 20
    guard coordinator.core.openQuestions <= bound else {
      throw Violation("the coordinator has \(coordinator.core.openQuestions) open questions")
    }
  }

  private var writing: Seconds { 0.002 }

  private func isWrite(_ effect: CoordinatorCore.Effect) -> Bool {
    switch effect {
    case .reserveView, .record, .reserveCheckpoint, .recordEpoch, .commit, .note: true
    default: false
    }
  }

  private func finish(_ result: RunResult, _ coordinator: CoordinatorNode, _ node: Int) throws {
    // An old coordinator may come to the end, too, having written nothing since.
    guard node == 0 else { return stop(node) }
    results[coordinator.undertaking] = result
    coordinator.undertaking += 1
    guard coordinator.undertaking < world.undertakings.count else {
      coordinator.dismissedAt = now
      try perform(.dismiss, coordinator: node)
      return ambush()
    }
    highest = 0
    try perform(.start(try world.plan(coordinator.undertaking, options, catalogue.history)), coordinator: node)
    ambush()
  }

  // MARK: Servers

  func perform(_ event: ServerCore.Event, server node: Int) throws {
    guard let server = server(node) else { return }
    let (view, promised) = (server.core.view, server.core.promised)
    let effects = server.core.receive(event, at: time(node))
    if let poison = options.serverPoison, let clock = server.core.clock, clock > poison {
      faults.note(.serverPoison)
      return crash(node)
    }
    guard [0, view].contains(server.core.view) || server.core.view >= promised else {
      throw Violation("a server adopts view \(server.core.view), though it has promised view \(promised)")
    }
    for effect in effects {
      switch effect {
      case .tell(let envelope):
        note(envelope)
        send(envelope, from: node, to: 0)
      case .send(let envelope, let route):
        note(envelope)
        guard let to = network.node(along: route) else { continue }
        if workerNodes.contains(to) { try pulls.answered(envelope, by: node, to: to, catalogue) }
        send(envelope, from: node, to: to)
      case .connect(let seats): server.peers = nodes(seats)
      case .ask(let envelope, let number):
        if let to = server.peers[number] { send(envelope, from: node, to: to) }
      case .open(let folder, let kept):
        server.folder = folder
        if let folder { disks.open(folder, kept: kept) }
      case .read(let restore, let slots): try read(restore, slots, node)
      case .write(let snapshots, let header): write(snapshots, header, node)
      case .finish(let header):
        put(node, .finish(header), at: now + 0.005 * slowness(ofDisk: node))
      case .abandon(let header): if let folder = server.folder { disks.abandon(header, in: folder) }
      case .remove(let files): disks.remove(files)
      case .say: break
      case .end(let error):
        if let error, coordinators[0]?.dismissedAt == nil, !isLostFile("\(error)") {
          throw Violation("server \(node) ended: \(error)")
        }
        return stop(node)
      }
    }
    if server.core.hasLongWork { put(node, .server(.turn), at: now + 0.0005) }
    // One that has not adopted the last view may be ahead of where that goes back to.
    if server.core.view == catalogue.history.lastView?.number { highest = max(highest, server.core.clock ?? 0) }
    try observe?(self)
    // A stranger that says it is a worker, with the right incarnation, may leave a few more.
    let bound = 8 * workers.count * (1 + world.lag) * servers.count + (options.strangers > 0 ? 40 : 0)
    guard server.core.parkedPulls <= bound else {
      throw Violation("server \(node) keeps \(server.core.parkedPulls) pulls")
    }
  }

  private func isLostFile(_ text: String) -> Bool { disks.lost.contains { text.contains($0) } }

  private func nodes(_ seats: [Seat]) -> [Int: Int] {
    Dictionary(
      uniqueKeysWithValues: seats.compactMap { seat in
        seat.endpoint.flatMap { Int($0) }.map { (seat.number, $0) }
      })
  }

  private func slowness(ofDisk node: Int) -> Double { node == 1 ? options.slowDisk : 1 }

  private func write(_ snapshots: [SlotSnapshot], _ header: PartHeader, _ node: Int) {
    guard let folder = server(node)?.folder else { return }
    let answer: ServerCore.Event
    if hasFaults, faults.strikes(.diskFull, options.diskFull) {
      disks.abandon(header, in: folder)
      answer = .unwritten(checkpoint: header.checkpoint, "the disk is full.")
    } else {
      disks.write(snapshots, header, in: folder)
      answer = .written(checkpoint: header.checkpoint)
    }
    put(node, .server(answer), at: now + 0.001 * slowness(ofDisk: node))
  }

  /// A part is on the disk.
  func finish(_ header: PartHeader, server node: Int) throws {
    guard let folder = server(node)?.folder else { return }
    let part = disks.finish(header, in: folder)
    try perform(.finished(checkpoint: header.checkpoint, part), server: node)
  }

  private func read(_ restore: ServerAssignment.Restore, _ slots: [Range<Int>], _ node: Int) throws {
    let (found, missing) = try disks.read(restore.chain)
    if let missing {
      let error = ServerError.file(.missing(path: missing, checkpoint: 0))
      return put(node, .server(.failed(error)), at: now + 0.002)
    }
    var time = now + 0.002
    for (place, (path, snapshot)) in found.sorted(by: { ($0.key[0], $0.key[1]) < ($1.key[0], $1.key[1]) })
    where slots.contains(where: { $0.contains(place[1]) }) {
      time += 0.0001
      let slot = ServerCore.StoredSlot(path: path, table: place[0], slot: place[1], bytes: snapshot.bytes)
      put(node, .server(.slot(slot)), at: time)
    }
    put(node, .server(.restored), at: time + 0.0001)
  }

  // MARK: Workers

  func perform(_ event: WorkerCore.Event, worker node: Int) throws {
    guard let worker = worker(node) else { return }
    for effect in worker.core.receive(event, at: time(node)) {
      switch effect {
      case .send(let envelope, .coordinator): send(envelope, from: node, to: 0)
      case .send(let envelope, .server(let number)):
        guard let server = worker.servers[number] else { continue }
        pulls.asked(envelope, by: node, of: server)
        strangers.overhear(envelope, to: server)
        if sample == nil, case .pull = envelope.message { sample = envelope }
        send(envelope, from: node, to: server)
      case .connect(let seats): worker.servers = nodes(seats)
      case .prepare(let preparation):
        let prepared = try worker.prepare(preparation)
        put(node, .worker(.prepared(prepared)), at: now + 0.01)
      case .read(let order):
        worker.read(order)
        put(node, .readNext, at: now + 0.001)
      case .recycle(let work):
        worker.recycle(work)
        put(node, .readNext, at: now + 0.0005)
      case .compute(let work):
        let slow = node == workerNodes.lowerBound ? options.slowWorker : 1
        for part in work.parts.indices {
          let time = hasFaults ? faults.uniform(0.0005, 0.002) : 0.001
          put(node, .compute(work, part: part), at: now + time * slow)
        }
      case .survey(_, let view):
        put(node, .worker(.surveyed(SurveyResult(train: nil, valid: nil), view: view)), at: now + 0.005)
      case .say: break
      case .end(let error):
        // Where strangers have taken its place, it tries again.
        if case .notWanted(let reason)? = error, reason.contains("workers it takes") {
          stop(node)
          return put(node, .start, at: now + 2)
        }
        if let error, coordinators[0]?.dismissedAt == nil { throw Violation("worker \(node) ended: \(error)") }
        return stop(node)
      }
    }
    let lag = max(world.lag, Int(world.apart) - 3)
    let bound = servers.count * servers.count * 2 * (2 + lag + 2 * 2 * 3 * (1 + lag)) + 80
    guard worker.core.openQuestions <= bound else {
      throw Violation("worker \(node) has \(worker.core.openQuestions) open questions, more than \(bound)")
    }
  }

  func note(_ envelope: Envelope) {
    if case .refusal(let refusal) = envelope.message {
      refusals[Summary.name(of: refusal), default: 0] += 1
    }
  }
}
