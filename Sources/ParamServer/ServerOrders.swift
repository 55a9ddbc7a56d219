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
    // Its own end, not the run's, which may have a place for it by now.
    case .refused(let reason):
      isEnded = true
      return [.end(.refused(reason))]
    case .excluded: return beginAnew(at: time)
    case .order(let request, let control, let view):
      do {
        let asked = Asked(request: request, term: liaison.session.identity.term)
        return try carryOut(control.decode(ServerOrder.self), asked, view: view, at: time)
      } catch let error as ServerError {
        return fail(error, at: time)
      } catch {
        return [.tell(liaison.session.answer(request, .refusal(.malformed("\(error)"))))]
      }
    }
  }

  private mutating func carryOut(
    _ order: ServerOrder, _ asked: Asked, view: UInt32, at time: Seconds
  ) throws -> [Effect] {
    switch order {
    case .propose: return propose(view, asked)
    case .adopt(let assignment): return try adopt(assignment, asked, view: view, at: time)
    case .stop:
      isEnded = true
      return report(.done, asked) + [.end(nil)]
    case .settle, .checkpoint, .write, .remove, .fill, .weigh, .digest:
      guard view == liaison.view, restoring == nil, shard != nil else {
        throw WireError.malformed("an order to a server that does not stand in view \(view)")
      }
      return try work(order, asked, at: time)
    }
  }

  private mutating func work(_ order: ServerOrder, _ asked: Asked, at time: Seconds) throws -> [Effect] {
    switch order {
    case .settle(let clock):
      settling = Settling(asked: asked, clock: clock)
      return progressed(from: shard!.clock)
    case .checkpoint(let order):
      guard shard!.assignment.folder != nil else {
        throw ServerError.badAssignment("a checkpoint without a directory to write it to")
      }
      let dropped = dropCheckpoint()
      let past = shard!.hold(order)
      if past == nil { checkpoint = CheckpointTask(order, asked) }
      // What another checkpoint held up goes on.
      let before = shard!.clock
      return dropped + (past.map { report(.missed(clock: $0), asked) } ?? []) + sent(shard!.advanceAll())
        + progressed(from: before)
    case .write(let number):
      guard checkpoint?.order.number == number, shard!.isHeld else {
        throw WireError.malformed("checkpoint \(number), which is not held, is to be written")
      }
      checkpoint!.write(asked, shard!)
      return []
    case .remove(let files): return [.remove(files: files)] + report(.done, asked)
    case .fill(let order):
      try shard!.check(order)
      fills.append(FillTask(order, asked, shard!))
      return []
    case .weigh: return report(.loads(shard!.loads), asked)
    case .digest:
      digest = (asked, DigestTask(shard!))
      return []
    case .propose, .adopt, .stop: return []
    }
  }

  // MARK: Views

  /// Nothing of earlier views is taken any more; what was ordered in them is not answered.
  private mutating func propose(_ view: UInt32, _ asked: Asked) -> [Effect] {
    let left = view > liaison.promised ? leaveView() : []
    liaison.promise(view)
    // What is not all restored is not held.
    let standing =
      restoring == nil ? shard?.standing(view: liaison.view, filled: filled) : nil
    return left + report(.standing(standing ?? ServerStanding(view: 0)), asked)
  }

  private mutating func leaveView() -> [Effect] {
    let dropped = dropCheckpoint()
    (settling, digest) = (nil, nil)
    fills = []
    shard?.peers.forget()
    return dropped
  }

  /// Gives up what is held, and what was written of it.
  private mutating func dropCheckpoint() -> [Effect] {
    shard?.releaseHeld()
    guard let task = checkpoint else { return [] }
    checkpoint = nil
    return task.isBeingWritten ? [.abandon(header(of: task.order))] : []
  }

  /// Gives up what is being read: what the edge still says of it is none of the next reading's.
  private mutating func dropRestoring() {
    if restoring != nil { voidReads += 1 }
    restoring = nil
  }

  private mutating func adopt(
    _ assignment: ServerAssignment, _ asked: Asked, view: UInt32, at time: Seconds
  ) throws -> [Effect] {
    guard view > liaison.view else { throw WireError.malformed("a second assignment in view \(view)") }
    let left = leaveView()
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
    restoring = asked
    let effects: [Effect] =
      left + [.connect(servers: others), .open(folder: assignment.folder, kept: assignment.kept)]
    guard case .restored(let restore) = assignment.start else { return effects + answerRestored() }
    return effects + [.read(restore, ofSlots: assignment.slots.runs(heldBy: assignment.server))]
  }

  /// The run went on without this server, and what it holds is worth nothing. It offers itself once more, with nothing.
  private mutating func beginAnew(at time: Seconds) -> [Effect] {
    let name = liaison.member.map { "\($0)" } ?? "this server"
    let left = leaveView()
    dropRestoring()
    shard = nil
    filled = []
    liaison.beginAnew(at: time)
    return left + [
      .connect(servers: []), .open(folder: nil, kept: []),
      .say("the run went on without \(name), which offers itself to the coordinator anew"),
    ]
  }
}
