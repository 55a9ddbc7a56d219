import Checkpoint
import Sharding
import Wire

/// What takes a server longer than one event: restoring, hashing, copying, writing.
extension ServerCore {
  mutating func restore(_ slot: StoredSlot, at time: Seconds) -> [Effect] {
    guard restoring != nil, voidReads == 0 else { return [] }
    done += 1
    do {
      try shard?.restore(slot)
      return []
    } catch {
      return fail(
        .damagedSlot(path: slot.path, table: slot.table, slot: slot.slot, reason: "\(error)"), at: time)
    }
  }

  mutating func allRead() -> [Effect] {
    if voidReads > 0 {
      voidReads -= 1
      return []
    }
    return answerRestored()
  }

  mutating func answerRestored() -> [Effect] {
    guard let request = restoring, let shard else { return [] }
    restoring = nil
    // It holds it all now, but an order of a view that is over is not answered.
    guard !liaison.isFrozen else { return [] }
    let number = shard.assignment.server
    return [
      .say("server-\(number) serves \(shard.holdings.count) groups of slots from step \(shard.clock)"),
      report(.adopted, request),
    ]
  }

  mutating func answerSynced(_ number: Int, at time: Seconds) -> [Effect] {
    guard let (request, task) = checkpoint, task.order.number == number, shard != nil else { return [] }
    checkpoint = nil
    done += 1
    let part = WrittenPart(slots: task.slots, bytes: task.bytes, totals: shard!.totals)
    let answer = report(.written(part), request)
    shard!.releaseHold()
    let before = shard!.clock
    return [answer] + sent(shard!.advanceAll()) + progressed(from: before)
  }

  mutating func turn(at time: Seconds) -> [Effect] {
    guard shard != nil, !liaison.isFrozen else { return [] }
    if let (request, _) = digest {
      done += 1
      if let digests = digest!.task.hashSome(of: shard!) {
        digest = nil
        return [report(.digests(SlotDigests(digests)), request)]
      }
    }
    let copied = copySome()
    guard checkpoint?.task.wantsTurn ?? false else { return copied }
    switch checkpoint!.task.next(of: shard!) {
    case .write(let snapshots): return copied + [.write(snapshots, checkpoint: checkpoint!.task.order.number)]
    case .sync: return copied + [.sync(checkpoint: checkpoint!.task.order.number)]
    case .notNumbers(let table):
      return copied + fail(.notNumbers(table: table, clock: shard!.clock), at: time)
    }
  }

  private mutating func copySome() -> [Effect] {
    let wanting = fills.indices.filter { fills[$0].wantsTurn(shard!) }
    guard !wanting.isEmpty else { return [] }
    for index in wanting { fills[index].copySome(of: &shard!) }
    // A step that waited for its turn goes on, if what was copied was empty.
    let before = shard!.clock
    return sent(shard!.advanceAll()) + progressed(from: before)
  }
}
