import Checkpoint
import Foundation
import Logging
import Wire

/// A parameter server process: the edge around `ServerCore`. One thread owns the sockets, the tables and the file.
public final class Server {
  /// Where workers reach it, with the port it got.
  public let endpoint: String
  private let coordinator: String
  private let timeout: Duration
  private let logger: Logger
  private let context: Context
  private let control: Socket
  private let data: Socket
  private let clock = ContinuousClock()
  private var lastHeard: ContinuousClock.Instant
  private var lastHeartbeat: ContinuousClock.Instant
  private var dropped = 0

  /// - Parameters:
  ///   - coordinator: the endpoint of the coordinator, such as `tcp://10.0.0.1:7000`.
  ///   - listen: where workers reach this server; port `*` takes a free one.
  ///   - timeout: how long the coordinator may be silent.
  public init(coordinator: String, listen: String, timeout: Duration = .seconds(20), logger: Logger) throws {
    self.coordinator = coordinator
    self.timeout = timeout
    self.logger = logger
    context = try Context()
    data = try Socket(.router, in: context)
    endpoint = try data.bind(listen)
    control = try Socket(.dealer, in: context)
    try control.connect(coordinator)
    lastHeard = clock.now
    lastHeartbeat = clock.now
  }

  /// Serves until the coordinator says stop. An error was told to the coordinator before it is thrown.
  public func run() throws {
    do {
      while let assignment = try waitForAssignment() {
        guard try serve(assignment) == .released else { return }
      }
    } catch {
      try? send(.failed("\(error)"))
      throw error
    }
  }

  private func send(_ report: ServerReport) throws {
    try control.send(Message(control: report, kind: .serverControl))
  }

  private func nextOrder() throws -> ServerOrder? {
    while let received = try control.receive() {
      guard case .message(let message, _) = received else { continue }
      switch message.header.kind {
      case .serverControl:
        lastHeard = clock.now
        return try message.control(as: ServerOrder.self)
      case .refusal: throw ServerError.refused(message.sentence)
      default: continue
      }
    }
    return nil
  }

  private func checkCoordinator() throws {
    guard clock.now - lastHeard < timeout else {
      throw ServerError.coordinatorSilent(endpoint: coordinator, seconds: Int(timeout / .seconds(1)))
    }
  }

  /// Registers every second until the coordinator answers with an assignment; nil when it says stop first.
  private func waitForAssignment() throws -> ServerAssignment? {
    var poller = Poller([control])
    var lastRegistered: ContinuousClock.Instant?
    var lastSaid = clock.now
    let role = ServerReport.Role(
      endpoint: endpoint, host: ProcessInfo.processInfo.hostName, process: ProcessInfo.processInfo.processIdentifier)
    while true {
      if lastRegistered.map({ clock.now - $0 >= .seconds(1) }) ?? true {
        try? send(.register(role: role))
        lastRegistered = clock.now
      }
      try poller.wait(milliseconds: 100)
      while let order = try nextOrder() {
        switch order {
        case .configure(let assignment): return assignment
        case .stop: return nil
        default: continue
        }
      }
      if clock.now - lastSaid >= .seconds(5) {
        logger.notice("waiting for the coordinator at \(coordinator)")
        lastSaid = clock.now
      }
      try checkCoordinator()
    }
  }

  private enum End { case released, stopped }

  private func serve(_ assignment: ServerAssignment) throws -> End {
    var core = try ServerCore(assignment)
    if let restore = assignment.restore { try read(restore, into: core) }
    let database = try assignment.database.map { try ShardDatabase(path: $0) }
    let isResumed = assignment.restore.map { $0.onlyParametersOf == nil } ?? false
    try database?.discard(newerThan: isResumed ? assignment.restore?.checkpoint ?? -1 : -1)
    var ordered: (number: Int, clock: UInt64)?
    var writer: CheckpointWriter?
    var hasher: DigestTask?
    try send(.configured)
    logger.info("server-\(assignment.server) serves \(assignment.tables.count) tables at \(endpoint)")

    var poller = Poller([control, data])
    while true {
      try poller.wait(milliseconds: writer == nil && hasher == nil ? 100 : 0)
      while let order = try nextOrder() {
        switch order {
        case .stop: return .stopped
        case .release: return .released
        case .heartbeat: break
        case .configure: throw ServerError.badAssignment("a second configuration")
        case .checkpoint(let number, let clock): ordered = (number, clock)
        case .committed(let number): try database?.prune(committed: number)
        case .digest: hasher = DigestTask(core)
        }
      }
      // A turn takes what is there, but lets heartbeats through.
      for _ in 0..<1000 {
        guard let received = try data.receive() else { break }
        receive(received, &core)
      }
      if let checkpoint = ordered, core.clock >= checkpoint.clock {
        writer = CheckpointWriter(number: checkpoint.number, core: core)
        ordered = nil
      }
      if writer != nil {
        guard let database else { throw ServerError.badAssignment("a checkpoint without a file to write it to") }
        if try writer!.writeSome(of: core, to: database) {
          try send(.checkpointed(number: writer!.number, slots: writer!.slots, bytes: writer!.bytes))
          writer = nil
        }
      }
      if let digests = hasher?.hashSome(of: core) {
        try send(.digests(digests))
        hasher = nil
      }
      try beat(core)
      try checkCoordinator()
    }
  }

  private func receive(_ received: Socket.Received, _ core: inout ServerCore) {
    switch received {
    case .malformed(let error, _):
      dropped += 1
      logger.warning("dropped a message (\(dropped) so far): \(error)")
    case .message(let message, let peer):
      guard let peer else { return }
      for case .send(let answer, let receiver) in core.receive(message, from: peer) {
        // A worker that is gone needs no answer; the coordinator notices by itself.
        try? data.send(answer, to: receiver)
      }
    }
  }

  private func beat(_ core: ServerCore) throws {
    guard clock.now - lastHeartbeat >= .seconds(1) else { return }
    lastHeartbeat = clock.now
    try? send(.heartbeat(core.load))
  }

  private func read(_ restore: ServerAssignment.Restore, into core: ServerCore) throws {
    try ShardDatabase.read(restore.databases, checkpoint: restore.checkpoint, wanted: core.owns) {
      path, table, slot, blob in
      do {
        if let only = restore.onlyParametersOf {
          if table == only { try core.start(from: blob, table: table, slot: slot) }
        } else {
          try core.restore(blob, table: table, slot: slot, isDirty: path != core.assignment.database)
        }
      } catch {
        throw CheckpointError.damagedSlot(path: path, table: table, slot: slot, reason: "\(error)")
      }
      try beat(core)
    }
    lastHeard = clock.now
  }
}
