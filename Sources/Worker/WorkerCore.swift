import DeepFM
import Features
import Job
import Wire

/// What a worker does next: a state machine. Messages, finished computations and encoded data go in, effects come
/// out; sockets, threads and files are the edge's (`Worker`).
///
/// The way of a step: `begin` asks the servers for its rows, `receive` collects them, `.compute` starts its slices
/// once all are here, `finish` sends each completed gradient. The next step's rows are asked for while this one
/// computes; the servers hold that question until this step is applied.
struct WorkerCore {
  enum Effect {
    case send(Message, server: Int)
    case compute(StepWork)
    case read(InputReader.Order)
    /// The work's buffers may be used again.
    case recycle(StepWork)
    case report(WorkerReport)
    case scores(ScoreBlock)
  }

  private enum Activity {
    case idle
    case training(stepsLeft: Int)
    case evaluating(blocksUnderWay: Int)
  }

  private let assignment: WorkerAssignment
  private let sparseWidth: Int
  private let blocks: DenseBlocks
  private let pushesPerStep: Int
  private let evaluationsUnderWay: Int

  private var activity = Activity.idle
  private var inFlight: [StepWork] = []
  private var pushesLeft = 0
  private var isComputing = false
  private var nextRequest: UInt64 = 1
  private var progress = EpochProgress(epoch: 0)
  private var starvedSince: Double?
  private var evaluationClock: UInt64 = 0
  private var evaluationDense = TablePull()
  private var evaluationVector: [Float] = []

  init(_ assignment: WorkerAssignment, model: any Model<Float>, blocks: DenseBlocks, threads: Int, pushesPerStep: Int) {
    self.assignment = assignment
    self.blocks = blocks
    self.pushesPerStep = pushesPerStep
    sparseWidth = model.sparse.width
    evaluationsUnderWay = threads + 2
  }

  /// Whether the core has use for one more piece of work.
  var wantsInput: Bool {
    switch activity {
    case .idle: false
    case .training: inFlight.count < 2
    case .evaluating: inFlight.count < evaluationsUnderWay
    }
  }

  /// - Parameter time: seconds on any clock that does not go back.
  mutating func receive(_ order: WorkerOrder, at time: Double) throws -> [Effect] {
    switch order {
    case .train(let epoch, let firstStep, let steps):
      guard steps > 0 else { throw WorkerError.unexpected("an epoch of no steps") }
      activity = .training(stepsLeft: steps)
      progress = EpochProgress(epoch: epoch)
      starvedSince = time
      return [.read(.train(epoch: epoch, firstStep: firstStep, steps: steps))]
    case .evaluate(let round, let clock):
      activity = .evaluating(blocksUnderWay: 0)
      evaluationClock = clock
      var pull = TablePull()
      let requests = ask(&pull, for: blocks.keys, shares: blocks.shares, dense: true, clock: clock, readOnly: true)
      evaluationDense = pull
      return requests + [.read(.evaluate(round: round))]
    case .configure, .survey: throw WorkerError.unexpected("a second configuration")
    case .heartbeat, .release, .stop: return []
    }
  }

  /// Starts a piece of work: asks the servers for its rows.
  mutating func begin(_ work: StepWork, at time: Double) -> [Effect] {
    if let since = starvedSince {
      progress.stallSeconds += time - since
      starvedSince = nil
    }
    inFlight.append(work)
    let shares = KeyShare.deal(work.keys, over: assignment.slots)
    switch work.purpose {
    case .training(let step):
      return ask(&work.sparse, for: work.keys, shares: shares, dense: false, clock: step, readOnly: false)
        + ask(&work.dense, for: blocks.keys, shares: blocks.shares, dense: true, clock: step, readOnly: false)
        + launch()
    case .evaluation:
      return ask(&work.sparse, for: work.keys, shares: shares, dense: false, clock: evaluationClock, readOnly: true)
        + launch()
    }
  }

  private mutating func ask(
    _ pull: inout TablePull, for keys: [UInt64], shares: [KeyShare], dense: Bool, clock: UInt64, readOnly: Bool
  ) -> [Effect] {
    pull.ask(
      for: keys, shares: shares, table: dense ? ParameterTables.dense : ParameterTables.sparse,
      width: dense ? DenseLayout.blockSize : sparseWidth, clock: clock, readOnly: readOnly, view: assignment.view,
      request: &nextRequest
    ).map { .send($0.message, server: $0.server) }
  }

  /// Takes a server's answer.
  mutating func receive(_ message: Message, from server: Int) throws -> [Effect] {
    switch message.header.kind {
    case .rows:
      if try evaluationDense.accept(message, from: server) {
        if evaluationDense.isComplete { blocks.assemble(evaluationDense.rows, into: &evaluationVector) }
        return launch()
      }
      for work in inFlight {
        if try work.sparse.accept(message, from: server) { return launch() }
        if try work.dense.accept(message, from: server) { return launch() }
      }
      return []
    case .refusal: throw WorkerError.refused(server: server, sentence: message.sentence)
    default: throw WorkerError.unexpected("\(message.header.kind) from server-\(server)")
    }
  }

  /// Starts computing what is complete: steps one at a time and in order, evaluation blocks as they come.
  private mutating func launch() -> [Effect] {
    switch activity {
    case .idle: return []
    case .training:
      guard !isComputing, let work = inFlight.first, work.isPulled else { return [] }
      blocks.assemble(work.dense.rows, into: &work.denseVector)
      isComputing = true
      pushesLeft = pushesPerStep
      return [.compute(work)]
    case .evaluating(var underWay):
      guard evaluationDense.isComplete else { return [] }
      var effects: [Effect] = []
      while underWay < inFlight.count, let next = inFlight[underWay...].firstIndex(where: { $0.sparse.isComplete }) {
        inFlight.swapAt(underWay, next)
        inFlight[underWay].denseVector = evaluationVector
        effects.append(.compute(inFlight[underWay]))
        underWay += 1
      }
      activity = .evaluating(blocksUnderWay: underWay)
      return effects
    }
  }

  /// Takes a result of the compute threads.
  mutating func finish(_ result: ComputePool.Result, at time: Double) throws -> [Effect] {
    switch result {
    case .gradient(let work, let samples, let lossSum, let pushes):
      guard case .training(let step) = work.purpose, case .training(let stepsLeft) = activity else { return [] }
      guard lossSum.isFinite else { throw WorkerError.notFinite(step: step) }
      var effects = pushes.map { Effect.send($0.message, server: $0.server) }
      progress.rows += samples
      progress.lossSum += lossSum
      pushesLeft -= 1
      guard pushesLeft == 0 else { return effects }
      isComputing = false
      inFlight.removeFirst()
      progress.steps += 1
      effects.append(.recycle(work))
      if stepsLeft == 1 {
        activity = .idle
        effects.append(.report(.epochDone(progress)))
      } else {
        activity = .training(stepsLeft: stepsLeft - 1)
        if inFlight.isEmpty { starvedSince = time }
        effects += launch()
      }
      return effects
    case .scores(let work, let block):
      guard case .evaluating(let underWay) = activity else { return [] }
      inFlight.removeAll { $0 === work }
      activity = .evaluating(blocksUnderWay: underWay - 1)
      return [.scores(block), .recycle(work)] + launch()
    }
  }

  /// What the coordinator hears every second.
  var heartbeat: WorkerReport {
    if case .training = activity { .trained(progress) } else { .heartbeat }
  }
}
