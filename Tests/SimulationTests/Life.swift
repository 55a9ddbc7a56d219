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
  var faults: Faults
  var schedule = Schedule<(node: Int, happening: Happening)>()
  var network: Network
  var now: Seconds = 0
  var pausedUntil: [Seconds]
  let coordinator: CoordinatorNode
  let servers: [ServerNode]
  let workers: [WorkerNode]
  var strangers = Strangers()
  var pulls: PullCheck
  /// How often each refusal was sent.
  var refusals: [String: Int] = [:]
  var events = 0
  /// Called when a server's clock has moved; how the reference is taken.
  let observe: ((Life, UInt32) throws -> Void)?
  /// A pull of a worker's, as the reference asks it of a server.
  var sample: Envelope?

  /// Beats are rarer than in earnest, which saves a fifth of a life's processor time.
  static let timing: Timing = {
    var timing = Timing(timeout: 30)
    timing.beat = 2
    return timing
  }()
  /// Virtual seconds from the last fault to the end of the life, at most.
  static let patience: Seconds = 400
  var lastFault: Seconds = 0

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

  var hasFaults: Bool { now < options.faultSeconds }

  func happen(_ happening: Happening, to node: Int) throws {
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

  func server(_ node: Int) -> ServerNode { servers[node - 1] }
  func worker(_ node: Int) -> WorkerNode { workers[node - 1 - options.servers] }
  func isServer(_ node: Int) -> Bool { node >= 1 && node <= options.servers }

  func tick(_ node: Int) throws {
    if node == 0 { return try perform(.tick) }
    guard isServer(node) else { return try perform(.tick, worker: node) }
    try perform(.tick, node)
  }

  func receive(_ envelope: Envelope, _ node: Int, _ from: Int, _ route: Route) throws {
    if node == 0 { return try perform(.received(envelope, from: route)) }
    if isServer(node) {
      return try perform(from == 0 ? .ordered(envelope) : .received(envelope, from: route), node)
    }
    let peer: WorkerCore.Peer? =
      from == 0 ? .coordinator : worker(node).servers.firstIndex(of: from).map { .server($0) }
    if let peer { try perform(.received(envelope, from: peer), worker: node) }
  }

  func congested(_ node: Int, _ to: Int, _ request: UInt64) throws {
    if node == 0 { return try perform(.congested(network.route(of: to), request: request)) }
    if isServer(node) { return try perform(.congested(request: request), node) }
    let peer: WorkerCore.Peer? = to == 0 ? .coordinator : worker(node).servers.firstIndex(of: to).map { .server($0) }
    if let peer { try perform(.congested(peer, request: request), worker: node) }
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
