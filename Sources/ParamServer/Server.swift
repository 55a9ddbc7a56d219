import Checkpoint
import Foundation
import Logging
import Sharding
import Wire

/// A parameter server process: the edge around `ServerCore`. One thread owns the sockets and the tables; it does what the
/// core says and decides nothing. Files are written beside it (`PartQueue`).
public final class Server {
  /// How much one may take in proportion to others.
  public static let weights = SlotShares.weights
  /// Where workers reach it: what it advertises.
  public let endpoint: String
  private let logger: Logger
  private let context: Context
  private let control: Socket
  private let data: Socket
  /// Other servers, by number.
  private var peers: [Int: (seat: Seat, socket: Socket)] = [:]
  private var hasOtherPeers = false
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var core: ServerCore
  private let waker: Waker
  private let parts: PartQueue
  private var lastDropped: Seconds = -.infinity
  private var end: End?

  private enum End {
    case told
    case failed(ServerError)
  }

  /// - Parameters:
  ///   - coordinator: the endpoint of the coordinator, such as `tcp://10.0.0.1:7000`.
  ///   - listen: where workers reach this server; port `*` takes a free one.
  ///   - advertise: where workers are told to reach it, if that is not where it listens: behind a proxy or an address
  ///     translation.
  ///   - weight: how much it takes in proportion to other servers.
  ///   - timeout: how long the coordinator may be silent before it is missed.
  ///   - coordinatorTimeout: how long it is waited for then.
  /// - Throws: `WireError` where the address cannot be had, `ServerError` where it is one that nobody could reach.
  /// - Precondition: the weight is one of `weights`.
  public init(
    coordinator: String, listen: String, advertise: String? = nil, weight: Double = 1,
    timeout: Duration = .seconds(20), coordinatorTimeout: Duration = .seconds(300), logger: Logger
  ) throws {
    self.logger = logger
    context = try Context()
    data = try Socket(.router, in: context)
    let bound = try data.bind(listen)
    endpoint = try Endpoint.reachable(advertise ?? bound, coordinator: coordinator)
    waker = try Waker()
    parts = PartQueue(waking: waker)
    control = try Socket(.dealer, in: context)
    try control.connect(coordinator)
    start = clock.now
    let registration = Registration(
      role: .server, host: ProcessInfo.processInfo.hostName, process: ProcessInfo.processInfo.processIdentifier,
      endpoint: endpoint, weight: weight)
    core = ServerCore(
      incarnation: .random(in: 1 ... .max), registration: registration, coordinator: coordinator,
      timing: Timing(timeout: timeout / .seconds(1), coordinatorTimeout: coordinatorTimeout / .seconds(1)), at: 0)
  }

  private var seconds: Seconds { (clock.now - start) / .seconds(1) }

  /// Serves until the coordinator says stop. An error was told to the coordinator before it is thrown.
  public func run() throws {
    defer { parts.end() }
    var poller = Poller([control, data], waker: waker)
    while end == nil {
      if hasOtherPeers {
        hasOtherPeers = false
        poller = Poller([control, data] + peers.values.map(\.socket), waker: waker)
      }
      try poller.wait(milliseconds: core.hasLongWork ? 0 : Int(Timing.tick * 1000))
      waker.clear()
      while end == nil, let event = parts.next() { try perform(event) }
      while end == nil, let event = try nextOrder() { try perform(event) }
      for number in peers.keys.sorted() { try receive(fromServer: number) }
      // A turn takes what is there, but lets time pass.
      for _ in 0..<1000 where end == nil {
        guard let event = try nextMessage() else { break }
        try perform(event)
      }
      if core.hasLongWork { try perform(.turn) }
      try perform(.tick)
    }
    if case .failed(let error) = end { throw error }
  }

  private func nextOrder() throws -> ServerCore.Event? {
    switch try control.receive() {
    case nil: nil
    case .envelope(let envelope, _): .ordered(envelope)
    case .malformed(let error, _): .failed(.refused("\(error)"))
    }
  }

  private func receive(fromServer number: Int) throws {
    while end == nil, let peer = peers[number], let received = try peer.socket.receive() {
      switch received {
      case .envelope(let envelope, _): try perform(.answered(envelope, fromServer: number))
      case .malformed(let error, _): say("dropped a message of server-\(number): \(error)")
      }
    }
  }

  private func nextMessage() throws -> ServerCore.Event? {
    while let received = try data.receive() {
      switch received {
      case .envelope(let envelope, let route?): return .received(envelope, from: route)
      case .malformed(let error, let route?): return .malformed(error, from: route)
      case .envelope, .malformed: continue
      }
    }
    return nil
  }

  private func perform(_ event: ServerCore.Event) throws {
    guard end == nil else { return }
    for effect in core.receive(event, at: seconds) { try perform(effect) }
  }

  private func perform(_ effect: ServerCore.Effect) throws {
    switch effect {
    case .tell(let envelope):
      if case .congested = try control.send(envelope) {
        try perform(.congested(request: envelope.preamble.request))
      }
    // A worker that is gone, or whose queue is full, asks again.
    case .send(let envelope, let route): _ = try data.send(envelope, along: route)
    case .connect(let seats): try connect(seats)
    case .ask(let envelope, let number):
      guard let peer = peers[number] else { return }
      if case .congested = try peer.socket.send(envelope) {
        try perform(.congestedServer(number, request: envelope.preamble.request))
      }
    case .open(let folder, let kept): parts.open(folder, keeping: kept)
    case .read(let restore, let slots): try read(restore, slots)
    case .write(let snapshots, let header): parts.write(snapshots, header)
    case .finish(let header): parts.finish(header)
    case .abandon(let header): parts.abandon(header)
    case .remove(let files): parts.remove(files)
    case .say(let sentence): say(sentence)
    case .end(let error): end = error.map { .failed($0) } ?? .told
    }
  }

  private func connect(_ seats: [Seat]) throws {
    let before = peers
    peers = [:]
    for seat in seats {
      guard let endpoint = seat.endpoint else { continue }
      if let known = before[seat.number], known.seat == seat {
        peers[seat.number] = known
      } else {
        let socket = try Socket(.dealer, in: context)
        do {
          try socket.connect(endpoint)
          peers[seat.number] = (seat, socket)
        } catch let error as WireError {
          // What another server advertises is not this one's fault.
          say("server-\(seat.number) cannot be reached: \(error)")
        }
      }
    }
    hasOtherPeers = true
  }

  /// Noise from outside must not fill the disk: what is dropped is logged once a second at most.
  private func say(_ sentence: String) {
    guard sentence.hasPrefix("dropped") else { return logger.info("\(sentence)") }
    guard seconds - lastDropped >= 1 else { return }
    lastDropped = seconds
    logger.warning("\(sentence)")
  }

  private func read(_ restore: ServerAssignment.Restore, _ slots: [Range<Int>]) throws {
    var wanted = [Bool](repeating: false, count: Rank.slots)
    for slot in slots.joined() { wanted[slot] = true }
    do {
      try CheckpointReading.read(run: restore.run, restore.chain, wanted: { wanted[$1] }) { path, snapshot in
        try perform(.slot(.init(path: path, table: snapshot.table, slot: snapshot.slot, bytes: snapshot.bytes)))
        try perform(.tick)
      }
    } catch let error as CheckpointError {
      return try perform(.failed(.file(error)))
    }
    try perform(.restored)
  }
}
