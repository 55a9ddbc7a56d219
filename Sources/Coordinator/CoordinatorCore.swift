import DeepFM
import Features
import Foundation
import Job
import Wire

/// Who takes part, what they do next, and when it is over: a state machine. Reports and time go in, orders come out.
///
/// A training run gathers its processes, configures the servers, then the workers, and repeats for each epoch: train,
/// evaluate, checkpoint. At the end it has the parameters hashed and tells everyone to stop.
struct CoordinatorCore {
  enum Effect {
    case server(Socket.Peer, ServerOrder)
    case worker(Socket.Peer, WorkerOrder)
    case refuse(Socket.Peer, String)
    case recordMembers([MemberRecord])
    /// One transaction: from here on the epoch and its checkpoint exist.
    case commit(EpochRecord, CheckpointRecord)
    case progress(RunProgress)
    case epochDone(EpochRecord)
    case say(String)
    case finish(Outcome)
  }

  private enum Phase: Equatable {
    case gathering
    case surveying
    case configuringServers
    case configuringWorkers
    case training
    case evaluating
    case checkpointing
    case digesting
    case done
  }

  private struct Member {
    var peer: Socket.Peer
    var record: MemberRecord
    var lastHeard: Double
    /// Has answered the present phase's order.
    var isDone = false
    var progress = EpochProgress(epoch: 0)

    var name: String { "\(record.role)-\(record.number) (process \(record.process) on \(record.host))" }
  }

  private let plan: Plan
  private let view: UInt32 = 1
  private var phase = Phase.gathering
  private var servers: [Member] = []
  private var workers: [Member] = []
  private let startedAt: Double
  private var lastSaid: Double
  private var lastHeartbeat: Double

  private var epoch = 0
  private var nextStep: UInt64 = 0
  private var steps = 0
  private var epochStartedAt = 0.0
  private var record = EpochRecord(epoch: 0, steps: 0, rows: 0, trainLogloss: 0, seconds: 0, stallSeconds: 0)
  /// Rows leased to each worker in this epoch.
  private var leasedRows: [Int] = []
  private var surveys: [SurveyResult?] = []
  private var sheet: ScoreSheet?
  private var slotsWritten = 0
  private var bytesWritten = 0
  private var digests: [SlotDigest] = []
  private var result = RunResult()
  private(set) var lastCheckpoint: Int?

  /// - Parameter time: seconds on any clock that does not go back; so for all `time` below.
  init(_ plan: Plan, at time: Double) {
    self.plan = plan
    startedAt = time
    lastSaid = time
    lastHeartbeat = time
  }

  var isDone: Bool { phase == .done }

  // MARK: Who takes part

  mutating func receive(_ report: ServerReport, from peer: Socket.Peer, at time: Double) -> [Effect] {
    guard phase != .done else { return [] }
    if case .register(let role) = report {
      guard heard(peer, in: &servers, at: time) == nil else { return [.server(peer, .heartbeat)] }
      guard phase == .gathering, servers.count < plan.configuration.servers else {
        return [.refuse(peer, "this run has the \(plan.configuration.servers) servers it needs")]
      }
      let record = MemberRecord(
        role: "server", number: servers.count, host: role.host, process: role.process, endpoint: role.endpoint)
      servers.append(Member(peer: peer, record: record, lastHeard: time))
      return [.server(peer, .heartbeat)] + configureWhenComplete(at: time)
    }
    guard let number = heard(peer, in: &servers, at: time) else { return stranger(peer) }
    switch report {
    case .register, .heartbeat: return []
    case .failed(let sentence): return fail("server-\(number): \(sentence)")
    case .configured:
      guard phase == .configuringServers, allDone(after: number, in: &servers) else { return [] }
      return configureWorkers()
    case .checkpointed(let checkpoint, let slots, let bytes):
      guard phase == .checkpointing, checkpoint == epoch else { return [] }
      slotsWritten += servers[number].isDone ? 0 : slots
      bytesWritten += servers[number].isDone ? 0 : bytes
      guard allDone(after: number, in: &servers) else { return [] }
      return commitCheckpoint(at: time)
    case .digests(let slots):
      guard phase == .digesting, !servers[number].isDone else { return [] }
      digests += slots
      guard allDone(after: number, in: &servers) else { return [] }
      result.parameterDigest = ParameterDigest.combine(digests)
      return end(.completed(result))
    }
  }

  mutating func receive(_ report: WorkerReport, from peer: Socket.Peer, at time: Double) -> [Effect] {
    guard phase != .done else { return [] }
    if case .register(let host, let process) = report {
      guard heard(peer, in: &workers, at: time) == nil else { return [.worker(peer, .heartbeat)] }
      guard phase == .gathering, workers.count < plan.configuration.workers else {
        return [.refuse(peer, "this run has the \(plan.configuration.workers) workers it needs")]
      }
      let record = MemberRecord(role: "worker", number: workers.count, host: host, process: process)
      workers.append(Member(peer: peer, record: record, lastHeard: time))
      return [.worker(peer, .heartbeat)] + configureWhenComplete(at: time)
    }
    guard let number = heard(peer, in: &workers, at: time) else { return stranger(peer) }
    switch report {
    case .register, .heartbeat: return []
    case .failed(let sentence): return fail("worker-\(number): \(sentence)")
    case .surveyed(let survey):
      guard phase == .surveying else { return [] }
      surveys[number] = survey
      guard allDone(after: number, in: &workers) else { return [] }
      result.surveys = surveys.compactMap { $0 }
      return end(.completed(result))
    case .configured:
      guard phase == .configuringWorkers, allDone(after: number, in: &workers) else { return [] }
      return plan.purpose == .train ? startEpoch(at: time) : startEvaluation(at: time)
    case .trained(let progress):
      guard phase == .training, progress.epoch == epoch, !workers[number].isDone else { return [] }
      workers[number].progress = progress
      return [.progress(runProgress(at: time))]
    case .epochDone(let progress):
      guard phase == .training, progress.epoch == epoch, !workers[number].isDone else { return [] }
      workers[number].progress = progress
      guard progress.rows == leasedRows[number] else {
        return fail(
          "worker-\(number) trained on \(progress.rows) of the \(leasedRows[number]) rows leased to it in epoch \(epoch): "
            + "a fault of this program")
      }
      guard allDone(after: number, in: &workers) else { return [.progress(runProgress(at: time))] }
      return [.progress(runProgress(at: time))] + endTraining(at: time)
    }
  }

  /// While processes gather, one may still speak of the plan before this one; it registers next.
  private func stranger(_ peer: Socket.Peer) -> [Effect] {
    phase == .gathering ? [] : [.refuse(peer, "this process is not part of the run")]
  }

  /// Notes that the peer lives; returns its number if it takes part.
  private func heard(_ peer: Socket.Peer, in members: inout [Member], at time: Double) -> Int? {
    guard let number = members.firstIndex(where: { $0.peer == peer }) else { return nil }
    members[number].lastHeard = time
    return number
  }

  /// Notes that a member has answered; returns whether all have, and if so forgets it for the next order.
  private func allDone(after number: Int, in members: inout [Member]) -> Bool {
    members[number].isDone = true
    guard members.allSatisfy(\.isDone) else { return false }
    for index in members.indices { members[index].isDone = false }
    return true
  }

  private var missing: String {
    "\(plan.configuration.servers - servers.count) of \(plan.configuration.servers) servers and "
      + "\(plan.configuration.workers - workers.count) of \(plan.configuration.workers) workers"
  }

  // MARK: Time

  /// To be called a few times a second.
  mutating func tick(at time: Double) -> [Effect] {
    guard phase != .done else { return [] }
    var effects: [Effect] = []
    if time - lastHeartbeat >= 1 {
      lastHeartbeat = time
      effects += servers.map { .server($0.peer, .heartbeat) } + workers.map { .worker($0.peer, .heartbeat) }
    }
    if phase == .gathering {
      if time - startedAt >= plan.gatherSeconds {
        return effects
          + fail(
            "after \(Int(plan.gatherSeconds)) s still waiting for \(missing). Start them with this coordinator's "
              + "address, and check that they can reach it")
      }
      if time - lastSaid >= 5 {
        lastSaid = time
        effects.append(.say("waiting for \(missing)"))
      }
    }
    let silence = plan.configuration.timeout
    if let lost = (servers + workers).first(where: { time - $0.lastHeard >= silence }) {
      return effects + fail("\(lost.name) has been silent for \(Int(silence)) s. See its log")
    }
    return effects
  }

  /// The run cannot go on; everyone is told to stop.
  mutating func fail(_ sentence: String) -> [Effect] {
    let isEnded = sentence.hasSuffix(".") || sentence.hasSuffix("?") || sentence.contains("\n")
    return end(.failed(isEnded ? sentence : sentence + "."))
  }

  mutating func interrupt() -> [Effect] { end(.interrupted(lastCheckpoint: lastCheckpoint)) }

  private mutating func end(_ outcome: Outcome) -> [Effect] {
    guard phase != .done else { return [] }
    phase = .done
    if case .completed = outcome, plan.isFollowed {
      return servers.map { .server($0.peer, .release) } + workers.map { .worker($0.peer, .release) }
        + [.finish(outcome)]
    }
    return servers.map { .server($0.peer, .stop) } + workers.map { .worker($0.peer, .stop) } + [.finish(outcome)]
  }

  // MARK: Configuration

  private mutating func configureWhenComplete(at time: Double) -> [Effect] {
    guard servers.count == plan.configuration.servers, workers.count == plan.configuration.workers else { return [] }
    number(&servers)
    number(&workers)
    if let survey = plan.survey {
      phase = .surveying
      surveys = Array(repeating: nil, count: workers.count)
      return workers.map { .worker($0.peer, .survey(survey)) }
    }
    phase = .configuringServers
    let slots = SlotMap(servers: servers.count)
    let orders = servers.map { member in
      Effect.server(
        member.peer,
        .configure(
          ServerAssignment(
            server: member.record.number, view: view, slots: slots, tables: plan.tables,
            slices: plan.configuration.slices, seed: plan.configuration.seed,
            database: plan.databases.indices.contains(member.record.number)
              ? plan.databases[member.record.number] : nil, restore: plan.restore)))
    }
    nextStep = plan.restore?.clock ?? 0
    return [.recordMembers((servers + workers).map(\.record))] + orders
  }

  /// Numbers members by host and process, so that a local cluster's numbers are those its launcher counts by.
  private func number(_ members: inout [Member]) {
    members.sort { ($0.record.host, $0.record.process) < ($1.record.host, $1.record.process) }
    for index in members.indices { members[index].record.number = index }
  }

  private mutating func configureWorkers() -> [Effect] {
    guard let encoding = (plan.train ?? plan.evaluation)?.encoding else { return fail("there is no data") }
    phase = .configuringWorkers
    let configuration = plan.configuration
    return workers.map { member in
      .worker(
        member.peer,
        .configure(
          WorkerAssignment(
            worker: member.record.number, view: view, servers: servers.map { $0.record.endpoint ?? "" },
            slots: SlotMap(servers: servers.count), model: plan.model, batch: configuration.batch,
            slices: configuration.slices, ownedSlices: plan.workerSlices[member.record.number],
            seed: configuration.seed, threads: configuration.threads,
            readers: configuration.syncReading ? 0 : configuration.readers, clip: configuration.clip,
            encoding: encoding, train: plan.partitions(ofWorker: member.record.number),
            evaluation: plan.evaluation.map { _ in plan.evaluationPartitions[member.record.number] },
            otherKeys: plan.tables[ParameterTables.sparse].admission?.always ?? [], vocabulary: plan.vocabulary?.bytes))
      )
    }
  }

  // MARK: Epochs

  private mutating func startEpoch(at time: Double) -> [Effect] {
    phase = .training
    epoch += 1
    steps = plan.stepsPerEpoch
    leasedRows = workers.indices.map { plan.partitions(ofWorker: $0).reduce(0) { $0 + $1.rows } }
    epochStartedAt = time
    for index in workers.indices { workers[index].progress = EpochProgress(epoch: epoch) }
    return workers.map { .worker($0.peer, .train(epoch: epoch, firstStep: nextStep, steps: steps)) }
  }

  private func runProgress(at time: Double) -> RunProgress {
    let rows = workers.reduce(0) { $0 + $1.progress.rows }
    let total = plan.train?.rows ?? 0
    let loss = workers.reduce(0) { $0 + $1.progress.lossSum }
    let speed = Double(rows) / max(time - epochStartedAt, 1e-3)
    let rowsLeft = total - rows + (plan.configuration.epochs - epoch) * total
    return RunProgress(
      epoch: epoch, epochs: plan.configuration.epochs, rows: rows, rowsInEpoch: total,
      trainLogloss: rows > 0 ? loss / Double(rows) : 0, samplesPerSecond: speed,
      secondsLeft: speed > 0 ? Double(rowsLeft) / speed : 0)
  }

  private mutating func endTraining(at time: Double) -> [Effect] {
    let rows = workers.reduce(0) { $0 + $1.progress.rows }
    guard rows == plan.train?.rows else {
      return fail("epoch \(epoch) trained on \(rows) rows of \(plan.train?.rows ?? 0): a fault of this program")
    }
    nextStep += UInt64(steps)
    record = EpochRecord(
      epoch: epoch, steps: steps, rows: rows,
      trainLogloss: workers.reduce(0) { $0 + $1.progress.lossSum } / Double(max(1, rows)),
      seconds: time - epochStartedAt,
      stallSeconds: workers.reduce(0) { $0 + $1.progress.stallSeconds } / Double(workers.count))
    result.rows += rows
    result.trainingSeconds += record.seconds
    result.stallSeconds += record.stallSeconds
    return plan.evaluation == nil ? startCheckpoint() : startEvaluation(at: time)
  }

  private mutating func startEvaluation(at time: Double) -> [Effect] {
    guard let evaluation = plan.evaluation else { return fail("there is no data to evaluate on") }
    phase = .evaluating
    sheet = ScoreSheet(evaluation)
    return workers.map { .worker($0.peer, .evaluate(round: epoch, clock: nextStep)) }
  }

  /// Epochs since the one with the lowest validation logloss; nil without validation data.
  private var epochsSinceBest: Int? {
    let loglosses = result.epochs.compactMap(\.logloss)
    guard let best = loglosses.indices.min(by: { loglosses[$0] < loglosses[$1] }) else { return nil }
    return loglosses.count - 1 - best
  }

  mutating func receive(_ block: ScoreBlock, from peer: Socket.Peer, at time: Double) -> [Effect] {
    guard let number = heard(peer, in: &workers, at: time), phase == .evaluating, block.round == epoch else {
      return []
    }
    guard sheet?.add(block) == true else { return fail("worker-\(number) scored rows that are not in the data") }
    guard let sheet, sheet.missing == 0 else { return [] }
    let metrics = sheet.metrics
    result.evaluation = metrics
    guard plan.purpose == .train else {
      result.rows = sheet.labels.count
      result.labels = sheet.labels
      result.logits = sheet.logits
      return end(.completed(result))
    }
    self.sheet = nil
    record.auc = metrics.auc
    record.logloss = metrics.logloss
    return startCheckpoint()
  }

  private mutating func startCheckpoint() -> [Effect] {
    phase = .checkpointing
    slotsWritten = 0
    bytesWritten = 0
    return servers.map { .server($0.peer, .checkpoint(number: epoch, clock: nextStep)) }
  }

  private mutating func commitCheckpoint(at time: Double) -> [Effect] {
    lastCheckpoint = epoch
    result.epochs.append(record)
    let checkpoint = CheckpointRecord(
      number: epoch, epoch: epoch, step: nextStep, slots: slotsWritten, bytes: bytesWritten, shards: plan.databases)
    var effects: [Effect] = [.commit(record, checkpoint), .epochDone(record)]
    effects += servers.map { .server($0.peer, .committed(number: epoch)) }
    if epoch < plan.configuration.epochs {
      guard let best = epochsSinceBest, plan.configuration.patience > 0, best >= plan.configuration.patience else {
        return effects + startEpoch(at: time)
      }
      effects.append(.say("stopping early: no better validation logloss for \(best) epochs"))
    }
    phase = .digesting
    digests = []
    return effects + servers.map { .server($0.peer, .digest) }
  }
}
