import Checkpoint
import Job
import Sharding
import Wire

/// A view being proposed: who was asked, and what they answered.
struct Proposal: Sendable {
  let number: UInt32
  let reason: String
  var since: Seconds
  /// Whether it is proposed since nothing moved.
  var isStandstill = false
  /// Incarnations that have not answered.
  var waiting: Set<UInt64>
  var servers: [UInt64: ServerStanding] = [:]
  /// The view that each worker adopted last.
  var workers: [UInt64: UInt32] = [:]

  var isComplete: Bool { waiting.isEmpty }

  mutating func drop(_ incarnation: UInt64) {
    waiting.remove(incarnation)
    servers[incarnation] = nil
    workers[incarnation] = nil
  }
}

/// What the members' answers to a proposal come to: who holds what, and from which clock on. A pure function of them, of the
/// view before, and of what is recorded.
struct ViewChange {
  /// Whether slots are to be had at all: a survey has none.
  var replicas: Int?
  /// The view before, if it was one of this stage.
  var before: ViewRecord?
  /// No recorded state is later: an end of an epoch, or a checkpoint.
  var recorded: UInt64
  /// Where a rewind leads.
  var base: UInt64
  /// By number: those that answered, and what they hold.
  var servers: [Int: (incarnation: UInt64, standing: ServerStanding)]
  /// Those that are to stay.
  var staying: [SlotShares.Taker]
  /// The deal to strive for, by which copies were made.
  var target: SlotMap?

  struct Deal: Equatable {
    var slots: SlotMap?
    var clock: UInt64
    var isRewound: Bool
  }

  func decide() -> Deal {
    guard let replicas else { return Deal(slots: nil, clock: base, isRewound: true) }
    if let deal = kept(replicas) { return deal }
    let possible = min(replicas, staying.count - 1)
    let fresh = SlotMap(SlotShares(staying, replicas: possible), replicas: possible)
    return Deal(slots: fresh, clock: base, isRewound: true)
  }

  /// What homes hold, if all that is needed is held; nil where the run must go back.
  private func kept(_ replicas: Int) -> Deal? {
    guard let before, let slots = before.slots, !isHalfRewound(before) else { return nil }
    let held = holdings(of: before)
    var homes: [[Int]] = []
    homes.reserveCapacity(Rank.slots)
    let targets = target.map(SlotDeal.byslot)
    var clock = UInt64.max
    for run in slots.runs {
      for slot in run.slots {
        let there = held[slot].map(\.server)
        guard !there.isEmpty else { return nil }
        // Roles as they are wanted, as far as they can be had; then as they were.
        let wanted = (targets?[slot] ?? []).filter(there.contains)
        let rest = run.homes.filter { there.contains($0) && !wanted.contains($0) }
        let chosen = Array((wanted + rest).prefix(targets?[slot].count ?? replicas + 1))
        homes.append(chosen.isEmpty ? Array(there.prefix(1)) : chosen)
        for holding in held[slot] where homes[slot].contains(holding.server) { clock = min(clock, holding.clock) }
      }
    }
    for slot in homes.indices {
      // The undo logs are as deep as any two homes can be apart; if they are not, the state is of no use.
      guard held[slot].allSatisfy({ !homes[slot].contains($0.server) || $0.earliest <= clock }) else { return nil }
    }
    guard clock >= recorded else { return nil }
    return Deal(slots: SlotMap(homes: homes), clock: clock, isRewound: false)
  }

  /// A rewind that some home has not adopted is not one yet: its state is of before.
  private func isHalfRewound(_ before: ViewRecord) -> Bool {
    guard before.isRewound else { return false }
    return before.members("server").contains { member in
      guard before.slots?.servers.contains(member.number) ?? false,
        let server = servers[member.number], server.incarnation == member.incarnation
      else { return false }
      return server.standing.view < before.number
    }
  }

  private struct Held {
    var server: Int
    var clock: UInt64
    var earliest: UInt64
  }

  /// By slot, who really holds it of those that count: homes of the view before, and whole copies that their first homes
  /// wait for.
  private func holdings(of before: ViewRecord) -> [[Held]] {
    var held = [[Held]](repeating: [], count: Rank.slots)
    func add(_ holdings: [ServerStanding.Holding], of server: Int, where counts: (Int) -> Bool) {
      for holding in holdings {
        for slot in holding.slots.joined() where counts(slot) && !held[slot].contains(where: { $0.server == server }) {
          held[slot].append(Held(server: server, clock: holding.clock, earliest: holding.earliest))
        }
      }
    }
    let homes = before.slots.map(SlotDeal.byslot) ?? []
    for member in before.members("server") {
      guard let server = servers[member.number], server.incarnation == member.incarnation else { continue }
      let standing = server.standing
      // Whoever has not adopted the view before holds what it was dealt in it as what it had, a copy perhaps.
      add(standing.holdings, of: member.number) { homes[$0].contains(member.number) }
      if standing.view < before.number {
        add(standing.copies.values.flatMap { $0 }, of: member.number) { homes[$0].contains(member.number) }
      }
    }
    for (giver, server) in servers.sorted(by: { $0.key < $1.key }) {
      let isCurrent = server.standing.view == before.number || Mutant.countCopies.isActive
      guard isCurrent else { continue }
      let orders =
        Mutant.countCopies.isActive
        ? servers.filter { $0.value.standing.copies[giver] != nil }.map {
          FillOrder(slots: $0.value.standing.copies[giver]!.flatMap(\.slots), to: $0.key)
        } : server.standing.filled
      for order in orders {
        guard let receiver = servers[order.server], let copies = receiver.standing.copies[giver],
          receiver.standing.view == server.standing.view, copies.allSatisfy({ $0.clock >= recorded })
        else { continue }
        var isOrdered = [Bool](repeating: false, count: Rank.slots)
        for slot in order.slots.joined() { isOrdered[slot] = true }
        add(copies, of: order.server) { isOrdered[$0] && homes[$0].first == giver }
      }
    }
    return held
  }
}
