import Job
import Sharding
import Wire

/// What people's tools ask.
extension CoordinatorCore {
  mutating func answer(_ control: Control, at time: Seconds) -> (Message, [Effect]) {
    guard let command = try? control.decode(CoordinatorCommand.self) else {
      return (.refusal(.malformed("there is no such command")), [])
    }
    switch command {
    case .status: return (.report(Control(CommandAnswer.done(status))), [])
    case .drain(let name): return (.report(Control(drain(name))), [])
    case .rebalance(let wish):
      let (answer, effects) = rebalance(wish, at: time)
      return (.report(Control(answer)), effects)
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
        ? .done([])
        : .refused("there is no \(name); there are: \(all.map { "\($0.member!)" }.joined(separator: ", "))")
    }
    if place.isLeaving { return .underWay("\(name) is stopping") }
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
    return .underWay(
      place.registration.role == .server ? "\(name) holds \(slots) slots, which are moving" : "\(name) is leaving")
  }
}
