import DeepFM
import Features
import Foundation
import Job
import Logging
import Wire

/// A worker process: reads its slices' data, pulls rows, computes gradients, pushes them.
///
/// The edge around `WorkerCore`: this thread owns the sockets; reading and computing have threads of their own, which
/// hand over through bounded queues and wake this one.
public final class Worker {
  private let coordinator: String
  private let threads: Int?
  private let files: [String]
  private let timeout: Duration
  private let logger: Logger
  private let context: Context
  private let control: Socket
  private let waker: Waker
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant

  /// - Parameters:
  ///   - coordinator: the endpoint of the coordinator, such as `tcp://10.0.0.1:7000`.
  ///   - threads: compute threads; nil takes what the coordinator says.
  ///   - files: the data that only this worker can read: files, directories, patterns.
  ///   - timeout: how long the coordinator may be silent.
  public init(
    coordinator: String, threads: Int? = nil, files: [String] = [], timeout: Duration = .seconds(20), logger: Logger
  ) throws {
    self.coordinator = coordinator
    self.threads = threads
    self.files = files
    self.timeout = timeout
    self.logger = logger
    context = try Context()
    control = try Socket(.dealer, in: context)
    waker = try Waker()
    start = clock.now
    try control.connect(coordinator)
  }

  private var seconds: Double { (clock.now - start) / .seconds(1) }

  /// Works until the coordinator says stop. An error was told to the coordinator before it is thrown.
  public func run() throws {
    let spool =
      FileManager.default.temporaryDirectory.path
      + "/deepfm-worker-\(ProcessInfo.processInfo.processIdentifier)"
    defer { try? FileManager.default.removeItem(atPath: spool) }
    do {
      var own: [DatasetIndex.File] = []
      while let order = try waitForAssignment() {
        switch order {
        case .survey(let survey): own = try look(survey, spool: spool)
        case .configure(var assignment):
          assignment.train = assignment.train.map { $0.localized(to: own) }
          assignment.evaluation = assignment.evaluation?.localized(to: own)
          guard try work(assignment) == .released else { return }
        default: return
        }
      }
    } catch {
      try? send(.failed("\(error)"))
      throw error
    }
  }

  private func send(_ report: WorkerReport) throws {
    try control.send(Message(control: report, kind: .workerControl))
  }

  private func nextOrder() throws -> WorkerOrder? {
    while let received = try control.receive() {
      switch received {
      case .message(let message, _) where message.header.kind == .workerControl:
        return try message.control(as: WorkerOrder.self)
      case .message(let message, _) where message.header.kind == .refusal:
        throw WorkerError.unexpected("the coordinator refused this worker: \(message.sentence)")
      case .message: continue
      case .malformed(let error, _): logger.warning("dropped from the coordinator: \(error)")
      }
    }
    return nil
  }

  /// Reads through the files of this worker that the coordinator asks for, tells it what is there, and waits for what
  /// comes next. Returns the files.
  private func look(_ order: SurveyOrder, spool: String) throws -> [DatasetIndex.File] {
    var lastHeartbeat = clock.now
    let own = DataFiles.distinct(try DataFiles.expand(files))
    func survey(_ patterns: [String], _ name: String) throws -> DatasetSurvey? {
      let matches = DataFiles.matching(patterns, among: own)
      guard !matches.isEmpty else { return nil }
      let reading = ReadingOptions(spool: "\(spool)/\(name)", badRows: order.badRows, threads: threads) { [self] _, _ in
        guard clock.now - lastHeartbeat >= .milliseconds(500) else { return }
        try? send(.heartbeat)
        lastHeartbeat = clock.now
      }
      return try DatasetSurvey.run(matches, .learn(order.schema), reading)
    }
    let result = try SurveyResult(train: survey(order.train, "train"), valid: survey(order.valid, "valid"))
    try send(.surveyed(result))
    return (result.train?.files ?? []) + (result.valid?.files ?? [])
  }

  /// Registers every second until the coordinator answers with something to do; nil when it says stop first.
  private func waitForAssignment() throws -> WorkerOrder? {
    var poller = Poller([control])
    var lastHeard = clock.now
    var lastRegistered: ContinuousClock.Instant?
    var lastSaid = clock.now
    let registration = WorkerReport.register(
      host: ProcessInfo.processInfo.hostName, process: ProcessInfo.processInfo.processIdentifier)
    while true {
      if lastRegistered.map({ clock.now - $0 >= .seconds(1) }) ?? true {
        try? send(registration)
        lastRegistered = clock.now
      }
      try poller.wait(milliseconds: 100)
      while let order = try nextOrder() {
        lastHeard = clock.now
        switch order {
        case .configure, .survey: return order
        case .stop: return nil
        case .heartbeat, .release: continue
        default: throw WorkerError.unexpected("an order before the configuration")
        }
      }
      if clock.now - lastSaid >= .seconds(5) {
        logger.notice("waiting for the coordinator at \(coordinator)")
        lastSaid = clock.now
      }
      try check(lastHeard)
    }
  }

  private func check(_ lastHeard: ContinuousClock.Instant) throws {
    guard clock.now - lastHeard < timeout else {
      throw WorkerError.coordinatorSilent(endpoint: coordinator, seconds: Int(timeout / .seconds(1)))
    }
  }

  private enum End { case released, stopped }

  private func work(_ received: WorkerAssignment) throws -> End {
    var assignment = received
    if let threads { assignment.threads = threads }
    let model = try makeModel(assignment.model)
    let servers = try assignment.servers.map { endpoint in
      let socket = try Socket(.dealer, in: context)
      try socket.connect(endpoint)
      return socket
    }
    let blocks = DenseBlocks(count: model.dense.count, slots: assignment.slots)
    let pool = ComputePool(assignment, model: model, blocks: blocks, waker: waker)
    let reader = InputReader(assignment, waker: waker)
    defer {
      reader.stop()
      pool.stop()
    }
    var core = WorkerCore(
      assignment, model: model, blocks: blocks, threads: pool.threads, pushesPerStep: pool.pushesPerStep)

    func perform(_ effects: [WorkerCore.Effect]) throws {
      for effect in effects {
        switch effect {
        case .send(let message, let server): try servers[server].send(message)
        case .compute(let work): pool.compute(work)
        case .read(let order): reader.read(order)
        case .recycle(let work): reader.recycle(work)
        case .report(let report): try send(report)
        case .scores(let block): try control.send(block.message(view: assignment.view))
        }
      }
    }

    try send(.configured)
    logger.info("worker-\(assignment.worker): slices \(assignment.ownedSlices), \(pool.threads) threads")
    var poller = Poller([control] + servers, waker: waker)
    var lastHeard = clock.now
    var lastHeartbeat = clock.now
    while true {
      try poller.wait(milliseconds: 100)
      waker.clear()
      while let order = try nextOrder() {
        lastHeard = clock.now
        if case .stop = order { return .stopped }
        if case .release = order { return .released }
        try perform(core.receive(order, at: seconds))
      }
      for (number, server) in servers.enumerated() {
        while let received = try server.receive() {
          switch received {
          case .message(let message, _): try perform(core.receive(message, from: number))
          case .malformed(let error, _): throw error
          }
        }
      }
      while let result = pool.next() { try perform(core.finish(result, at: seconds)) }
      while core.wantsInput, let work = try reader.next() { try perform(core.begin(work, at: seconds)) }
      if clock.now - lastHeartbeat >= .milliseconds(500) {
        try? send(core.heartbeat)
        lastHeartbeat = clock.now
      }
      try check(lastHeard)
    }
  }
}
