import DeepFM
import Features
import Foundation
import Job
import Logging
import Sharding
import Synchronization
import Testing
import Wire
import Worker

/// A coordinator and two servers on sockets, played by hand.
final class EdgeCluster {
  let context: Context
  let control: Socket
  let servers: [Socket]
  let endpoint: String
  /// Server 0, and another process that may take its place.
  let seats: [Seat]
  private var session: Session
  private var poller: Poller
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  let model: any Model<Float>
  var articles: [Digest: [UInt8]] = [:]
  /// Blocks' labels by chunk and first row.
  var scores: [[Int]: Int] = [:]
  var samples: [UInt64: UInt64] = [:]
  var beats: [Beat] = []
  /// What the worker said of itself when it came.
  var registration: Registration?
  /// Pulls at this clock and later ones get no answer.
  var heldClock = UInt64.max
  /// Incarnations of the servers that answered.
  var served: Set<UInt64> = []
  var failure: String?

  init() throws {
    context = try Context()
    control = try Socket(.router, in: context)
    servers = try (0..<2).map { [context] _ in try Socket(.router, in: context) }
    endpoint = try control.bind("tcp://127.0.0.1:*")
    seats = try servers.enumerated().map {
      Seat(number: 0, incarnation: 6 + UInt64($0), endpoint: try $1.bind("tcp://127.0.0.1:*"))
    }
    start = clock.now
    var identity = Preamble()
    identity.run = 9
    identity.term = 1
    identity.member = .coordinator
    identity.incarnation = 5
    session = Session(identity, timing: Timing(timeout: 20), at: 0)
    poller = Poller([control] + servers)
    model = try makeModel(Sample.model)
  }

  private var now: Seconds { (clock.now - start) / .seconds(1) }

  /// Gives an order, and plays on until it is answered.
  ///
  /// - Returns: nil where the worker fails instead.
  func order(_ order: WorkerOrder, view: UInt32 = 1, seconds: Seconds = 20) throws -> WorkerReport? {
    session.identity.view = view
    let question = session.ask(.order(Control(order)), at: now)
    if session.route != nil { _ = try control.send(question, along: session.route) }
    return try play(seconds: seconds)
  }

  /// Proposes a view and has it adopted. Returns whether it is.
  func adopt(_ assignment: WorkerAssignment, view: UInt32) throws -> Bool {
    session.forget()
    guard case .standing? = try order(.propose, view: view),
      case .adopted? = try order(.adopt(assignment), view: view)
    else { return false }
    return true
  }

  /// An assignment of both slices, with the data of an index.
  func assignment(_ index: DatasetIndex, evaluates: Bool = false) throws -> WorkerAssignment {
    let partitions = Partition.deal(index, slices: 2, seed: 1).map { $0.encoded() }
    let encoding = Array(try JSONEncoder().encode(index.encoding))
    for article in partitions + [encoding] { articles[SHA256.hash(article)] = article }
    var assignment = Sample.assignment(servers: 1)
    assignment.servers = [seats[0]]
    assignment.batch = 200
    assignment.data = DataArticles(
      encoding: SHA256.hash(encoding), train: partitions.map(SHA256.hash),
      evaluation: evaluates ? partitions.map(SHA256.hash) : [], vocabulary: nil, usesAdmission: false)
    return assignment
  }

  /// Plays until a report comes, or for some seconds.
  func play(seconds: Seconds = 20) throws -> WorkerReport? {
    let end = now + seconds
    while now < end {
      try poller.wait(milliseconds: 20)
      while case .envelope(let envelope, let route)? = try control.receive() {
        if let report = try hear(envelope, route) { return report }
      }
      for server in servers.indices {
        while case .envelope(let envelope, let route)? = try servers[server].receive() {
          try serve(envelope, route, server)
        }
      }
      for question in session.due(at: now) where session.route != nil {
        _ = try control.send(question, along: session.route)
      }
      if session.route != nil, session.isBeatDue(at: now) {
        _ = try control.send(session.say(.beat(Beat())), along: session.route)
      }
      if failure != nil { return nil }
    }
    return nil
  }

  private func hear(_ envelope: Envelope, _ route: Route?) throws -> WorkerReport? {
    switch session.receive(envelope, at: now) {
    case .question(let request, let message):
      let answer: Message
      switch message {
      case .register(let registration):
        self.registration = registration
        session.route = route
        answer = .welcome(.worker(0))
      case .fetch(let fetch):
        answer = .piece(try #require(Piece(fetch.part, of: articles[fetch.digest]!, digest: fetch.digest)))
      case .scores(let block):
        scores[[block.chunk, block.firstRow]] = block.count
        answer = .noted
      case .failed(let sentence):
        failure = sentence
        answer = .noted
      default: return nil
      }
      _ = try control.send(session.answer(request, answer), along: route)
    case .answer(.report(let control), _): return try control.decode()
    case .said(.beat(let beat)): beats.append(beat)
    default: break
    }
    return nil
  }

  private func serve(_ envelope: Envelope, _ route: Route?, _ server: Int) throws {
    var preamble = Preamble()
    preamble.run = 9
    preamble.term = 1
    preamble.view = envelope.preamble.view
    preamble.member = .server(0)
    preamble.incarnation = seats[server].incarnation
    preamble.request = envelope.preamble.request
    served.insert(preamble.incarnation)
    switch envelope.message {
    case .pull(let pull):
      guard pull.clock < heldClock else { return }
      let rows = Rig.rows(for: pull, Sample.row(model))
      _ = try servers[server].send(Envelope(preamble, .rows(rows)), along: route)
    case .push(let push):
      if push.table == ParameterTables.dense { samples[push.clock] = push.samples }
      _ = try servers[server].send(Envelope(preamble, .pushed), along: route)
    default: break
    }
  }

  /// Runs a worker on a thread while the test plays the others, and joins it.
  static func run(files: [String] = [], _ body: (EdgeCluster) throws -> Void) throws -> String? {
    let cluster = try EdgeCluster()
    let outcome = Outcome()
    let endpoint = cluster.endpoint
    let thread = NamedThread("worker") {
      do {
        var logger = Logger(label: "worker")
        logger.logLevel = .critical
        try Worker(coordinator: endpoint, threads: 2, files: files, timeout: .seconds(5), logger: logger).run()
      } catch {
        outcome.error.withLock { $0 = "\(error)" }
      }
      outcome.hasReturned.store(true, ordering: .sequentiallyConsistent)
    }
    _ = try cluster.play(seconds: 0.3)
    try body(cluster)
    thread.join()
    return outcome.error.withLock { $0 }
  }

  private final class Outcome: Sendable {
    let error = Mutex<String?>(nil)
    let hasReturned = Atomic(false)
  }
}

/// A file of so many rows, and what a survey finds in it.
func withData(rows: Int, _ body: (String, DatasetIndex) throws -> Void) throws {
  let directory = FileManager.default.temporaryDirectory.appending(
    path: "worker-edge-\(UInt64.random(in: 0 ... .max))")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  let file = directory.appending(path: "data.csv").path
  let lines = (0..<rows).map { "\($0 % 3 == 0 ? 1 : 0),a\($0 % 7),b\($0 % 5)" }
  try ("click,x,y\n" + lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
  let index = try DatasetIndex.build(
    [file], schema: dataSchema, ReadingOptions(spool: "/nonexistent", chunkBytes: 1 << 10))
  try body(file, index)
}

var dataSchema: Schema {
  var schema = Schema(format: .csv)
  schema.label.column = "click"
  return schema
}
