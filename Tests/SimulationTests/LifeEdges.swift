import Checkpoint
import Coordinator
import Job
import ParamServer
import Sharding
import Wire
import Worker

/// What the edges of the three cores do, simulated: disks, catalogues, threads.
extension Life {
  func perform(_ event: CoordinatorCore.Event) throws {
    for effect in coordinator.core.receive(event, at: now) {
      switch effect {
      case .send(let envelope, let route):
        note(envelope)
        if let node = network.node(along: route) { send(envelope, from: 0, to: node) }
      case .commit(_, let checkpoint):
        try check(checkpoint)
        coordinator.checkpoints[coordinator.stage].append(checkpoint)
        schedule.add((0, .coordinator(.committed)), at: now + 0.002)
      case .finish(.completed(let result)):
        coordinator.results.append(result)
        coordinator.stage += 1
        coordinator.checkpoints.append([])
        let next: CoordinatorCore.Event =
          coordinator.stage < world.plans.count
          ? .start(try world.plan(coordinator.stage, servers: options.servers, workers: options.workers)) : .dismiss
        if case .dismiss = next { coordinator.dismissedAt = now }
        try perform(next)
      case .finish(.failed(let sentence)): coordinator.failure = sentence
      case .finish(.interrupted): coordinator.failure = "interrupted"
      case .recordMembers, .progress, .epochDone, .say: break
      }
    }
    guard coordinator.core.openQuestions <= 4 * (options.servers + options.workers) else {
      throw Violation("the coordinator has \(coordinator.core.openQuestions) open questions")
    }
  }

  /// A checkpoint counts: all of it must be on the disks, synced.
  func check(_ record: CheckpointRecord) throws {
    let written = servers.enumerated().reduce(0) { count, server in
      count + server.element.synced(record.shards[server.offset], checkpoint: record.number).count
    }
    guard written == record.slots else {
      throw Violation("checkpoint \(record.number) counts \(record.slots) slots, \(written) are on the disks")
    }
    let stage = coordinator.stage
    if let reference = world.reference, reference.checkpoints[stage][record.number - 1] != record.slots {
      throw Violation("checkpoint \(record.number) has \(record.slots) slots, not the undisturbed run's")
    }
  }

  func perform(_ event: ServerCore.Event, _ node: Int) throws {
    let server = server(node)
    for effect in server.core.receive(event, at: now) {
      switch effect {
      case .tell(let envelope):
        note(envelope)
        send(envelope, from: node, to: 0)
      case .send(let envelope, let route):
        note(envelope)
        guard let worker = network.node(along: route) else { continue }
        try pulls.answered(envelope, by: node - 1, to: worker)
        send(envelope, from: node, to: worker)
      case .open(let path, _): server.path = path
      case .read(let restore, let slots): read(restore, slots, node)
      case .write(let snapshots, let checkpoint):
        server.write(snapshots, checkpoint: checkpoint)
        schedule.add((node, .server(.written)), at: now + 0.001 * slowness(ofDisk: node))
      case .sync:
        server.sync()
        schedule.add((node, .server(.synced)), at: now + 0.005 * slowness(ofDisk: node))
      case .prune, .say: break
      case .end(let error):
        if let error, !coordinator.isDismissed { throw Violation("server-\(node - 1) ended: \(error)") }
      }
    }
    if server.core.hasLongWork { schedule.add((node, .server(.turn)), at: now + 0.0005) }
    let clock = server.core.clock ?? 0
    if clock != server.clock {
      guard clock == server.clock + 1 || clock == 0 else {
        throw Violation("server-\(node - 1) went from step \(server.clock) to \(clock)")
      }
      server.clock = clock
    }
    try observe?(self, UInt32(coordinator.stage + 1))
    // A stranger that says it is a worker, with the right incarnation, may leave a few more.
    guard server.core.parkedPulls <= 4 * options.workers + (options.strangers > 0 ? 40 : 0) else {
      throw Violation("server-\(node - 1) keeps \(server.core.parkedPulls) pulls")
    }
  }

  func slowness(ofDisk node: Int) -> Double { node == 1 ? options.slowDisk : 1 }

  func read(_ restore: ServerAssignment.Restore, _ slots: [Range<Int>], _ node: Int) {
    var time = now + 0.002
    for (number, path) in restore.databases.enumerated() {
      // The newest version of each slot up to the checkpoint.
      var newest: [[Int]: ServerNode.Version] = [:]
      for version in servers[number].disk[path, default: []] where version.checkpoint <= restore.checkpoint {
        newest[[version.snapshot.table, version.snapshot.slot]] = version
      }
      for (place, version) in newest.sorted(by: { ($0.key[0], $0.key[1]) < ($1.key[0], $1.key[1]) })
      where slots.contains(where: { $0.contains(place[1]) }) {
        time += 0.0001
        let slot = ServerCore.StoredSlot(path: path, table: place[0], slot: place[1], bytes: version.snapshot.bytes)
        schedule.add((node, .server(.slot(slot))), at: time)
      }
    }
    schedule.add((node, .server(.restored)), at: time + 0.0001)
  }

  func perform(_ event: WorkerCore.Event, worker node: Int) throws {
    let worker = worker(node)
    for effect in worker.core.receive(event, at: now) {
      switch effect {
      case .send(let envelope, .coordinator): send(envelope, from: node, to: 0)
      case .send(let envelope, .server(let number)):
        let server = worker.servers[number]
        pulls.asked(envelope, by: node, of: server - 1)
        strangers.overhear(envelope, to: server - 1)
        if sample == nil, case .pull = envelope.message { sample = envelope }
        send(envelope, from: node, to: server)
      case .connect(let endpoints): worker.servers = endpoints.compactMap { Int($0) }
      case .prepare(let preparation):
        let prepared = try worker.prepare(preparation)
        schedule.add((node, .worker(.prepared(prepared))), at: now + 0.01)
      case .read(let order):
        worker.read(order)
        schedule.add((node, .readNext), at: now + 0.001)
      case .recycle(let work):
        worker.recycle(work)
        schedule.add((node, .readNext), at: now + 0.0005)
      case .compute(let work):
        let slow = node == 1 + options.servers ? options.slowWorker : 1
        for part in work.parts.indices {
          let time = hasFaults ? faults.uniform(0.0005, 0.002) : 0.001
          schedule.add((node, .compute(work, part: part)), at: now + time * slow)
        }
      case .survey: throw Violation("a survey that nobody ordered")
      case .say: break
      case .end(let error):
        if let error, !coordinator.isDismissed { throw Violation("worker \(node) ended: \(error)") }
      }
    }
    let bound = options.servers * 2 * (2 + 2 * 2 * 3) + 70
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
