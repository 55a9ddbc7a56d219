import Checkpoint
import Job
import Sharding
import Wire

/// Copies that are being made, before a view gives them roles.
struct Filling: Sendable {
  /// By giver, orders that are not answered.
  private var open: [Int: Int]

  init(_ orders: [Int: [FillOrder]]) { open = orders.mapValues(\.count) }

  mutating func arrived(from giver: Int) {
    guard let count = open[giver] else { return }
    open[giver] = count > 1 ? count - 1 : nil
  }

  var isComplete: Bool { open.isEmpty }
}

/// Who comes, who leaves, and what moves for it.
extension CoordinatorCore {
  /// Begins another view if somebody has come or is to leave, or if what moves has arrived.
  mutating func changeViewIfNeeded(at time: Seconds) -> [Effect] {
    guard case .reigning(let view) = stance, plan != nil else { return [] }
    if let filling, filling.isComplete {
      return reserve("slots have moved")
    }
    let members = Set(view.members.map(\.incarnation))
    let newcomers = membership.all.filter { $0.member != nil && !$0.isLeaving && !members.contains($0.incarnation) }
    if let first = newcomers.map(\.joinedAt).min(), time - first >= timing.joinWindow {
      return reserve(newcomers.map { "\($0.member!)" }.joined(separator: ", ") + " joined")
    }
    let leaving = membership.all(.worker).filter { $0.isDraining && members.contains($0.incarnation) }
    let others = membership.all(.worker).filter { !$0.isDraining && members.contains($0.incarnation) }
    if !leaving.isEmpty, !others.isEmpty, canRead(others) {
      return reserve(leaving.map { "\($0.member!)" }.joined(separator: ", ") + " is to leave")
    }
    return fill(at: time)
  }

  /// A member's answer to an order.
  mutating func take(_ message: Message, from incarnation: UInt64, at time: Seconds) -> [Effect] {
    // Whoever is let go is asked for nothing but to stop.
    if membership[incarnation]?.isLeaving == true {
      membership.forget([incarnation])
      return []
    }
    if case .proposing = stance { return answered(message, by: incarnation, at: time) }
    guard isInView(incarnation), let member = membership[incarnation]?.member else { return [] }
    if case .report(let report) = message, member.role == .server {
      switch try? report.decode(ServerReport.self) {
      case .filled:
        filling?.arrived(from: member.number)
        return changeViewIfNeeded(at: time)
      case .loads(let loads):
        balance?.hear(loads, from: member.number)
        return fill(at: time)
      default: break
      }
    }
    return run(at: time) { $0.receive(message, from: member, at: time) } + fill(at: time)
  }

  /// Once everyone trains in a view: has copies made that a better deal takes, once a view, and for whoever wants it even.
  mutating func fill(at time: Seconds) -> [Effect] {
    guard case .reigning(let view) = stance, filling == nil, let slots = view.slots, let program,
      case .training = program.phase
    else { return [] }
    let takers = view.members("server").compactMap { membership[.server($0.number)] }.filter { !$0.isDraining }
      .map(\.taker)
    guard !takers.isEmpty else { return [] }
    if target == nil {
      let wanted = SlotDeal.target(from: slots, takers, replicas: cluster.replicas)
      target = wanted
      if wanted != slots { return move(slots, to: wanted, at: time) }
    }
    guard let wanted = balance?.target(from: slots, takers, replicas: cluster.replicas) else { return [] }
    target = wanted
    return move(slots, to: wanted, at: time)
  }

  private mutating func move(_ slots: SlotMap, to wanted: SlotMap, at time: Seconds) -> [Effect] {
    let fills = SlotDeal.fills(from: slots, to: wanted)
    filling = Filling(fills)
    if fills.isEmpty { return reserve("roles are dealt anew") }
    return fills.sorted { $0.key < $1.key }.flatMap { giver, orders -> [Effect] in
      guard let place = membership[.server(giver)] else { return [] }
      return orders.flatMap { send(membership.ask(place.incarnation, .order(Control(ServerOrder.fill($0))), at: time)) }
    }
  }
}
