import Checkpoint
import Sharding
import Wire

/// The coordinator's orders.
extension ServerCore {
  mutating func ordered(_ envelope: Envelope, at time: Seconds) -> [Effect] {
    switch liaison.receive(envelope, at: time) {
    case .nothing: return []
    case .tell(let answer): return [.tell(answer)]
    // A server asks nothing but for its place.
    case .answer: return []
    case .refused(let reason): return fail(.refused(reason), at: time)
    case .excluded: return beginAnew(at: time)
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
    case .propose: return propose(view, request)
    case .adopt(let assignment): return try adopt(assignment, request, view: view, at: time)
    case .stop:
      isEnded = true
      return [report(.done, request), .end(nil)]
    case .settle, .checkpoint, .committed, .fill, .weigh, .digest:
      guard view == liaison.view, restoring == nil, shard != nil else {
        throw WireError.malformed("an order to a server that does not stand in view \(view)")
      }
      return try work(order, request, at: time)
    }
  }

  private mutating func work(_ order: ServerOrder, _ request: UInt64, at time: Seconds) throws -> [Effect] {
    switch order {
    case .settle(let clock):
      settling = Settling(request: request, clock: clock)
      return progressed(from: shard!.clock)
    case .checkpoint(let order):
      guard shard!.assignment.database != nil else {
        throw ServerError.badAssignment("a checkpoint without a file to write it to")
      }
      dropCheckpoint()
      let past = shard!.hold(at: order.clock)
      if past == nil { checkpoint = (request, CheckpointTask(order)) }
      // What another checkpoint held goes on.
      let before = shard!.clock
      return (past.map { [report(.missed(clock: $0), request)] } ?? []) + sent(shard!.advanceAll())
        + progressed(from: before)
    case .committed(let kept): return [.prune(kept: kept), report(.done, request)]
    case .fill(let order):
      try shard!.check(order)
      fills.append(FillTask(order, request: request, shard!))
      return []
    case .weigh: return [report(.loads(shard!.loads), request)]
    case .digest:
      digest = (request, DigestTask(shard!))
      return []
    case .propose, .adopt, .stop: return []
    }
  }

  // MARK: Views

  /// Nothing of earlier views is taken any more; what was ordered in them is not answered.
  private mutating func propose(_ view: UInt32, _ request: UInt64) -> [Effect] {
    if view > liaison.promised { leaveView() }
    liaison.promise(view)
    // What is not all restored is not held.
    let standing =
      restoring == nil ? shard?.standing(view: liaison.view, filled: filled) : nil
    return [report(.standing(standing ?? ServerStanding(view: 0)), request)]
  }

  private mutating func leaveView() {
    dropCheckpoint()
    (settling, digest) = (nil, nil)
    fills = []
    shard?.peers.forget()
  }

  /// Gives up what is being written.
  private mutating func dropCheckpoint() {
    checkpoint = nil
    shard?.releaseHold()
  }

  /// Gives up what is being read: what the edge still says of it is none of the next reading's.
  private mutating func dropRestoring() {
    if restoring != nil { voidReads += 1 }
    restoring = nil
  }

  private mutating func adopt(
    _ assignment: ServerAssignment, _ request: UInt64, view: UInt32, at time: Seconds
  ) throws -> [Effect] {
    guard view > liaison.view else { throw WireError.malformed("a second assignment in view \(view)") }
    leaveView()
    filled = []
    // What was half restored is of no use to a view that goes on with what is held; none is dealt it then.
    let before = restoring == nil ? shard : nil
    let peers = shard?.peers ?? Peers()
    dropRestoring()
    shard = nil
    liaison.adopt(view)
    shard = try Shard(assignment, before: before)
    shard!.peers = peers
    let others = assignment.servers.filter { $0.number != assignment.server }
    shard!.peers.begin(with: others, liaison.session.identity, timing: timing, at: time)
    restoring = request
    let effects: [Effect] = [
      .connect(servers: others), .open(database: assignment.database, committed: assignment.committed),
    ]
    guard case .restored(let restore) = assignment.start else { return effects + answerRestored() }
    return effects + [.read(restore, ofSlots: assignment.slots.runs(heldBy: assignment.server))]
  }

  /// The run went on without this server, and what it holds is worth nothing. It offers itself once more, with nothing.
  private mutating func beginAnew(at time: Seconds) -> [Effect] {
    let name = liaison.member.map { "\($0)" } ?? "this server"
    leaveView()
    dropRestoring()
    shard = nil
    filled = []
    liaison.beginAnew(at: time)
    return [
      .connect(servers: []), .open(database: nil, committed: []),
      .say("the run went on without \(name), which offers itself to the coordinator anew"),
    ]
  }
}
