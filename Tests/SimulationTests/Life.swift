import Checkpoint
import Foundation
import Job
import Sharding
import Wire

@testable import Coordinator
@testable import ParamServer
@testable import Worker

/// One life of a whole cluster: the three cores, joined by a simulated network, disks and threads, in virtual time. What
/// happens is a function of the options and of which faults are allowed.
///
/// Nodes are places for processes: a process that dies may be followed by another at its node, which begins with nothing but
/// what was synced. Node 0 is the coordinator's; the last one is that of a coordinator which another has replaced while it
/// slept.
final class Life {
  let options: Options
  let world: World
  var faults: Faults
  var schedule = Schedule<(node: Int, generation: Int, happening: Happening)>()
  var network: Network
  var now: Seconds = 0
  var pausedUntil: [Seconds]
  /// By node: how far its clock is ahead of time.
  var skew: [Seconds]
  /// By node, how many processes there were: what befalls an earlier one is void.
  var generations: [Int]
  var coordinators: [CoordinatorNode?] = [nil, nil]
  var servers: [ServerNode?]
  var workers: [WorkerNode?]
  var disks = Disks()
  var catalogue = SimulatedCatalogue()
  /// What the undertakings of the world came to.
  var results: [RunResult?]
  /// Why the run ended before its end.
  var failure: String?
  var strangers = Strangers()
  var pulls: PullCheck
  /// How often each refusal was sent, and in which phases processes were killed.
  var refusals: [String: Int] = [:]
  var phases: [String: Int] = [:]
  /// Who was killed between the first and the last step.
  var roles: [String: Int] = [:]
  /// What views came to: recorded, gone back, moved slots.
  var counts: [String: Int] = [:]
  var events = 0
  /// The highest clock that a server has had in the present stage, and since which view it counts.
  var highest: UInt64 = 0
  private var incarnations: UInt64 = 100
  /// By node, the number of its process.
  private(set) var processes: [Int: Int32] = [:]
  /// Called when something has happened to a server; how the reference is taken.
  let observe: ((Life) throws -> Void)?
  /// A pull of a worker's, as the reference asks it of a server.
  var sample: Envelope?
  var isHealed = false
  var lastPhase = ""

  /// Beats are rarer than in earnest, which saves a fifth of a life's processor time.
  static let timing: Timing = {
    var timing = Timing(timeout: 10, coordinatorTimeout: 1e6)
    timing.beat = 1
    return timing
  }()
  /// The run's number.
  static let run: UInt64 = 77
  /// Virtual seconds from the last fault to the end of the life, at most.
  static let patience: Seconds = 400
  var lastFault: Seconds = 0

  init(_ options: Options, _ world: World, allowed: Set<Int>? = nil, observe: ((Life) throws -> Void)? = nil) {
    self.options = options
    self.world = world
    self.observe = observe
    faults = Faults(seed: options.seed &* 31 &+ 7, allowed: allowed)
    let (servers, workers) = (options.servers + options.extraServers, options.workers + options.extraWorkers)
    let nodes = 1 + servers + workers + 1
    network = Network(nodes: nodes)
    pausedUntil = Array(repeating: 0, count: nodes)
    skew = Array(repeating: 0, count: nodes)
    generations = Array(repeating: 0, count: nodes)
    self.servers = Array(repeating: nil, count: servers)
    self.workers = Array(repeating: nil, count: workers)
    results = Array(repeating: nil, count: world.undertakings.count)
    pulls = PullCheck(world)
  }

  // MARK: Nodes

  var oldCoordinator: Int { generations.count - 1 }
  var serverNodes: Range<Int> { 1..<1 + servers.count }
  var workerNodes: Range<Int> { 1 + servers.count..<1 + servers.count + workers.count }

  func isCoordinator(_ node: Int) -> Bool { node == 0 || node == oldCoordinator }
  func isServer(_ node: Int) -> Bool { serverNodes.contains(node) }
  func server(_ node: Int) -> ServerNode? { servers[node - 1] }
  func worker(_ node: Int) -> WorkerNode? { workers[node - 1 - servers.count] }
  func coordinator(_ node: Int) -> CoordinatorNode? { coordinators[node == 0 ? 0 : 1] }
  func isUp(_ node: Int) -> Bool {
    isCoordinator(node) ? coordinator(node) != nil : isServer(node) ? server(node) != nil : worker(node) != nil
  }

  /// The time as the node's process sees it.
  func time(_ node: Int) -> Seconds { now + skew[node] }

  func put(_ node: Int, _ happening: Happening, at time: Seconds) {
    schedule.add((node, generations[node], happening), at: time)
  }

  /// Starts a process at a node where there is none.
  func start(_ node: Int) throws {
    guard !isUp(node), failure == nil else { return }
    generations[node] += 1
    network.reconnect(node)
    incarnations += 1
    put(node, .tick, at: now + 0.01)
    processes[node] = Int32(incarnations)
    if node == 0 { return try startCoordinator() }
    let role: Member.Role = isServer(node) ? .server : .worker
    let registration = Registration(
      role: role, host: "sim", process: Int32(incarnations), endpoint: isServer(node) ? "\(node)" : nil,
      weight: options.isWeighed && isServer(node) ? [1, 2, 0.5][node % 3] : 1)
    if isServer(node) {
      servers[node - 1] = ServerNode(
        ServerCore(
          incarnation: incarnations << 16, registration: registration, coordinator: "sim", timing: Self.timing,
          at: time(node)))
    } else {
      workers[node - workerNodes.lowerBound] = WorkerNode(
        WorkerCore(
          incarnation: incarnations << 16, registration: registration, coordinator: "sim", timing: Self.timing,
          at: time(node)))
    }
  }

  private func startCoordinator() throws {
    let term = catalogue.beginTerm()
    let needs = ClusterNeeds(
      servers: options.servers, workers: options.workers, mostWorkers: workers.count, replicas: options.replicas,
      speculates: options.isSpeculating)
    let core = CoordinatorCore(
      cluster: needs, run: Self.run, term: term, incarnation: incarnations << 16, history: catalogue.history,
      timing: Self.timing, at: time(0))
    let undertaking = world.nextUndertaking(catalogue)
    coordinators[0] = CoordinatorNode(core, term: term, undertaking: undertaking)
    try perform(.start(try world.plan(undertaking, options, catalogue.history)), coordinator: 0)
  }

  /// Ends a node's process, as by `kill -9`.
  func stop(_ node: Int) {
    generations[node] += 1
    network.reconnect(node)
    pausedUntil[node] = 0
    if isCoordinator(node) {
      coordinators[node == 0 ? 0 : 1] = nil
    } else if isServer(node) {
      servers[node - 1] = nil
    } else {
      workers[node - workerNodes.lowerBound] = nil
    }
  }

  // MARK: Living

  /// Lives to the end.
  ///
  /// - Throws: `Violation`.
  func live() throws {
    try start(0)
    for node in serverNodes.prefix(options.servers) { try start(node) }
    for node in workerNodes.prefix(options.workers) { try start(node) }
    while let (time, (node, generation, happening)) = schedule.pop() {
      events += 1
      now = time
      if !hasFaults, !isHealed { try heal() }
      guard now < options.faultSeconds + lastFault + Self.patience else {
        throw Violation("not finished \(Int(Self.patience)) s after the last fault: \(standing)")
      }
      if pausedUntil[node] > now {
        schedule.add((node, generation, happening), at: pausedUntil[node])
        continue
      }
      try happen(happening, to: node, generation)
      if let failure {
        guard excuses(failure) else { throw Violation("the run ended: \(failure)") }
        return
      }
      // Whoever has stopped does not say so twice: the coordinator waits a moment, then leaves too.
      if let node = coordinators[0], let since = node.dismissedAt, node.core.isAlone || now > since + 2 { break }
    }
    guard coordinators[0]?.dismissedAt != nil else {
      throw Violation("nothing is left to happen, and the run is not done")
    }
    if options.poison ?? options.serverPoison != nil { throw Violation("a poisonous step ended nothing") }
    if world.reference != nil {
      try EndCheck.check(results, against: world.reference, isExact: world.plans[0].cluster.isExact)
    }
  }

  /// Whether a run may end so: where the disk of a checkpoint's only copy is lost, or a step kills whoever computes it.
  private func excuses(_ failure: String) -> Bool {
    if options.poison != nil, failure.contains("in a row workers have died") { return true }
    if options.serverPoison != nil, failure.contains("in a row servers have died") { return true }
    // Chance may kill them as surely.
    if failure.contains("in a row"), faults.happened.count(where: { $0.kind == .crash || $0.kind == .ambush }) >= 5 {
      return true
    }
    return !disks.lost.isEmpty && disks.lost.contains { failure.contains($0) }
  }

  var rowsChecked: Int { pulls.rowsChecked }

  var hasFaults: Bool { now < options.faultSeconds }

  func happen(_ happening: Happening, to node: Int, _ generation: Int) throws {
    switch happening {
    case .message(let frames, let from, let route):
      guard isUp(node) else { return }
      return try receive(try Envelope(frames: frames), node, from, route)
    case .noise(let from):
      guard isUp(node) else { return }
      let route = network.route(of: from)
      let error = WireError.wrongVersion(found: 1)
      return isCoordinator(node)
        ? try perform(.malformed(error, from: route), coordinator: node)
        : try perform(.malformed(error, from: route), server: node)
    case .start: return try start(node)
    default: break
    }
    guard generation == generations[node] else { return }
    switch happening {
    case .tick:
      put(node, .tick, at: now + Timing.tick)
      try tick(node)
      if node == 0 { try mischief() }
    case .congested(let to, let request): try congested(node, to, request)
    case .coordinator(let event): try perform(event, coordinator: node)
    case .server(let event): try perform(event, server: node)
    case .finish(let header): try finish(header, server: node)
    case .worker(let event): try perform(event, worker: node)
    case .compute(let work, let part):
      if case .training(let step) = work.purpose, step == options.poison {
        faults.note(.poison)
        return crash(node)
      }
      if let event = worker(node)?.compute(work, part: part) { try perform(event, worker: node) }
    case .readNext:
      if let work = worker(node)?.readNext(world) {
        put(node, .readNext, at: now + 0.0005)
        try perform(.assembled(work), worker: node)
      }
    case .crash: crash(node)
    case .message, .noise, .start: break
    }
  }

  private func tick(_ node: Int) throws {
    if isCoordinator(node) { return try perform(.tick, coordinator: node) }
    try isServer(node) ? perform(.tick, server: node) : perform(.tick, worker: node)
  }

  private func receive(_ envelope: Envelope, _ node: Int, _ from: Int, _ route: Route) throws {
    if isCoordinator(node) { return try perform(.received(envelope, from: route), coordinator: node) }
    if let server = isServer(node) ? server(node) : nil {
      if isCoordinator(from) { return try perform(.ordered(envelope), server: node) }
      guard isServer(from), envelope.message.isAnswer else {
        return try perform(.received(envelope, from: route), server: node)
      }
      if let peer = server.peers.first(where: { $0.value == from })?.key {
        try perform(.answered(envelope, fromServer: peer), server: node)
      }
      return
    }
    let peer: WorkerCore.Peer? =
      isCoordinator(from)
      ? .coordinator : worker(node)?.servers.first { $0.value == from }.map { .server($0.key) }
    if let peer { try perform(.received(envelope, from: peer), worker: node) }
  }

  private func congested(_ node: Int, _ to: Int, _ request: UInt64) throws {
    if isCoordinator(node) {
      return try perform(.congested(network.route(of: to), request: request), coordinator: node)
    }
    if isServer(node) {
      if isCoordinator(to) { return try perform(.congested(request: request), server: node) }
      // What is sent along a route is asked again by whoever asked.
      guard let peer = server(node)?.peers.first(where: { $0.value == to })?.key else { return }
      return try perform(.congestedServer(peer, request: request), server: node)
    }
    let peer: WorkerCore.Peer? =
      isCoordinator(to) ? .coordinator : worker(node)?.servers.first { $0.value == to }.map { .server($0.key) }
    if let peer { try perform(.congested(peer, request: request), worker: node) }
  }
}
