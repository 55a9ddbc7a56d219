import Wire

/// The way of blocks of evaluation rows through a worker: their rows are pulled, they are scored in any order, and the
/// scores go to the coordinator, which notes them.
struct EvaluationBlocks {
  /// Scores on their way to the coordinator, or still being made.
  private static let mostUnanswered = 64

  private let clock: UInt64
  private let round: Int
  /// Blocks that are still to be read.
  private var unread: Int
  private var waiting: [StepWork] = []
  private var pulling: [StepWork] = []
  private var scoring: [StepWork] = []
  private var unanswered = 0
  private var dense = TablePull()
  private var denseVector: [Float] = []

  init(round: Int, clock: UInt64, blocks: Int) {
    self.round = round
    self.clock = clock
    unread = blocks
  }

  /// All blocks are scored, and the coordinator has noted it.
  var isDone: Bool {
    unread == 0 && waiting.isEmpty && pulling.isEmpty && scoring.isEmpty && unanswered == 0
  }

  /// Asks for the dense parameters, which all blocks share.
  mutating func begin(at post: Post, _ servers: inout ServerSessions, time: Seconds) -> [WorkerCore.Effect] {
    let window = Self.window(post)
    return post.pullBlocks(into: &dense, clock: clock, .scoring, from: &servers, at: time)
      + [.read(ReadOrder(view: post.view, data: .evaluate(round: round), ahead: window + 2))]
  }

  /// Blocks whose rows are asked for, or that are scored.
  private static func window(_ post: Post) -> Int { min(post.prepared.threads + 2, mostUnanswered) }

  /// Takes a block that was read.
  mutating func begin(
    _ work: StepWork, at post: Post, _ servers: inout ServerSessions, time: Seconds
  ) -> [WorkerCore.Effect] {
    guard case .scoring(let round, _, _) = work.purpose, round == self.round, unread > 0 else { return [] }
    unread -= 1
    waiting.append(work)
    return advance(at: post, &servers, time: time)
  }

  /// Takes a server's answer to a pull.
  mutating func take(
    _ rows: Rows, to request: UInt64, from server: Int, at post: Post, _ servers: inout ServerSessions, time: Seconds
  ) throws(WorkerError) -> [WorkerCore.Effect] {
    if try dense.accept(rows, to: request, from: server) {
      if dense.isComplete { post.blocks.assemble(dense.rows, into: &denseVector) }
    } else {
      for work in pulling where try work.sparse.accept(rows, to: request, from: server) { break }
    }
    return advance(at: post, &servers, time: time)
  }

  /// Takes a scored block. Returns nil if it is none of this evaluation's.
  mutating func finish(_ work: StepWork) -> [WorkerCore.Effect]? {
    guard let index = scoring.firstIndex(where: { $0 === work }) else { return nil }
    scoring.remove(at: index)
    unanswered += 1
    return [.recycle(work)]
  }

  /// The coordinator has noted scores.
  mutating func noted(at post: Post, _ servers: inout ServerSessions, time: Seconds) -> [WorkerCore.Effect] {
    unanswered -= 1
    return advance(at: post, &servers, time: time)
  }

  /// Asks for rows, and scores what is complete.
  mutating func advance(
    at post: Post, _ servers: inout ServerSessions, time: Seconds
  ) -> [WorkerCore.Effect] {
    var effects: [WorkerCore.Effect] = []
    while !waiting.isEmpty, pulling.count + scoring.count < Self.window(post),
      pulling.count + scoring.count + unanswered < Self.mostUnanswered
    {
      let work = waiting.removeFirst()
      pulling.append(work)
      effects += post.pullRows(of: work, clock: clock, .scoring, from: &servers, at: time)
    }
    guard dense.isComplete else { return effects }
    for work in pulling where work.sparse.isComplete {
      work.denseVector = denseVector
      scoring.append(work)
      effects.append(.compute(work))
    }
    pulling.removeAll { $0.sparse.isComplete }
    return effects
  }

  /// Own work is named before what others do.
  var activity: Activity {
    if !scoring.isEmpty { return Activity(.scoring, step: clock) }
    let servers = pulling.reduce(into: dense.waitsFor) { $0.formUnion($1.sparse.waitsFor) }
    if !servers.isEmpty { return Activity(.pulling, step: clock, waitsFor: servers.sorted().map(Member.server)) }
    if unanswered > 0, unread == 0 || !waiting.isEmpty {
      return Activity(.pushing, step: clock, waitsFor: [.coordinator])
    }
    return Activity(.reading, step: clock)
  }
}
