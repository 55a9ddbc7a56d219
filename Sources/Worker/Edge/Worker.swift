import Foundation
import Logging
import Sharding
import Synchronization
import Wire

/// A worker process: reads its slices' data, pulls rows, computes gradients, pushes them.
///
/// The edge around `WorkerCore`, which decides everything: this thread owns the sockets; reading, computing, preparing
/// and surveying have threads of their own, which hand over through an inbox and wake this one.
public final class Worker {
  private let files: OwnFiles
  private let threads: Int?
  private let logger: Logger
  private let context: Context
  private let control: Socket
  /// By the seat's number.
  private var servers: [Int: Connection] = [:]
  /// How often servers were connected to: the poller is then made anew.
  private var connections = 0
  private let waker: Waker
  private let inbox: Inbox
  private let preparer: Preparer
  private var surveyor: Surveyor?
  private let spool: String
  private static let made = Atomic<Int>(0)
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var core: WorkerCore
  /// How the worker ends, once it does.
  private var ending: Result<Void, WorkerError>?
  private var malformed = 0
  private var malformedSaidAt = -Seconds.infinity

  private struct Connection {
    let seat: Seat
    let socket: Socket
  }

  /// - Parameters:
  ///   - coordinator: the endpoint of the coordinator, such as `tcp://10.0.0.1:7000`.
  ///   - threads: compute threads; nil takes what the coordinator says.
  ///   - files: the data that only this worker can read: files, directories, patterns.
  ///   - timeout: how long the coordinator may be silent before it is missed.
  ///   - coordinatorTimeout: how long it is waited for then.
  /// - Throws: `WireError`, or `DatasetError` where there are no such files.
  public init(
    coordinator: String, threads: Int? = nil, files: [String] = [], timeout: Duration = .seconds(20),
    coordinatorTimeout: Duration = .seconds(300), logger: Logger
  ) throws {
    self.threads = threads
    self.logger = logger
    context = try Context()
    control = try Socket(.dealer, in: context)
    try control.connect(coordinator)
    waker = try Waker()
    inbox = Inbox(waking: waker)
    // Its own, also where several workers are in one process; named so that what a killed one leaves is swept up.
    let number = Self.made.add(1, ordering: .relaxed).newValue
    let process = ProcessInfo.processInfo.processIdentifier
    spool = FileManager.default.temporaryDirectory.path + "/deepfm-worker-\(number)-\(process)"
    self.files = try OwnFiles(files, spool: spool, inbox: inbox)
    preparer = Preparer(threads: threads, files: self.files, inbox: inbox)
    start = clock.now
    var random = SystemRandomNumberGenerator()
    core = WorkerCore(
      incarnation: .random(in: 1 ... .max, using: &random),
      registration: Registration(
        role: .worker, host: ProcessInfo.processInfo.hostName, process: process, files: self.files.names),
      coordinator: coordinator,
      timing: Timing(timeout: timeout / .seconds(1), coordinatorTimeout: coordinatorTimeout / .seconds(1)), at: 0)
  }

  private var now: Seconds { (clock.now - start) / .seconds(1) }

  /// Works until the coordinator says stop. All threads are joined when this returns.
  ///
  /// - Throws: `WorkerError`, which the coordinator was told of, or `WireError`.
  public func run() throws {
    defer {
      inbox.close()
      surveyor?.stop()
      files.cancel()
      preparer.stop()
      try? FileManager.default.removeItem(atPath: spool)
    }
    var poller = Poller([control], waker: waker)
    var polled = 0
    var nextTick = 0.0
    while ending == nil {
      if now >= nextTick {
        try tell(.tick)
        nextTick = now + Timing.tick
      }
      if polled != connections {
        poller = Poller([control] + servers.values.map(\.socket), waker: waker)
        polled = connections
      }
      try poller.wait(milliseconds: max(0, Int((nextTick - now) * 1000)))
      waker.clear()
      try receive(from: control, .coordinator)
      for (number, server) in servers { try receive(from: server.socket, .server(number)) }
      while ending == nil, let event = inbox.next() { try tell(event) }
    }
    try ending?.get()
  }

  /// Most messages that are taken from one socket before the others, and the time, have their turn.
  private static let turn = 256

  private func receive(from socket: Socket, _ peer: WorkerCore.Peer) throws {
    for _ in 0..<Self.turn {
      guard ending == nil, let received = try socket.receive() else { return }
      switch received {
      case .envelope(let envelope, _): try tell(.received(envelope, from: peer))
      case .malformed(let error, _): note(error, from: peer)
      }
    }
  }

  /// Says so at most once a second, whoever sends what.
  private func note(_ error: WireError, from peer: WorkerCore.Peer) {
    malformed += 1
    guard now - malformedSaidAt >= 1 else { return }
    malformedSaidAt = now
    logger.warning("dropped a message, \(malformed) by now", metadata: ["from": "\(peer)", "reason": "\(error)"])
  }

  private func tell(_ event: WorkerCore.Event) throws {
    for effect in core.receive(event, at: now) { try perform(effect) }
  }

  private func perform(_ effect: WorkerCore.Effect) throws {
    switch effect {
    case .send(let envelope, .coordinator): try send(envelope, through: control, to: .coordinator)
    case .send(let envelope, .server(let number)):
      if let server = servers[number] { try send(envelope, through: server.socket, to: .server(number)) }
    case .connect(let seats): try connect(seats)
    case .prepare(let preparation): preparer.prepare(preparation)
    case .read(let order): preparer.workplace?.read(order)
    case .compute(let work): preparer.workplace?.compute(work)
    case .recycle(let work): preparer.workplace?.recycle(work)
    case .survey(let order, let view):
      surveyor?.stop()
      surveyor = Surveyor(order, view: view, files: files.paths, spool: spool, threads: threads, inbox: inbox)
    case .say(let sentence): logger.notice("\(sentence)")
    case .end(let error): ending = error.map { .failure($0) } ?? .success(())
    }
  }

  /// Closes connections to servers that are not among these, and makes those that are lacking.
  private func connect(_ seats: [Seat]) throws {
    var next: [Int: Connection] = [:]
    for seat in seats {
      if let known = servers[seat.number], known.seat == seat {
        next[seat.number] = known
      } else if let endpoint = seat.endpoint {
        let socket = try Socket(.dealer, in: context)
        try socket.connect(endpoint)
        next[seat.number] = Connection(seat: seat, socket: socket)
      }
    }
    servers = next
    connections += 1
  }

  private func send(_ envelope: Envelope, through socket: Socket, to peer: WorkerCore.Peer) throws {
    if try socket.send(envelope) == .sent { return }
    try tell(.congested(peer, request: envelope.preamble.request))
  }
}
