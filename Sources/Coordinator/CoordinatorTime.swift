import Checkpoint
import Wire

/// What a coordinator does when nobody says anything: it misses processes, and progress.
extension CoordinatorCore {
  mutating func tick(at time: Seconds) -> [Effect] {
    let counted = countedIncarnations
    var effects = send(membership.tick(at: time) { counted.contains($0) })
    guard !isDismissed, plan != nil else { return effects }
    for place in membership.silent(at: time) where counted.contains(place.incarnation) {
      effects += lose(
        place,
        "\(place.name) has been silent for \(Int(timing.timeout)) s. See its log, or the network between it and here",
        at: time)
    }
    for place in overdue(at: time) {
      effects += lose(
        place,
        "\(place.name) has not answered for \(Int(timing.timeout)) s. See its log, or the network from here to it",
        at: time)
    }
    effects += gather(at: time)
    effects += changeViewIfNeeded(at: time)
    effects += speculate(at: time)
    effects += watch(at: time)
    return effects
  }

  /// Those whose silence matters: of the view, or of the one that is proposed.
  private var countedIncarnations: Set<UInt64> {
    switch stance {
    case .gathering: Set((lastView?.members ?? []).map(\.incarnation))
    case .reserving: Set((lastView?.members ?? []).map(\.incarnation))
    case .proposing(let proposal):
      proposal.waiting.union(proposal.servers.keys).union(proposal.workers.keys)
    case .recording(let view), .reigning(let view): Set(view.members.map(\.incarnation))
    }
  }

  /// Those that live, as far as is heard, but do not answer a proposal. Perhaps they do not hear it.
  private func overdue(at time: Seconds) -> [Place] {
    guard case .proposing(let proposal) = stance, time - proposal.since >= timing.timeout else { return [] }
    return proposal.waiting.sorted().compactMap { membership[$0] }
  }

  /// Time that stood still for this process was no time to come, or to answer.
  mutating func excuse(_ lateness: Seconds) {
    guard lateness > 0 else { return }
    dataWait?.since += lateness
    speculation.excuse(lateness)
    switch stance {
    case .gathering(let since): stance = .gathering(since: since + lateness)
    case .proposing(var proposal):
      proposal.since += lateness
      stance = .proposing(proposal)
    case .reserving, .recording, .reigning: break
    }
  }

  /// A run in which nothing moves gets another view, with everyone in it; if that does not help it ends, with who holds it.
  private mutating func watch(at time: Seconds) -> [Effect] {
    guard case .reigning(let view) = stance, let program, program.expectsProgress else { return [] }
    let members = membership.all.filter { isInView($0.incarnation) }
    guard let sentence = ProgressWatch.standstill(of: members, timeout: timing.timeout, at: time) else { return [] }
    let clock = members.compactMap { $0.beatView == view.number ? $0.beat.clock : nil }.max() ?? view.clock
    if let before = stoodStillAt, clock <= before + 1 { return end(at: time) { $0.fail(sentence) } }
    isStandstill = true
    return [.note(sentence)] + reserve("nothing moved for \(Int(timing.timeout)) s")
  }
}

/// A run that waits for somebody who has some of its data.
struct DataWait: Sendable {
  var since: Seconds
  /// What is said meanwhile.
  var sentence: String
  /// Incarnations of those that were there, and had not.
  var asked: Set<UInt64>
}
