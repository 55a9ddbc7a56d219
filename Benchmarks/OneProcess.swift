import DeepFM
import Features
import Foundation
import Job
import ParamServer
import Sharding
import Wire
import Worker

/// The same training in one process without sockets: one worker's core with its threads and one server's core, which
/// hand each other their messages. What the cluster loses against it is the price of distribution.
final class OneProcess {
  private let waker: Waker
  private let inbox: Inbox
  private var worker: WorkerCore
  private var server: ServerCore
  /// What a coordinator would have.
  private var workerSession: Session
  private var serverSession: Session
  private var articles: [Digest: [UInt8]] = [:]
  private var workplace: Workplace?
  private var reports: [WorkerReport] = []
  private let route = Route(bytes: [0])
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant

  private init() throws {
    waker = try Waker()
    inbox = Inbox(waking: waker)
    start = clock.now
    let timing = Timing(timeout: 1e6)
    var identity = Preamble()
    (identity.run, identity.term, identity.view, identity.incarnation) = (1, 1, 1, 1)
    workerSession = Session(identity, timing: timing, at: 0)
    serverSession = Session(identity, timing: timing, at: 0)
    worker = WorkerCore(
      incarnation: 2, registration: Registration(role: .worker, host: "here", process: 0), coordinator: "here",
      timing: timing, at: 0)
    server = ServerCore(
      incarnation: 3, registration: Registration(role: .server, host: "here", process: 0, endpoint: "here"),
      coordinator: "here", timing: timing, at: 0)
  }

  private var now: Seconds { (clock.now - start) / .seconds(1) }

  /// Samples per second over one epoch with the tool's defaults, compute threads on all cores.
  static func run(_ file: String) throws -> Double {
    let process = try OneProcess()
    let index = try DatasetIndex.build([file], schema: Schema(format: .criteo), ReadingOptions(spool: "/nonexistent"))
    let model = try makeModel(ModelConfiguration(fields: index.fields))
    let partitions = Partition.deal(index, slices: 8, seed: 1)
    let leases = partitions.map { partition in
      Lease(
        slice: partition.slice, epoch: 1, epochStart: 0, steps: 0..<UInt64(partitions.stepsPerEpoch(sliceRows: 512)))
    }
    try process.begin(index, partitions, model)
    defer { process.workplace?.stop() }
    let time = try seconds {
      try process.carryOut(.train(leases)) { if case .trained = $0 { true } else { false } }
    }
    return Double(index.rows) / time
  }

  /// Gives both their places, and what they are to be.
  private func begin(_ index: DatasetIndex, _ partitions: [Partition], _ model: any Model<Float>) throws {
    let slots = SlotMap(servers: 1)
    let seat = Seat(number: 0, incarnation: 3, endpoint: "here")
    let encoding = Array(try JSONEncoder().encode(index.encoding))
    let train = partitions.map { $0.encoded() }
    for article in train + [encoding] { articles[SHA256.hash(article)] = article }
    perform(worker.receive(.tick, at: now))
    perform(server.receive(.tick, at: now))
    let tables = ParameterTables.describe(model, Settings(), totalSteps: 0)
    let order = serverSession.ask(
      .order(
        Control(
          ServerOrder.adopt(
            ServerAssignment(
              server: 0, slots: slots, servers: [seat], workers: [Seat(number: 0, incarnation: 2)], tables: tables,
              slices: 8, seed: 1, epochs: EpochClock(steps: 1 << 40), folder: nil, start: .fresh, clock: 0)))),
      at: now)
    perform(server.receive(.ordered(order), at: now))
    let assignment = WorkerAssignment(
      worker: 0, servers: [seat], slots: slots, model: model.configuration, batch: 4096, slices: 8,
      ownedSlices: Array(0..<8), seed: 1, threads: 0, readers: 1, clip: 0,
      data: DataArticles(
        encoding: SHA256.hash(encoding), train: train.map(SHA256.hash), evaluation: [], vocabulary: nil,
        usesAdmission: false))
    try carryOut(.adopt(assignment)) { if case .adopted = $0 { true } else { false } }
  }

  /// Has the worker carry out an order, until it is answered.
  private func carryOut(_ order: WorkerOrder, until isAnswer: (WorkerReport) -> Bool) throws {
    var poller = Poller([], waker: waker)
    perform(worker.receive(.received(workerSession.ask(.order(Control(order)), at: now), from: .coordinator), at: now))
    while !reports.contains(where: isAnswer) {
      while let event = inbox.next() { perform(worker.receive(event, at: now)) }
      if !reports.contains(where: isAnswer) { try poller.wait(milliseconds: 10) }
      waker.clear()
    }
  }

  private func perform(_ effects: [WorkerCore.Effect]) {
    for effect in effects {
      switch effect {
      case .send(let envelope, .server): perform(server.receive(.received(envelope, from: route), at: now))
      case .send(let envelope, .coordinator): hear(envelope)
      case .prepare(let preparation):
        guard let workplace = try? Workplace(preparation, threads: nil, inbox: inbox) else {
          preconditionFailure("the benchmark's own data are sound")
        }
        self.workplace = workplace
        inbox.put(.prepared(workplace.prepared))
      case .read(let order): workplace?.read(order)
      case .compute(let work): workplace?.compute(work)
      case .recycle(let work): workplace?.recycle(work)
      case .end(let error): preconditionFailure("the worker ended: \(error.map { "\($0)" } ?? "it was told to")")
      case .connect, .survey, .say: break
      }
    }
  }

  private func perform(_ effects: [ServerCore.Effect]) {
    for effect in effects {
      switch effect {
      case .send(let envelope, _): perform(worker.receive(.received(envelope, from: .server(0)), at: now))
      case .tell(let envelope):
        guard case .question(let request, .register) = serverSession.receive(envelope, at: now) else { continue }
        let welcome = serverSession.answer(request, .welcome(.server(0)))
        perform(server.receive(.ordered(welcome), at: now))
      default: break
      }
    }
  }

  /// Takes what the worker tells its coordinator.
  private func hear(_ envelope: Envelope) {
    switch workerSession.receive(envelope, at: now) {
    case .question(let request, .register): answer(request, .welcome(.worker(0)))
    case .question(let request, .fetch(let fetch)):
      guard let article = articles[fetch.digest], let piece = Piece(fetch.part, of: article, digest: fetch.digest)
      else { preconditionFailure("the worker asks for what the benchmark named") }
      answer(request, .piece(piece))
    case .answer(.report(let report), _):
      if let report = try? report.decode(WorkerReport.self) { reports.append(report) }
    default: break
    }
  }

  private func answer(_ request: UInt64, _ message: Message) {
    let envelope = workerSession.answer(request, message)
    perform(worker.receive(.received(envelope, from: .coordinator), at: now))
  }
}
