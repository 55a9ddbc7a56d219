import Foundation
import Job
import Sharding
import Wire

/// A person's wish that slots move for load: how far it is.
struct Balance: Sendable {
  let wish: Rebalance
  private(set) var stage: Stage

  enum Stage: Sendable {
    /// Some servers have not said what their slots are worth.
    case weighing(waiting: Set<Int>)
    case weighed
    /// Towards a deal, of which there is this to say.
    case moving(SlotMap, [String])
    case done([String])
  }

  /// By slot.
  private var loads = [Double](repeating: 0, count: Rank.slots)

  /// - Parameter servers: that were asked what their slots are worth.
  init(_ wish: Rebalance, asking servers: Set<Int>) {
    self.wish = wish
    stage = .weighing(waiting: servers)
  }

  mutating func hear(_ report: SlotLoads, from server: Int) {
    guard case .weighing(var waiting) = stage, waiting.remove(server) != nil else { return }
    let values = wish.load == .memory ? report.memory : report.traffic
    for (slot, load) in zip(report.slots.joined(), values) where loads.indices.contains(slot) {
      loads[slot] = Double(max(0, load))
    }
    stage = waiting.isEmpty ? .weighed : .weighing(waiting: waiting)
  }

  /// Decides what is to move, once all is weighed.
  ///
  /// - Returns: the deal to strive for; nil if there is nothing to do.
  mutating func target(from slots: SlotMap, _ takers: [SlotShares.Taker], replicas: Int) -> SlotMap? {
    guard case .weighed = stage, Set(slots.servers).isSubset(of: takers.map(\.number)) else { return nil }
    let replicas = min(replicas, takers.count - 1)
    let balance = SlotBalance(shares: SlotShares(takers, replicas: replicas), replicas: replicas, loads: loads)
    let target = balance.target(from: slots)
    let lines = lines(from: slots, to: target, balance)
    guard !wish.isDry, target != slots else {
      stage = .done(lines)
      return nil
    }
    stage = .moving(target, lines)
    return target
  }

  /// A view is adopted: this was for the one before.
  ///
  /// - Returns: whether there is anything to say still; if not, it is to be begun anew.
  mutating func enter(_ slots: SlotMap?) -> Bool {
    switch stage {
    case .weighing, .weighed: return false
    case .moving(let target, let lines):
      guard target == slots else { return false }
      stage = .done(lines)
      return true
    case .done: return true
    }
  }

  var answer: CommandAnswer {
    switch stage {
    case .weighing(let waiting):
      .underWay("waiting for what \(waiting.sorted().map { "server-\($0)" }.joined(separator: ", ")) holds")
    case .weighed: .underWay("waiting until all train")
    case .moving: .underWay("slots are moving")
    case .done(let lines): .done(lines)
    }
  }

  /// A line for each server: what it bears, and what it is to bear.
  private func lines(from slots: SlotMap, to target: SlotMap, _ balance: SlotBalance) -> [String] {
    let total = loads.reduce(0, +)
    guard total > 0 else { return ["there is no \(wish.load) yet"] }
    let (before, after) = (balance.borne(in: slots), balance.borne(in: target))
    let (had, has) = (slots.owners(), target.owners())
    func percent(_ load: Double) -> String { String(format: "%.1f %%", 100 * load / total) }
    return balance.shares.takers.map { taker in
      let number = taker.number
      let count = { (owners: [UInt16]) in owners.count { Int($0) == number } }
      let share = percent(total * balance.shares.firsts[number]! / Double(Rank.slots))
      let now = "server-\(number): \(count(had)) slots, \(percent(before[number]!)) of the \(wish.load)"
      guard count(had) != count(has) || before[number] != after[number] else { return "\(now); its share is \(share)" }
      return
        "\(now) -> \(count(has)) slots, \(percent(after[number]!)); its share is \(share)"
    }
  }
}

extension CoordinatorCore {
  /// Has what a person wishes begun, unless it has been already.
  mutating func rebalance(_ wish: Rebalance, at time: Seconds) -> (CommandAnswer, [Effect]) {
    if let balance, balance.wish.id == wish.id { return (balance.answer, []) }
    if let balance, case .moving = balance.stage { return (.underWay("other slots are moving"), []) }
    guard case .reigning(let view) = stance, let slots = view.slots, let program, case .training = program.phase else {
      return (.underWay("waiting until all train"), [])
    }
    guard filling == nil else { return (.underWay("other slots are moving"), []) }
    let firsts = Set(slots.runs.map { $0.homes[0] })
    let begun = Balance(wish, asking: firsts)
    balance = begun
    let effects = firsts.sorted().flatMap { number -> [Effect] in
      guard let place = membership[.server(number)] else { return [] }
      return send(membership.ask(place.incarnation, .order(Control(ServerOrder.weigh)), at: time))
    }
    return (begun.answer, effects)
  }
}
