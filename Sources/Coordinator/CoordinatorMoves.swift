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

  /// Once everyone trains in a view: has copies made that a better deal takes, once a view.
  mutating func fill(at time: Seconds) -> [Effect] {
    guard case .reigning(let view) = stance, target == nil, let slots = view.slots, let program,
      case .training = program.phase
    else { return [] }
    let servers = view.members("server").map(\.number).filter { membership[.server($0)]?.isDraining == false }
    guard !servers.isEmpty else { return [] }
    let wanted = SlotDeal.target(from: slots, servers: servers, replicas: cluster.replicas)
    target = wanted
    guard wanted != slots else { return [] }
    let fills = SlotDeal.fills(from: slots, to: wanted)
    filling = Filling(fills)
    if fills.isEmpty { return reserve("roles are dealt anew") }
    return fills.sorted { $0.key < $1.key }.flatMap { giver, orders -> [Effect] in
      guard let place = membership[.server(giver)] else { return [] }
      return orders.flatMap { send(membership.ask(place.incarnation, .order(Control(ServerOrder.fill($0))), at: time)) }
    }
  }

  // MARK: Commands

  /// What a person's tool is answered.
  mutating func answer(_ control: Control) -> Message {
    guard let command = try? control.decode(CoordinatorCommand.self) else {
      return .refusal(.malformed("there is no such command"))
    }
    switch command {
    case .status: return .report(Control(CommandAnswer.status(status)))
    case .drain(let name): return .report(Control(drain(name)))
    }
  }

  private var status: [String] {
    membership.all.map { place in
      "\(place.name): \(isInView(place.incarnation) ? ProgressWatch.describe(place.beat.activity) : "in no view")"
        + (place.beat.load.map { "; holds \($0.text)" } ?? "") + (place.isDraining ? ", to leave" : "")
        + (place.member.flatMap { program?.waits.seconds[$0] }.map {
          "; waited for \(Int($0.rounded())) s in this epoch"
        }
          ?? "")
    }
  }

  private mutating func drain(_ name: String) -> CommandAnswer {
    let all = membership.all.filter { $0.member != nil }
    guard let place = all.first(where: { "\($0.member!)" == name }) else {
      return drained.contains(name)
        ? .drained
        : .refused("there is no \(name); there are: \(all.map { "\($0.member!)" }.joined(separator: ", "))")
    }
    if place.isLeaving { return .draining("\(name) is stopping") }
    guard
      all.contains(where: {
        $0.registration.role == place.registration.role && !$0.isDraining && $0.member != place.member
      })
    else { return .refused("\(name) is the last \(place.registration.role): start another first") }
    if !place.isDraining {
      let others = membership.all(.worker).filter { !$0.isDraining && $0.incarnation != place.incarnation }
      guard place.registration.role == .server || canRead(others) else {
        return .refused(
          "nobody else has the data of \(name): start a worker with --files on a host that has them first")
      }
      membership.drain(place.incarnation)
      drained.insert(name)
      // What is to move is decided anew, once nothing moves.
      if filling == nil { target = nil }
    }
    let slots = (view?.slots?.runs(heldBy: place.member!.number) ?? []).reduce(0) { $0 + $1.count }
    return .draining(
      place.registration.role == .server ? "\(name) holds \(slots) slots, which are moving" : "\(name) is leaving")
  }
}
