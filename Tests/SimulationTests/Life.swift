import Checkpoint
import Coordinator
import Foundation
import Job
import ParamServer
import Sharding
import Wire
import Worker

/// One life of a whole cluster: the three cores, joined by a simulated network, disks and threads, in virtual time. What
/// happens is a function of the options and of which faults are allowed.
///
/// Crashes will be another kind of happening: a node's core is made anew, with or without its disk.
final class Life {
  let options: Options
  let world: World
  private(set) var faults: Faults
  private var schedule = Schedule<(node: Int, happening: Happening)>()
  private var network: Network
  private var now: Seconds = 0
  private var pausedUntil: [Seconds]
  private let coordinator: CoordinatorNode
  private let servers: [ServerNode]
  private let workers: [WorkerNode]
  private var strangers = Strangers()
  private var pulls: PullCheck
  /// How often each refusal was sent.
  private(set) var refusals: [String: Int] = [:]
  private(set) var events = 0
  /// Called when a server's clock has moved; how the reference is taken.
  private let observe: ((Life, UInt32) throws -> Void)?
  /// A pull of a worker's, as the reference asks it of a server.
  private(set) var sample: Envelope?

  private static let timing = Timing(timeout: 30)
  /// Virtual seconds from the last fault to the end of the life, at most.
  private static let patience: Seconds = 400
  private var lastFault: Seconds = 0

  init(
    _ options: Options, _ world: World, allowed: Set<Int>? = nil, observe: ((Life, UInt32) throws -> Void)? = nil
  ) {
    self.options = options
    self.world = world
    self.observe = observe
    faults = Faults(seed: options.seed &* 31 &+ 7, allowed: allowed)
    let nodes = 1 + options.servers + options.workers
    network = Network(nodes: nodes)
    pausedUntil = Array(repeating: 0, count: nodes)
    pulls = PullCheck(world)
    coordinator = CoordinatorNode(
      CoordinatorCore(servers: options.servers, workers: options.workers, run: 77, timing: Self.timing, at: 0))
    servers = (0..<options.servers).map { number in
      let registration = Registration(role: .server, host: "sim", process: Int32(number), endpoint: "\(1 + number)")
      return ServerNode(
        ServerCore(
          incarnation: 100 + UInt64(number), registration: registration, coordinator: "sim", timing: Self.timing, at: 0
        ))
    }
    workers = (0..<options.workers).map { number in
      let registration = Registration(role: .worker, host: "sim", process: Int32(number))
      return WorkerNode(
        WorkerCore(
          incarnation: 200 + UInt64(number), registration: registration, coordinator: "coordinator",
          timing: Self.timing, at: 0))
    }
    for node in 0..<nodes { schedule.add((node, .tick), at: 0.01 * Double(node + 1)) }
  }

  // MARK: Living

  /// Lives to the end.
  ///
  /// - Throws: `Violation`.
  func live() throws {
    try perform(.start(world.plan(0, servers: options.servers, workers: options.workers)))
    while let (time, (node, happening)) = schedule.pop() {
      events += 1
      now = time
      guard now < options.faultSeconds + lastFault + Self.patience else {
        throw Violation("not finished \(Int(Self.patience)) s after the last fault")
      }
      if pausedUntil[node] > now {
        schedule.add((node, happening), at: pausedUntil[node])
        continue
      }
      try happen(happening, to: node)
      if let failure = coordinator.failure { throw Violation("the run ended: \(failure)") }
      // Whoever has stopped does not say so twice: the coordinator waits a moment, then leaves too.
      if let since = coordinator.dismissedAt, coordinator.core.isAlone || now > since + 2 { break }
    }
    guard coordinator.isDismissed else { throw Violation("nothing is left to happen, and the run is not done") }
    if world.reference != nil { try EndCheck.check(coordinator.results, against: world.reference) }
  }

  var results: [RunResult] { coordinator.results }
  var checkpoints: [[CheckpointRecord]] { coordinator.checkpoints }
  var rowsChecked: Int { pulls.rowsChecked }

  private var hasFaults: Bool { now < options.faultSeconds }

  private func happen(_ happening: Happening, to node: Int) throws {
    switch happening {
    case .tick:
      schedule.add((node, .tick), at: now + Timing.tick)
      try tick(node)
      if node == 0 { try mischief() }
    case .message(let frames, let from, let route): try receive(try Envelope(frames: frames), node, from, route)
    case .noise(let from):
      let error = WireError.wrongVersion(found: 1)
      let route = network.route(of: from)
      if node == 0 {
        try perform(.malformed(error, from: route))
      } else {
        try perform(.malformed(error, from: route), node)
      }
    case .congested(let from, let request): try congested(node, from, request)
    case .coordinator(let event): try perform(event)
    case .server(let event): try perform(event, node)
    case .worker(let event): try perform(event, worker: node)
    case .compute(let work, let part):
      if let event = worker(node).compute(work, part: part) { try perform(event, worker: node) }
    case .readNext:
      if let work = worker(node).readNext(world) {
        schedule.add((node, .readNext), at: now + 0.0005)
        try perform(.assembled(work), worker: node)
      }
    }
  }

  private func server(_ node: Int) -> ServerNode { servers[node - 1] }
  private func worker(_ node: Int) -> WorkerNode { workers[node - 1 - options.servers] }
  private func isServer(_ node: Int) -> Bool { node >= 1 && node <= options.servers }

  private func tick(_ node: Int) throws {
    if node == 0 { return try perform(.tick) }
    guard isServer(node) else { return try perform(.tick, worker: node) }
    try perform(.tick, node)
  }

  private func receive(_ envelope: Envelope, _ node: Int, _ from: Int, _ route: Route) throws {
    if node == 0 { return try perform(.received(envelope, from: route)) }
    if isServer(node) {
      return try perform(from == 0 ? .ordered(envelope) : .received(envelope, from: route), node)
    }
    let peer: WorkerCore.Peer? =
      from == 0 ? .coordinator : worker(node).servers.firstIndex(of: from).map { .server($0) }
    if let peer { try perform(.received(envelope, from: peer), worker: node) }
  }

  private func congested(_ node: Int, _ to: Int, _ request: UInt64) throws {
    if node == 0 { return try perform(.congested(network.route(of: to), request: request)) }
    if isServer(node) { return try perform(.congested(request: request), node) }
    let peer: WorkerCore.Peer? = to == 0 ? .coordinator : worker(node).servers.firstIndex(of: to).map { .server($0) }
    if let peer { try perform(.congested(peer, request: request), worker: node) }
  }

  // MARK: Cores

  private func perform(_ event: CoordinatorCore.Event) throws {
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
  private func check(_ record: CheckpointRecord) throws {
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

  private func perform(_ event: ServerCore.Event, _ node: Int) throws {
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

  private func slowness(ofDisk node: Int) -> Double { node == 1 ? options.slowDisk : 1 }

  private func read(_ restore: ServerAssignment.Restore, _ slots: [Range<Int>], _ node: Int) {
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

  private func perform(_ event: WorkerCore.Event, worker node: Int) throws {
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

  private func note(_ envelope: Envelope) {
    if case .refusal(let refusal) = envelope.message {
      refusals[Summary.name(of: refusal), default: 0] += 1
    }
  }

  // MARK: The network

  private func send(_ envelope: Envelope, from: Int, to: Int) {
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

  private func note(fault duration: Seconds) { lastFault = max(lastFault, now + duration) }

  // MARK: Mischief

  private func mischief() throws {
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
  private func stranger(_ envelope: Envelope, to node: Int, as worker: Int) {
    let route = Route(bytes: [UInt8(worker), network.connections[worker] &+ 128])
    schedule.add((node, .message(envelope.frames(), from: worker, route: route)), at: now)
  }

  // MARK: The reference

  /// Asks a server for rows, beside what happens.
  func ask(_ pull: Pull, ofServer number: Int, view: UInt32) -> [Float]? {
    guard var envelope = sample else { return nil }
    envelope.preamble.request = 1 << 55
    envelope.preamble.oldest = 0
    envelope.preamble.view = view
    envelope.message = .pull(pull)
    for case .send(let answer, _) in servers[number].core.receive(.received(envelope, from: Route(bytes: [9])), at: now)
    {
      if case .rows(let rows) = answer.message {
        return withExtendedLifetime(rows) { Array(rows.values.elements(as: Float.self)) }
      }
    }
    return nil
  }

  func clock(ofServer number: Int) -> UInt64? { servers[number].core.clock }
}
