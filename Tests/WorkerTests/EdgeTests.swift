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

/// The edge, with its sockets, threads and files, against a coordinator and a server that the test plays.
struct EdgeTests {
  private final class Outcome: Sendable {
    let error = Mutex<String?>(nil)
    let hasReturned = Atomic(false)
  }

  /// A coordinator and a server on sockets.
  private final class Cluster {
    let context: Context
    let control: Socket
    let server: Socket
    let endpoint: String
    let serverEndpoint: String
    var seat: Seat { Seat(number: 0, incarnation: 6, endpoint: serverEndpoint) }
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
    var failure: String?

    init() throws {
      context = try Context()
      control = try Socket(.router, in: context)
      server = try Socket(.router, in: context)
      endpoint = try control.bind("tcp://127.0.0.1:*")
      serverEndpoint = try server.bind("tcp://127.0.0.1:*")
      start = clock.now
      var identity = Preamble()
      identity.run = 9
      identity.term = 1
      identity.member = .coordinator
      identity.incarnation = 5
      session = Session(identity, timing: Timing(timeout: 20), at: 0)
      poller = Poller([control, server])
      model = try makeModel(Sample.model)
    }

    private var now: Seconds { (clock.now - start) / .seconds(1) }

    /// Gives an order, and plays on until it is answered.
    ///
    /// - Returns: nil where the worker fails instead.
    func order(_ order: WorkerOrder, view: UInt32 = 1) throws -> WorkerReport? {
      session.identity.view = view
      let question = session.ask(.order(Control(order)), at: now)
      if session.route != nil { _ = try control.send(question, along: session.route) }
      return try play()
    }

    /// Plays until a report comes, or for some seconds.
    func play(seconds: Seconds = 20) throws -> WorkerReport? {
      let end = now + seconds
      while now < end {
        try poller.wait(milliseconds: 20)
        while case .envelope(let envelope, let route)? = try control.receive() {
          if let report = try hear(envelope, route) { return report }
        }
        while case .envelope(let envelope, let route)? = try server.receive() { try serve(envelope, route) }
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
        case .register:
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

    private func serve(_ envelope: Envelope, _ route: Route?) throws {
      var preamble = Preamble()
      preamble.run = 9
      preamble.term = 1
      preamble.view = envelope.preamble.view
      preamble.member = .server(0)
      preamble.incarnation = 6
      preamble.request = envelope.preamble.request
      switch envelope.message {
      case .pull(let pull):
        let rows = Rig.rows(for: pull, Sample.row(model))
        _ = try server.send(Envelope(preamble, .rows(rows)), along: route)
      case .push(let push):
        if push.table == ParameterTables.dense { samples[push.clock] = push.samples }
        _ = try server.send(Envelope(preamble, .pushed), along: route)
      default: break
      }
    }
  }

  /// Runs a worker on a thread while the test plays the others, and joins it.
  private func withWorker(files: [String] = [], _ body: (Cluster) throws -> Void) throws -> String? {
    let cluster = try Cluster()
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

  private func withData(rows: Int, _ body: (String, DatasetIndex) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "worker-edge-\(UInt64.random(in: 0 ... .max))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let file = directory.appending(path: "data.csv").path
    let lines = (0..<rows).map { "\($0 % 3 == 0 ? 1 : 0),a\($0 % 7),b\($0 % 5)" }
    try ("click,x,y\n" + lines.joined(separator: "\n") + "\n").write(toFile: file, atomically: true, encoding: .utf8)
    let index = try DatasetIndex.build(
      [file], schema: Self.schema, ReadingOptions(spool: "/nonexistent", chunkBytes: 1 << 10))
    try body(file, index)
  }

  private static var schema: Schema {
    var schema = Schema(format: .csv)
    schema.label.column = "click"
    return schema
  }

  @Test("A worker reads, computes and scores files of its own, in two views, and stops with all its threads joined")
  func life() throws {
    try withData(rows: 1000) { file, index in
      let error = try withWorker(files: [file]) { cluster in
        guard
          case .surveyed(let survey)? = try cluster.order(
            .survey(SurveyOrder(train: ["*.csv"], valid: [], schema: Self.schema, badRows: .fail)), view: 0)
        else {
          Issue.record("not surveyed")
          return
        }
        #expect(survey.train?.rows == 1000 && survey.valid == nil)
        // The data are named without a path: the worker knows where its own are.
        var index = index
        index.files[0].path = ""
        let partitions = Partition.deal(index, slices: 2, seed: 1).map { $0.encoded() }
        let encoding = Array(try JSONEncoder().encode(index.encoding))
        for article in partitions + [encoding] { cluster.articles[SHA256.hash(article)] = article }
        for view: UInt32 in 1...2 {
          let assignment = WorkerAssignment(
            worker: 0, servers: [cluster.seat], slots: SlotMap(servers: 1), model: Sample.model, batch: 200,
            slices: 2, ownedSlices: [0, 1], seed: 1, threads: 0, readers: view == 1 ? 1 : 0, clip: 0,
            data: DataArticles(
              encoding: SHA256.hash(encoding), train: partitions.map(SHA256.hash),
              evaluation: partitions.map(SHA256.hash), vocabulary: nil, usesAdmission: false))
          guard case .adopted? = try cluster.order(.adopt(assignment), view: view) else {
            Issue.record("not adopted")
            return
          }
          // Two leases of one epoch.
          cluster.samples = [:]
          for steps in [0..<UInt64(2), 2..<7] {
            guard case .trained? = try cluster.order(.train(Sample.leases(steps: steps)), view: view) else {
              Issue.record("not trained")
              return
            }
          }
          #expect(cluster.samples.count == 7 && cluster.samples.values.reduce(0, +) == 1000)
          cluster.scores = [:]
          guard case .done? = try cluster.order(.evaluate(round: 1, clock: 7), view: view) else {
            Issue.record("not evaluated")
            return
          }
          #expect(cluster.scores.values.reduce(0, +) == 1000)
          #expect(Set(cluster.scores.keys.map { $0[0] }) == Set(index.chunks.indices))
        }
        guard case .done? = try cluster.order(.stop, view: 2) else {
          Issue.record("not stopped")
          return
        }
      }
      #expect(error == nil)
    }
  }

  @Test("Data that changed end the worker, and the coordinator hears which")
  func changedData() throws {
    try withData(rows: 300) { file, index in
      try "click,x,y\n1,a,b\n".write(toFile: file, atomically: true, encoding: .utf8)
      var heard: String?
      let error = try withWorker { cluster in
        let partitions = Partition.deal(index, slices: 2, seed: 1).map { $0.encoded() }
        let encoding = Array(try JSONEncoder().encode(index.encoding))
        for article in partitions + [encoding] { cluster.articles[SHA256.hash(article)] = article }
        var assignment = Sample.assignment(servers: 1)
        assignment.servers = [cluster.seat]
        assignment.data = DataArticles(
          encoding: SHA256.hash(encoding), train: partitions.map(SHA256.hash), evaluation: [], vocabulary: nil,
          usesAdmission: false)
        guard case .adopted? = try cluster.order(.adopt(assignment)) else { return }
        let report = try cluster.order(.train(Sample.leases(steps: 0..<5)))
        if let report { Issue.record("\(report)") }
        heard = cluster.failure
      }
      #expect(error?.contains("data.csv") == true)
      #expect(error == heard)
    }
  }
}
