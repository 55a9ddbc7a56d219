import Coordinator
import DeepFM
import Features
import Foundation
import Job
import ParamServer
import Sharding
import Wire
import Worker

/// The same training in one process without sockets: the cores of a coordinator, a server and a worker, which hand each
/// other their messages, and the worker's threads. What the cluster loses against it is the price of distribution.
struct OneProcess: ~Copyable {
  private var coordinator: CoordinatorCore
  private var server: ServerCore
  private var worker: WorkerCore
  private let waker: Waker
  private let inbox: Inbox
  private let preparer: Preparer
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private var samplesPerSecond: Double?

  /// An event on its way to one of the three.
  private enum Delivery {
    case coordinator(CoordinatorCore.Event)
    case server(ServerCore.Event)
    case worker(WorkerCore.Event)
  }

  private static let serverRoute = Route(bytes: [0])
  private static let workerRoute = Route(bytes: [1])

  /// Samples per second over one epoch with the tool's defaults, compute threads on all cores.
  static func run(_ file: String) throws -> Double {
    var settings = Settings()
    settings.data.train = [file]
    settings.optimization.epochs = 1
    (settings.cluster.servers, settings.cluster.workers, settings.cluster.threads) = (1, 1, 0)
    let index = try DatasetIndex.build([file], schema: Schema(format: .criteo), ReadingOptions(spool: "/nonexistent"))
    let model = try ModelPlan(
      settings: settings, model: settings.model.configuration(fields: index.fields), train: index, evaluation: nil)
    let plan = try Plan(.train(model, databases: ["nowhere"]), settings: settings, gatherSeconds: 60)
    var process = try OneProcess()
    return try process.train(plan)
  }

  private init() throws {
    let timing = Timing(timeout: 60)
    coordinator = CoordinatorCore(servers: 1, workers: 1, run: 1, timing: timing, at: 0)
    server = ServerCore(
      incarnation: 1, registration: Registration(role: .server, host: "here", process: 1, endpoint: "here"),
      coordinator: "here", timing: timing, at: 0)
    worker = WorkerCore(
      incarnation: 2, registration: Registration(role: .worker, host: "here", process: 2), timing: timing, at: 0)
    waker = try Waker()
    inbox = Inbox(waking: waker)
    preparer = Preparer(threads: nil, inbox: inbox)
    start = clock.now
  }

  private var now: Seconds { (clock.now - start) / .seconds(1) }

  private mutating func train(_ plan: Plan) throws -> Double {
    defer {
      inbox.close()
      preparer.stop()
    }
    try deliver(.coordinator(.start(plan)))
    var poller = Poller([], waker: waker)
    var nextTick = 0.0
    while samplesPerSecond == nil {
      if now >= nextTick {
        for event in [Delivery.coordinator(.tick), .server(.tick), .worker(.tick)] { try deliver(event) }
        nextTick = now + Timing.tick
      }
      while server.hasLongWork { try deliver(.server(.turn)) }
      try poller.wait(milliseconds: max(0, Int((nextTick - now) * 1000)))
      waker.clear()
      while let event = inbox.next() { try deliver(.worker(event)) }
    }
    return samplesPerSecond ?? 0
  }

  /// Delivers an event, and all messages that follow from it, in the order in which they are sent.
  private mutating func deliver(_ first: Delivery) throws {
    var deliveries = [first]
    var next = 0
    while next < deliveries.count {
      switch deliveries[next] {
      case .coordinator(let event): deliveries += try coordinator.receive(event, at: now).compactMap { try perform($0) }
      case .server(let event): deliveries += try server.receive(event, at: now).compactMap { try perform($0) }
      case .worker(let event): deliveries += try worker.receive(event, at: now).compactMap { try perform($0) }
      }
      next += 1
    }
  }

  private mutating func perform(_ effect: CoordinatorCore.Effect) throws -> Delivery? {
    switch effect {
    case .send(let envelope, Self.serverRoute): return .server(.ordered(envelope))
    case .send(let envelope, _): return .worker(.received(envelope, from: .coordinator))
    // The epoch's own clock does not count what a checkpoint takes.
    case .commit(let epoch, _): samplesPerSecond = epoch.samplesPerSecond
    case .finish: throw BenchmarkFailure()
    case .recordMembers, .progress, .epochDone, .say: break
    }
    return nil
  }

  private func perform(_ effect: ServerCore.Effect) throws -> Delivery? {
    switch effect {
    case .tell(let envelope): return .coordinator(.received(envelope, from: Self.serverRoute))
    case .send(let envelope, _): return .worker(.received(envelope, from: .server(0)))
    // There is no disk.
    case .write: return .server(.written)
    case .sync: return .server(.synced)
    case .end: throw BenchmarkFailure()
    case .open, .read, .prune, .say: return nil
    }
  }

  private func perform(_ effect: WorkerCore.Effect) throws -> Delivery? {
    switch effect {
    case .send(let envelope, .coordinator): return .coordinator(.received(envelope, from: Self.workerRoute))
    case .send(let envelope, .server): return .server(.received(envelope, from: Self.workerRoute))
    case .prepare(let preparation): preparer.prepare(preparation)
    case .read(let order): preparer.workplace?.reader.read(order)
    case .compute(let work): preparer.workplace?.computers.compute(work)
    case .recycle(let work): preparer.workplace?.reader.recycle(work)
    case .end: throw BenchmarkFailure()
    case .connect, .survey, .say: break
    }
    return nil
  }
}
