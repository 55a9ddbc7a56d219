import Checkpoint
import Sharding
import Wire

/// A parameter server without its sockets and files: a state machine. Events and times go in, effects come out.
///
/// The order of effects is a promise: what claims that something is on the disk is only said after the core has heard
/// that it is (`written`, then `synced`).
package struct ServerCore: ~Copyable {
  package enum Event {
    /// From the coordinator.
    case ordered(Envelope)
    /// From a worker, or whoever else speaks at the port for workers.
    case received(Envelope, from: Route)
    /// Bytes at that port that are no message of this version.
    case malformed(WireError, from: Route)
    /// The coordinator's connection had no room for a question.
    case congested(request: UInt64)
    /// A few times a second.
    case tick
    /// Nothing else is there to do: long work may go on.
    case turn
    /// A slot that was to be restored.
    case slot(StoredSlot)
    /// All slots that were to be restored have come.
    case restored
    case written
    case synced
    /// What the edge was told to do did not work.
    case failed(ServerError)
  }

  package enum Effect {
    case tell(Envelope)
    case send(Envelope, along: Route)
    /// Open the server's own file, and drop what no checkpoint up to this one has committed.
    case open(database: String?, committed: Int)
    /// Read these slots; each comes as `slot`, then `restored`.
    case read(ServerAssignment.Restore, ofSlots: [Range<Int>])
    /// To be answered by `written`.
    case write([SlotSnapshot], checkpoint: Int)
    /// To be answered by `synced`.
    case sync
    case prune(committed: Int)
    case say(String)
    case end(ServerError?)
  }

  /// A slot as it was read.
  package struct StoredSlot {
    package var path: String
    package var table: Int
    package var slot: Int
    package var bytes: [UInt8]

    package init(path: String, table: Int, slot: Int, bytes: [UInt8]) {
      self.path = path
      self.table = table
      self.slot = slot
      self.bytes = bytes
    }
  }

  private var liaison: Liaison
  private var shard: Shard?
  /// Orders that take time, by the request to be answered.
  private var restoring: UInt64?
  private var settling: (request: UInt64, clock: UInt64)?
  private var checkpoint: (request: UInt64, task: CheckpointTask)?
  private var digest: (request: UInt64, task: DigestTask)?
  /// Pieces of work done: what the coordinator watches.
  private var done: UInt64 = 0
  private var isEnded = false

  /// - Parameters:
  ///   - incarnation: drawn by the process at its start.
  ///   - coordinator: its endpoint, for sentences.
  package init(
    incarnation: UInt64, registration: Registration, coordinator: String, timing: Timing, at time: Seconds
  ) {
    liaison = Liaison(
      incarnation: incarnation, registration: registration, coordinator: coordinator, timing: timing, at: time)
  }

  /// Whether `turn`s are wanted.
  package var hasLongWork: Bool { checkpoint?.task.wantsTurn ?? false || digest != nil }

  /// Pulls that wait for their clock.
  package var parkedPulls: Int { shard?.parkedPulls ?? 0 }

  /// Steps that all tables have applied; nil for a server that has no assignment.
  package var clock: UInt64? { shard?.clock }

  package mutating func receive(_ event: Event, at time: Seconds) -> [Effect] {
    guard !isEnded else { return [] }
    liaison.excuse(at: time)
    switch event {
    case .ordered(let envelope): return ordered(envelope, at: time)
    case .received(let envelope, let route): return received(envelope, from: route, at: time)
    case .malformed(let error, let route): return refuse(error, route)
    case .congested(let request):
      liaison.session.holdBack(request, at: time)
      return []
    case .tick: return tick(at: time)
    case .turn: return turn(at: time)
    case .slot(let slot): return restore(slot, at: time)
    case .restored: return answerRestored()
    case .written:
      checkpoint?.task.written()
      done += 1
      return []
    case .synced: return answerSynced()
    case .failed(let error): return fail(error, at: time)
    }
  }

  private mutating func fail(_ error: ServerError, at time: Seconds) -> [Effect] {
    isEnded = true
    return [.tell(liaison.session.ask(.failed("\(error)"), at: time)), .end(error)]
  }

  // MARK: Workers

  private mutating func received(_ envelope: Envelope, from route: Route, at time: Seconds) -> [Effect] {
    guard shard != nil, restoring == nil else {
      // Whoever is told so asks again.
      return [.send(liaison.stranger(.notYet, request: envelope.preamble.request), along: route)]
    }
    let before = shard!.clock
    let answers = shard!.receive(envelope, from: route, identity: liaison.session.identity, at: time)
    done += shard!.clock - before
    return answers.map { .send($0.envelope, along: $0.route) } + (shard!.clock > before ? applied() : [])
  }

  private func refuse(_ error: WireError, _ route: Route) -> [Effect] {
    guard case .wrongVersion(let found) = error else { return [.say("dropped a message: \(error)")] }
    let refusal = Refusal.otherVersion(mine: Preamble.version, yours: found)
    return [.send(liaison.stranger(refusal, request: 0), along: route)]
  }

  /// What waits for a clock may have waited for this one.
  private mutating func applied() -> [Effect] {
    guard let shard else { return [] }
    var effects: [Effect] = []
    if let order = settling, shard.clock >= order.clock {
      settling = nil
      effects.append(report(.settled(shard.totals), order.request))
    }
    checkpoint?.task.begin(shard)
    return effects
  }

  private mutating func report(_ report: ServerReport, _ request: UInt64) -> Effect {
    .tell(liaison.session.answer(request, .report(Control(report))))
  }

  // MARK: Orders

  private mutating func ordered(_ envelope: Envelope, at time: Seconds) -> [Effect] {
    switch liaison.receive(envelope, at: time) {
    case .nothing: return []
    case .tell(let answer): return [.tell(answer)]
    // A server asks nothing but for its place.
    case .answer: return []
    case .refused(let reason): return fail(.refused(reason), at: time)
    case .order(let request, let control, let view):
      do {
        return try carryOut(control.decode(ServerOrder.self), request, view: view, at: time)
      } catch let error as ServerError {
        return fail(error, at: time)
      } catch {
        return [.tell(liaison.session.answer(request, .refusal(.malformed("\(error)"))))]
      }
    }
  }

  private mutating func carryOut(
    _ order: ServerOrder, _ request: UInt64, view: UInt32, at time: Seconds
  ) throws -> [Effect] {
    switch order {
    case .adopt(let assignment):
      shard = nil
      (settling, checkpoint, digest) = (nil, nil, nil)
      liaison.session.identity.view = view
      shard = try Shard(assignment)
      restoring = request
      let restore = assignment.restore
      let isResumed = restore.map { $0.onlyParametersOf == nil } ?? false
      let open = Effect.open(database: assignment.database, committed: isResumed ? restore?.checkpoint ?? -1 : -1)
      guard let restore else { return [open] + answerRestored() }
      return [open, .read(restore, ofSlots: assignment.slots.runs(heldBy: assignment.server))]
    case .settle(let clock):
      settling = (request, clock)
      return applied()
    case .checkpoint(let number, let clock):
      guard shard?.assignment.database != nil else {
        throw ServerError.badAssignment("a checkpoint without a file to write it to")
      }
      checkpoint = (request, CheckpointTask(number: number, clock: clock))
      return applied()
    case .committed(let number):
      return [.prune(committed: number), report(.done, request)]
    case .digest:
      guard let shard else { throw ServerError.badAssignment("a digest of no tables") }
      digest = (request, DigestTask(shard))
      return []
    case .stop:
      isEnded = true
      return [report(.done, request), .end(nil)]
    }
  }

  private mutating func restore(_ slot: StoredSlot, at time: Seconds) -> [Effect] {
    done += 1
    do {
      try shard?.restore(slot)
      return []
    } catch {
      return fail(
        .damagedSlot(path: slot.path, table: slot.table, slot: slot.slot, reason: "\(error)"), at: time)
    }
  }

  private mutating func answerRestored() -> [Effect] {
    guard let request = restoring, let shard else { return [] }
    restoring = nil
    let number = shard.assignment.server
    return [
      .say("server-\(number) serves \(shard.assignment.tables.count) tables from step \(shard.clock)"),
      report(.adopted, request),
    ]
  }

  private mutating func answerSynced() -> [Effect] {
    guard let (request, task) = checkpoint else { return [] }
    checkpoint = nil
    done += 1
    return [report(.written(slots: task.slots, bytes: task.bytes), request)]
  }

  // MARK: Time

  private mutating func turn(at time: Seconds) -> [Effect] {
    guard shard != nil else { return [] }
    if let (request, _) = digest {
      done += 1
      if let digests = digest!.task.hashSome(of: shard!) {
        digest = nil
        return [report(.digests(SlotDigests(digests)), request)]
      }
    }
    guard checkpoint?.task.wantsTurn ?? false else { return [] }
    switch checkpoint!.task.next(of: &shard!) {
    case .write(let snapshots): return [.write(snapshots, checkpoint: checkpoint!.task.number)]
    case .sync: return [.sync]
    case .notNumbers(let table):
      return fail(.notNumbers(table: table, clock: shard!.clock), at: time)
    }
  }

  private mutating func tick(at time: Seconds) -> [Effect] {
    let beat = beat()
    switch liaison.tick(at: time, beat: beat) {
    case .messages(let messages, let sentence):
      return messages.map { .tell($0) } + (sentence.map { [.say($0)] } ?? [])
    case .silent(let endpoint, let seconds):
      isEnded = true
      return [.end(.coordinatorSilent(endpoint: endpoint, seconds: seconds))]
    }
  }

  private func beat() -> Beat {
    guard let shard else { return Beat(done: done) }
    var beat = Beat(done: done, activity: activity(of: shard))
    beat.load = shard.load
    beat.clock = shard.clock
    beat.totals = shard.totals
    return beat
  }

  private func activity(of shard: Shard) -> Activity {
    if restoring != nil { return Activity(.restoring) }
    if digest != nil { return Activity(.hashing) }
    if let checkpoint, checkpoint.task.hasBegun { return Activity(.writing) }
    return shard.activity
  }
}
