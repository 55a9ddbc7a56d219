import Checkpoint
import Sharding
import Wire

/// A parameter server without its sockets and files: a state machine. Events and times go in, effects come out.
///
/// The order of effects is a promise: what claims that something is on the disk is only said after the core has heard
/// that it is (`finished`).
package struct ServerCore: ~Copyable {
  package enum Event {
    /// From the coordinator.
    case ordered(Envelope)
    /// From a worker or another server, or whoever else speaks at the port for members.
    case received(Envelope, from: Route)
    /// From a server that this one asked.
    case answered(Envelope, fromServer: Int)
    /// Bytes at that port that are no message of this version.
    case malformed(WireError, from: Route)
    /// The coordinator's connection had no room for a question.
    case congested(request: UInt64)
    /// The same of another server's.
    case congestedServer(Int, request: UInt64)
    /// A few times a second.
    case tick
    /// Nothing else is there to do: long work may go on.
    case turn
    /// A slot that was to be restored.
    case slot(StoredSlot)
    /// All slots that were to be restored have come.
    case restored
    case written(checkpoint: Int)
    /// The part is on the disk.
    case finished(checkpoint: Int, CheckpointPart)
    /// It cannot be written, as a sentence says, and nothing of it is left.
    case unwritten(checkpoint: Int, String)
    /// What the edge was told to do did not work.
    case failed(ServerError)
  }

  package enum Effect {
    case tell(Envelope)
    case send(Envelope, along: Route)
    /// Reach these servers, and no others any more. A connection stays to those that were there before: of the same
    /// number, incarnation and endpoint.
    case connect(servers: [Seat])
    /// Ask one of them, by its number.
    case ask(Envelope, ofServer: Int)
    /// Write into this directory from now on, and remove from it the parts of checkpoints that are not kept.
    case open(folder: String?, kept: [Int])
    /// Read these slots; each comes as `slot`, then `restored`.
    case read(ServerAssignment.Restore, ofSlots: [Range<Int>])
    /// Write slots into a part, which begins with the first. To be answered by `written` or `unwritten`.
    case write([SlotSnapshot], PartHeader)
    /// Complete a part. To be answered by `finished` or `unwritten`.
    case finish(PartHeader)
    /// A part that was begun comes to nothing; not to be answered.
    case abandon(PartHeader)
    /// Of checkpoints that are not kept.
    case remove(files: [String])
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

  /// Under which number an order is to be answered when it is done, and in whose reign: under the same number another coordinator
  /// may have asked for something else.
  struct Asked: Hashable {
    let request: UInt64
    let term: UInt32
  }

  struct Settling {
    var asked: Asked
    var clock: UInt64
  }

  var liaison: Liaison
  let timing: Timing
  private var ticks: Ticks
  var shard: Shard?
  /// The adoption that is under way.
  var restoring: Asked?
  var settling: Settling?
  var checkpoint: CheckpointTask?
  var digest: (asked: Asked, task: DigestTask)?
  var fills: [FillTask] = []
  /// Copies that are whole, and waited for.
  var filled: [FillOrder] = []
  /// Readings that nobody waits for any more, and that the edge has not ended. It ends them in their order.
  var voidReads = 0
  /// Pieces of work done: what the coordinator watches.
  var done: UInt64 = 0
  var isEnded = false

  /// - Parameters:
  ///   - incarnation: drawn by the process at its start.
  ///   - coordinator: its endpoint, for sentences.
  package init(
    incarnation: UInt64, registration: Registration, coordinator: String, timing: Timing, at time: Seconds
  ) {
    self.timing = timing
    ticks = Ticks(at: time)
    liaison = Liaison(
      incarnation: incarnation, registration: registration, coordinator: coordinator, timing: timing, at: time)
  }

  /// Whether `turn`s are wanted.
  package var hasLongWork: Bool {
    if checkpoint?.wantsTurn ?? false || digest != nil { return true }
    guard let shard, !liaison.isFrozen else { return false }
    return fills.contains { $0.wantsTurn(shard) }
  }

  /// Pulls that wait for their clock.
  package var parkedPulls: Int { shard?.parkedPulls ?? 0 }

  /// The view that it stands in.
  package var view: UInt32 { liaison.view }
  /// The view after which it takes nothing of earlier ones.
  package var promised: UInt32 { liaison.promised }

  /// Steps that all tables have applied; nil for a server that has no assignment.
  package var clock: UInt64? { shard?.clock }

  package mutating func receive(_ event: Event, at time: Seconds) -> [Effect] {
    guard !isEnded else { return [] }
    liaison.excuse(at: time)
    let lateness = ticks.lateness(at: time)
    if lateness > 0 { shard?.peers.excuse(lateness) }
    return handle(event, at: time) + asked(at: time)
  }

  private mutating func handle(_ event: Event, at time: Seconds) -> [Effect] {
    switch event {
    case .ordered(let envelope): return ordered(envelope, at: time)
    case .received(let envelope, let route): return received(envelope, from: route, at: time)
    case .answered(let envelope, let server): return answered(envelope, from: server, at: time)
    case .malformed(let error, let route): return refuse(error, route)
    case .congested(let request):
      liaison.session.holdBack(request, at: time)
      return []
    case .congestedServer(let server, let request):
      shard?.peers.holdBack(request, of: server, at: time)
      return []
    case .tick: return tick(at: time)
    case .turn: return turn(at: time)
    case .slot(let slot): return restore(slot, at: time)
    case .restored: return allRead()
    case .written(let number):
      // What was asked in a view that is over may be answered in the next.
      if number == checkpoint?.order.number { checkpoint?.written() }
      done += 1
      return []
    case .finished(let number, let part): return endCheckpoint(number, .written(part))
    case .unwritten(let number, let reason): return endCheckpoint(number, .unwritten(reason))
    case .failed(let error): return fail(error, at: time)
    }
  }

  mutating func fail(_ error: ServerError, at time: Seconds) -> [Effect] {
    isEnded = true
    return [.tell(liaison.session.ask(.failed("\(error)"), at: time)), .end(error)]
  }

  // MARK: Members

  private mutating func received(_ envelope: Envelope, from route: Route, at time: Seconds) -> [Effect] {
    func refuse(_ refusal: Refusal) -> [Effect] {
      [.send(liaison.stranger(refusal, request: envelope.preamble.request), along: route)]
    }
    // Whoever is told so asks again.
    guard shard != nil, restoring == nil else { return refuse(.notYet) }
    if let refusal = liaison.refusal(of: envelope.preamble) { return refuse(refusal) }
    let before = shard!.clock
    let answers = shard!.receive(envelope, from: route, identity: liaison.session.identity, at: time)
    return sent(answers) + progressed(from: before)
  }

  func sent(_ answers: [Shard.Answer]) -> [Effect] { answers.map { .send($0.envelope, along: $0.route) } }

  /// Another server's answer: what waited for it may go on.
  private mutating func answered(_ envelope: Envelope, from server: Int, at time: Seconds) -> [Effect] {
    guard shard != nil, !liaison.isFrozen, restoring == nil,
      let (answer, question) = shard!.peers.receive(envelope, from: server, at: time)
    else { return [] }
    let before = shard!.clock
    shard!.take(answer, to: question, from: server)
    return sent(shard!.advanceAll()) + progressed(from: before)
  }

  /// What is to be asked of other servers by now, after everything else that an event brings.
  private mutating func asked(at time: Seconds) -> [Effect] {
    guard shard != nil, !isEnded else { return [] }
    return shard!.peers.send(at: time).map { .ask($0.envelope, ofServer: $0.server) }
  }

  private func refuse(_ error: WireError, _ route: Route) -> [Effect] {
    guard case .wrongVersion(let found) = error else { return [.say("dropped a message: \(error)")] }
    let refusal = Refusal.otherVersion(mine: Preamble.version, yours: found)
    return [.send(liaison.stranger(refusal, request: 0), along: route)]
  }

  /// What waits for a clock may have waited for this one.
  mutating func progressed(from before: UInt64) -> [Effect] {
    guard let shard else { return [] }
    done &+= shard.clock &- before
    var effects: [Effect] = []
    if let order = settling, shard.settledClock >= order.clock {
      settling = nil
      effects += report(.settled(shard.settlement), order.asked)
    }
    if let asked = checkpoint?.held(by: shard) { effects += report(.held(shard.heldTotals), asked) }
    let arrived = fills.filter { $0.isDone(shard) }
    if !arrived.isEmpty {
      fills.removeAll { fill in arrived.contains { $0.asked == fill.asked } }
      filled += arrived.map(\.order)
      effects += arrived.flatMap { report(.filled, $0.asked) }
    }
    return effects
  }

  mutating func report(_ report: ServerReport, _ asked: Asked) -> [Effect] {
    guard asked.term == liaison.session.identity.term else { return [] }
    return [.tell(liaison.session.answer(asked.request, .report(Control(report))))]
  }

  // MARK: Time

  private mutating func tick(at time: Seconds) -> [Effect] {
    let beat = beat()
    switch liaison.tick(at: time, beat: beat) {
    case .messages(let messages, let sentence):
      let repeated: [Effect] =
        shard == nil || liaison.isFrozen
        ? [] : shard!.peers.due(at: time).map { .ask($0.envelope, ofServer: $0.server) }
      return messages.map { .tell($0) } + (sentence.map { [.say($0)] } ?? []) + repeated
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
    return shard.isFull ? Activity(.writing) : shard.activity
  }
}
