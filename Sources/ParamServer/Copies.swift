import Checkpoint
import Sharding
import Wire

/// Slots that other servers copy here, for this one to be a home of: what comes of them.
extension Shard {
  /// Takes a part of a slot. A copy is at its table's clock, or it is one that was taken before.
  mutating func take(_ copy: Copy, from giver: Int) throws -> Message {
    guard groups.indices.contains(copy.group), groups[copy.group].first == giver, holdings[copy.group] == nil,
      groups[copy.group].slots.contains(where: { $0.contains(copy.slot) }),
      assignment.tables.indices.contains(copy.table)
    else { throw Refusal.malformed("a copy of slot \(copy.slot) of group \(copy.group) by server-\(giver)") }
    let holding = copies[copy.group] ?? emptyCopy(of: copy.group)
    if let table = holding.tables[copy.table], copy.clock != table.position {
      return copy.clock < table.position ? .pushed : .refusal(.notYet)
    }
    let place = CopyPlace(group: copy.group, table: copy.table, slot: copy.slot, clock: copy.clock)
    // Parts of earlier clocks are of slots that are whole: they came once more.
    copyParts = copyParts.filter { other, _ in
      other.group != place.group || other.table != place.table || other.clock == place.clock
    }
    var parts = copyParts[place] ?? [:]
    parts[copy.part] = copy.bytes
    guard parts.count == copy.parts else {
      copyParts[place] = parts
      return .pushed
    }
    copyParts[place] = nil
    try restore(copy, Self.joined(parts, count: copy.parts), into: holding)
    return .pushed
  }

  private func emptyCopy(of group: Int) -> Holding {
    Holding(group: groups[group], tables: assignment.tables.map { _ in nil })
  }

  private static func joined(_ parts: [Int: Frame], count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(parts.values.reduce(0) { $0 + $1.count })
    for part in 0..<count {
      if let frame = parts[part] { withExtendedLifetime(frame) { bytes.append(contentsOf: frame.bytes) } }
    }
    return bytes
  }

  private mutating func restore(_ copy: Copy, _ bytes: [UInt8], into before: Holding) throws {
    var holding = before
    let table =
      try holding.tables[copy.table]
      ?? make(copy.table, clock: copy.clock, totals: copy.totals, arrived: copy.clock)
    holding.tables[copy.table] = table
    copies[copy.group] = holding
    table.note(copy.slot, applied: Array(copy.applied.elements(as: UInt64.self)), totals: copy.totals)
    // What the committed checkpoint knows of the slot, nobody says: it counts as changed.
    try table.restore(bytes, slot: copy.slot, changedAt: table.foremost)
  }
}

/// Slots being copied to a server that is to be a home of them, a few at a time, while training goes on. From the first one on
/// that server follows the steps of what it has.
struct FillTask {
  let asked: ServerCore.Asked
  let order: FillOrder
  private var lanes: [Lane]

  /// The slots of one table of one group.
  private struct Lane {
    let group: Int
    let table: Int
    /// What is left to copy, ascending.
    var left: ArraySlice<Int>
    var hasBegun = false
    /// The clock at which the last slot was copied.
    var copiedAt: UInt64?
  }

  /// Bytes of a turn, and messages that may be on their way.
  private static let turnBytes = 1 << 20

  init(_ order: FillOrder, _ asked: ServerCore.Asked, _ shard: Shard) {
    self.order = order
    self.asked = asked
    let wanted = SlotSet(order.slots)
    lanes = shard.holdings.values.filter { $0.group.first == shard.assignment.server }
      .sorted { $0.group.number < $1.group.number }
      .flatMap { holding in
        let slots = holding.group.slots.flatMap { $0.filter(wanted.contains) }
        return slots.isEmpty
          ? [] : holding.tables.indices.map { Lane(group: holding.group.number, table: $0, left: slots[...]) }
      }
    // It may have a copy of other slots.
    for lane in lanes { shard.holdings[lane.group]?.tables[lane.table]?.expect(lane.left.count, at: order.server) }
  }

  /// Whether there is something to copy now.
  func wantsTurn(_ shard: Shard) -> Bool {
    lanes.contains { lane in
      guard !lane.left.isEmpty, let table = shard.holdings[lane.group]?.tables[lane.table] else { return false }
      guard let follower = table.followers.first(where: { $0.server == order.server }) else {
        return table.canBeCopied
      }
      return follower.isAt(table.position) && !follower.hasOpenCopies
    }
  }

  /// Copies the next slots, as far as the server that follows has come.
  mutating func copySome(of shard: inout Shard) {
    var bytes = 0
    for index in lanes.indices where !lanes[index].left.isEmpty && bytes < Self.turnBytes {
      guard let table = shard.holdings[lanes[index].group]?.tables[lanes[index].table] else { continue }
      if !table.followers.contains(where: { $0.server == order.server }) {
        guard table.canBeCopied else { continue }
        table.followers.append(Follower(server: order.server, slots: SlotSet(), clock: table.position))
        table.expect(lanes[index].left.count, at: order.server)
      }
      let place = table.followers.firstIndex { $0.server == order.server }!
      guard table.followers[place].isAt(table.position), !table.followers[place].hasOpenCopies else { continue }
      var held = SlotSet()
      for slot in table.table.slots { held.insert(slot) }
      while bytes < Self.turnBytes, let slot = lanes[index].left.popFirst() {
        // The first is copied even if it is empty: with it the table begins.
        let isWanted = held.contains(slot) || !lanes[index].hasBegun
        lanes[index].hasBegun = true
        guard isWanted else {
          table.followers[place].copying(slot, parts: 0)
          continue
        }
        let messages = Self.messages(table, lanes[index].group, lanes[index].table, slot)
        table.followers[place].copying(slot, parts: messages.count)
        for copy in messages {
          bytes += copy.bytes.count
          shard.peers.ask(.copy(copy), of: order.server)
        }
      }
      if lanes[index].left.isEmpty { lanes[index].copiedAt = table.position }
    }
  }

  private static func messages(_ served: ServedTable, _ group: Int, _ number: Int, _ slot: Int) -> [Copy] {
    let bytes = served.table.snapshot(slot: slot).bytes
    let account = served.table.ledger?.account(of: slot)
    let applied = (account?.applied ?? []).withUnsafeBufferPointer(Frame.init(copying:))
    let parts = max(1, (bytes.count + Copy.partBytes - 1) / Copy.partBytes)
    return (0..<parts).map { part in
      let range = part * Copy.partBytes..<min(bytes.count, (part + 1) * Copy.partBytes)
      return Copy(
        group: group, table: number, slot: slot, clock: served.position, applied: applied,
        totals: account?.totals ?? served.table.totals, part: part, parts: parts, bytes: Frame(Array(bytes[range])))
    }
  }

  /// Whether the copy is whole, and can undo what a home must be able to: an async table nothing.
  func isDone(_ shard: Shard) -> Bool {
    let depth = UInt64(Shard.undoDepth(lag: shard.assignment.lag))
    return lanes.allSatisfy { lane in
      guard let copiedAt = lane.copiedAt, let table = shard.holdings[lane.group]?.tables[lane.table],
        let follower = table.followers.first(where: { $0.server == order.server })
      else { return false }
      return !follower.hasOpenCopies && follower.clock >= copiedAt + (table.isAsync ? 0 : depth)
    }
  }
}

extension Shard {
  /// Whether slots are this server's to copy, and another's to have.
  ///
  /// - Throws: `WireError.malformed`.
  func check(_ order: FillOrder) throws {
    guard order.slots.allSatisfy({ $0.lowerBound >= 0 && $0.upperBound <= Rank.slots }) else {
      throw WireError.malformed("there are no slots \(order.slots)")
    }
    let wanted = SlotSet(order.slots)
    let groups = firstHoldings.map(\.group).filter { $0.slots.contains { $0.contains(where: wanted.contains) } }
    let mine = groups.reduce(0) { count, group in
      count + group.slots.reduce(0) { $0 + $1.count(where: wanted.contains) }
    }
    guard !wanted.isEmpty, mine == wanted.count, order.server != assignment.server,
      assignment.servers.contains(where: { $0.number == order.server }),
      !groups.contains(where: { $0.homes.contains(order.server) })
    else { throw WireError.malformed("server-\(assignment.server) cannot copy these slots to server-\(order.server)") }
  }

  /// Takes another server's answer to a root or a copy.
  mutating func take(_ answer: Message, to question: Message, from server: Int) {
    guard case .pushed = answer else { return }
    switch question {
    case .push(let push):
      guard let table = holdings[push.group]?.tables[push.table],
        let place = table.followers.firstIndex(where: { $0.server == server })
      else { return }
      table.followers[place].acknowledged(table.isAsync ? push.arrival : push.clock)
    case .copy(let copy):
      guard let table = holdings[copy.group]?.tables[copy.table],
        let place = table.followers.firstIndex(where: { $0.server == server })
      else { return }
      table.followers[place].copied()
    default: break
    }
  }
}
