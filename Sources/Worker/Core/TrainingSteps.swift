import Job
import Wire

/// The way of leased steps through a worker: their rows are asked for, they are computed one at a time and in order, and
/// what they come to is pushed. The next step's rows are asked for while one computes; servers hold that question until
/// what it reads is applied.
///
/// With a lag a step reads the parameters as they were so many steps before it. Rows of later steps are then here while
/// what earlier ones come to is still on its way. Async tables answer at once; how far steps run ahead of what they pushed to
/// these is bounded here.
struct TrainingSteps {
  /// Steps whose rows are asked for, or that compute: beside the lag.
  private static let mostInFlight = 2
  /// Steps that are read and not computed: those in flight, and some more.
  private static let mostRead = 5

  private let steps: Range<UInt64>
  private var leases: [Lease]
  /// The step that will be read next.
  private var unread: UInt64
  private var waiting: [StepWork] = []
  /// The first is the one that computes.
  private var inFlight: [StepWork] = []
  /// Slices of it that are computed still; nil while none is.
  private var computing: [Int]?
  /// By group of slots, pushes that are not answered.
  private var openPushes: [Int]
  /// By step, those of them to async tables.
  private var openAsync: [UInt64: Int] = [:]
  private var starvedSince: Seconds?
  /// What computing waited for data to be read.
  private(set) var stallSeconds = 0.0

  /// - Throws: `AssignmentError.invalid` unless there is one lease for each of the worker's slices.
  init(_ leases: [Lease], at post: Post, time: Seconds) throws(AssignmentError) {
    let leases = leases.sorted { $0.slice < $1.slice }
    guard leases.map(\.slice) == post.ownedSlices else {
      throw .invalid("leases of slices \(leases.map(\.slice)) for a worker of \(post.ownedSlices)")
    }
    if let lease = leases.first(where: { $0.steps.lowerBound < $0.epochStart && !$0.steps.isEmpty }) {
      throw .invalid("steps \(lease.steps) before their epoch, which begins at \(lease.epochStart)")
    }
    let leased = leases.map(\.steps).filter { !$0.isEmpty }
    steps = (leased.map(\.lowerBound).min() ?? 0)..<(leased.map(\.upperBound).max() ?? 0)
    self.leases = leases
    unread = steps.lowerBound
    openPushes = Array(repeating: 0, count: post.homes.groups.count)
    starvedSince = steps.isEmpty ? nil : time
  }

  /// All steps are computed, and what was pushed has arrived.
  var isDone: Bool {
    unread == steps.upperBound && waiting.isEmpty && inFlight.isEmpty && openPushes.allSatisfy { $0 == 0 }
  }

  func order(at post: Post) -> ReadOrder {
    ReadOrder(
      view: post.view, data: .train(steps: steps, leases: leases),
      ahead: post.readers > 0 ? Self.mostRead + post.ahead : 1)
  }

  /// Takes a step that was read.
  mutating func begin(
    _ work: StepWork, at post: Post, _ servers: inout ServerSessions, time: Seconds
  ) -> [WorkerCore.Effect] {
    guard work.purpose == .training(step: unread), unread < steps.upperBound else { return [] }
    unread += 1
    waiting.append(work)
    return advance(at: post, &servers, time: time)
  }

  /// Takes a server's answer to a pull.
  mutating func take(
    _ rows: Rows, to request: UInt64, of pull: Pull, from server: Int, at post: Post, _ servers: inout ServerSessions,
    time: Seconds
  ) throws(WorkerError) -> [WorkerCore.Effect] {
    if !post.isAsync(pull.table) { openPushes[pull.group] -= servers.forgetPushes(shownBy: pull, at: server) }
    for work in inFlight {
      if try work.sparse.accept(rows, to: request, from: server) { break }
      if try work.dense.accept(rows, to: request, from: server) { break }
    }
    return advance(at: post, &servers, time: time)
  }

  /// Takes a computed slice, and what is to be pushed since it is.
  mutating func finish(
    _ work: StepWork, slice: Int, _ gradient: SliceGradient, at post: Post, _ servers: inout ServerSessions,
    time: Seconds
  ) throws(WorkerError) -> [WorkerCore.Effect] {
    guard work === inFlight.first, case .training(let step) = work.purpose, var current = computing,
      current.contains(slice)
    else { return [] }
    current.removeAll { $0 == slice }
    var effects: [WorkerCore.Effect] = []
    guard gradient.lossSum.isFinite else { throw .notFinite(step: step) }
    for (server, push) in gradient.pushes {
      effects.append(.send(servers.ask(.push(push), of: server, at: time), to: .server(server)))
      openPushes[push.group] += 1
      if post.isAsync(push.table) { openAsync[step, default: 0] += 1 }
    }
    computing = current.isEmpty ? nil : current
    if computing == nil {
      inFlight.removeFirst()
      effects.append(.recycle(work))
    }
    return effects + advance(at: post, &servers, time: time)
  }

  /// Takes a server's answer to a push.
  mutating func pushed(
    _ push: Push, at post: Post, _ servers: inout ServerSessions, time: Seconds
  ) -> [WorkerCore.Effect] {
    openPushes[push.group] -= 1
    guard post.isAsync(push.table), let open = openAsync[push.clock] else { return [] }
    openAsync[push.clock] = open > 1 ? open - 1 : nil
    return open > 1 ? [] : advance(at: post, &servers, time: time)
  }

  /// Whether what earlier steps pushed to async tables has arrived, as far as it must.
  private func mayCompute(_ step: UInt64, at post: Post) -> Bool {
    !openAsync.keys.contains { $0 + UInt64(post.unanswered) < step }
  }

  /// Asks for rows of the next step, and computes the first one once its rows are here.
  private mutating func advance(
    at post: Post, _ servers: inout ServerSessions, time: Seconds
  ) -> [WorkerCore.Effect] {
    var effects: [WorkerCore.Effect] = []
    while inFlight.count < Self.mostInFlight + post.ahead, !waiting.isEmpty {
      let work = waiting.removeFirst()
      guard case .training(let step) = work.purpose else { continue }
      inFlight.append(work)
      let (sparse, dense) = (ParameterTables.sparse, ParameterTables.dense)
      effects += post.pullRows(
        of: work, clock: post.clock(sparse, readBy: step), .training, from: &servers, at: time)
      effects += post.pullBlocks(
        into: &work.dense, clock: post.clock(dense, readBy: step), .training, from: &servers, at: time)
    }
    if computing == nil, let work = inFlight.first, work.isPulled, case .training(let step) = work.purpose,
      mayCompute(step, at: post)
    {
      post.blocks.assemble(work.dense.rows, into: &work.denseVector)
      computing = work.parts.map(\.slice)
      effects.append(.compute(work))
    }
    noteStarvation(time)
    return effects
  }

  private mutating func noteStarvation(_ time: Seconds) {
    let isStarved = inFlight.isEmpty && unread < steps.upperBound
    if isStarved {
      starvedSince = starvedSince ?? time
    } else if let since = starvedSince {
      stallSeconds += time - since
      starvedSince = nil
    }
  }

  /// Own work is named before what others do.
  ///
  /// - Parameter homes: of the view.
  func activity(_ homes: FirstHomes) -> Activity {
    if let computing, case .training(let step)? = inFlight.first?.purpose {
      return Activity(.computing, step: step, slices: computing)
    }
    if let work = inFlight.first, case .training(let step) = work.purpose {
      let servers = work.sparse.waitsFor.union(work.dense.waitsFor)
      return Activity(.pulling, step: step, waitsFor: servers.sorted().map(Member.server))
    }
    if unread < steps.upperBound { return Activity(.reading, step: unread) }
    let servers = Set(homes.groups.filter { openPushes[$0.number] > 0 }.map(\.first))
    return Activity(.pushing, step: steps.last, waitsFor: servers.sorted().map(Member.server))
  }
}
