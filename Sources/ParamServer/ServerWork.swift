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
    guard let asked = restoring, let shard else { return [] }
    restoring = nil
    // It holds it all now, but an order of a view that is over is not answered.
    guard !liaison.isFrozen else { return [] }
    let number = shard.assignment.server
    return [.say("server-\(number) serves \(shard.holdings.count) groups of slots from step \(shard.clock)")]
      + report(.adopted, asked)
  }

  /// What becomes of a part is known.
  mutating func endCheckpoint(_ number: Int, _ answer: ServerReport) -> [Effect] {
    guard let task = checkpoint, task.order.number == number, let asked = task.writing, shard != nil else {
      return []
    }
    checkpoint = nil
    done += 1
    shard!.releaseHeld()
    let before = shard!.clock
    return report(answer, asked) + sent(shard!.advanceAll()) + progressed(from: before)
  }

  func header(of order: CheckpointOrder) -> PartHeader {
    PartHeader(
      run: liaison.session.identity.run, checkpoint: order.number, clock: order.clock, base: order.base?.number,
      server: shard?.assignment.server ?? 0)
  }

  /// Writes on, and lets steps go on that waited for it.
  private mutating func write(at time: Seconds) -> [Effect] {
    guard checkpoint?.wantsTurn ?? false else { return [] }
    var effects: [Effect] = []
    if shard!.isFull, !checkpoint!.hasSaidFull {
      checkpoint!.hasSaidFull = true
      effects.append(
        .say(
          "steps wait until some of checkpoint \(checkpoint!.order.number) is written: the disk is slower than what "
            + "changes, and \(ServedTable.mostHeldBytes >> 20) MiB are kept for it"))
    }
    let wasFull = shard!.isFull
    let header = header(of: checkpoint!.order)
    switch checkpoint!.next(of: shard!) {
    case .write(let snapshots): effects.append(.write(snapshots, header))
    case .finish: effects.append(.finish(header))
    case .notNumbers(let table): return effects + fail(.notNumbers(table: table, clock: header.clock), at: time)
    }
    guard wasFull else { return effects }
    let before = shard!.clock
    return effects + sent(shard!.advanceAll()) + progressed(from: before)
  }

  mutating func turn(at time: Seconds) -> [Effect] {
    guard shard != nil, !liaison.isFrozen else { return [] }
    if let (asked, _) = digest {
      done += 1
      if let digests = digest!.task.hashSome(of: shard!) {
        digest = nil
        return report(.digests(SlotDigests(digests)), asked)
      }
    }
    return copySome() + write(at: time)
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
