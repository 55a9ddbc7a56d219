import Checkpoint
import Wire

/// Processes that die, fall silent or fail.
extension CoordinatorCore {
  /// A process is dead, or as good as: the run goes on without it.
  mutating func lose(_ place: Place, _ sentence: String, at time: Seconds) -> [Effect] {
    membership.forget([place.incarnation])
    awaited.remove(place.incarnation)
    lastLoss = sentence
    if isInLastView(place.incarnation) { casualties.note(sentence, place.registration.role) }
    let told: [Effect] = [.say(sentence), .note(sentence)]
    switch stance {
    case .proposing(var proposal):
      proposal.drop(place.incarnation)
      stance = .proposing(proposal)
      return told + decide(at: time)
    case .reigning(let view):
      guard view.members.contains(where: { $0.incarnation == place.incarnation }) else { return told }
      return told + reserve("\(place.member.map { "\($0)" } ?? "a process") is gone")
    case .gathering, .reserving, .recording: return told
    }
  }

  private func isInLastView(_ incarnation: UInt64) -> Bool {
    lastView?.members.contains { $0.incarnation == incarnation } ?? false
  }

  /// A process on a host is dead, as whoever watches it says.
  mutating func bury(_ host: String, _ process: Int32, _ sentence: String, at time: Seconds) -> [Effect] {
    guard
      let place = membership.all.first(where: { $0.registration.host == host && $0.registration.process == process })
    else { return [.say(sentence), .note(sentence)] }
    // It was told to.
    if place.isLeaving {
      membership.forget([place.incarnation])
      return [.say(sentence), .note(sentence)]
    }
    return lose(place, sentence, at: time)
  }

  /// A process says that it cannot go on. What a member cannot do, another could not either; whoever has only just come is
  /// not needed.
  mutating func failed(_ incarnation: UInt64, _ sentence: String, at time: Seconds) -> [Effect] {
    guard let place = membership[incarnation] else { return [] }
    let isMember = lastView == nil || isInLastView(incarnation)
    let named = "\(place.member.map { "\($0)" } ?? "a process"): \(sentence)"
    return isMember ? end(at: time) { $0.fail(named) } : lose(place, named, at: time)
  }
}

/// Members that died one after another without a step between them: what they do may be what kills them. Workers and servers
/// count apart.
struct Casualties: Sendable {
  private var workers = DeathRow(.worker)
  private var servers = DeathRow(.server)
  /// The highest clock that a server of the stage has told.
  private var reached: UInt64 = 0

  mutating func hear(_ beat: Beat) { reached = max(reached, beat.clock ?? 0) }

  mutating func note(_ sentence: String, _ role: Member.Role) {
    if role == .server { servers.note(sentence) } else { workers.note(sentence) }
  }

  /// - Parameter clock: that the run would go on at.
  /// - Returns: a sentence if the run is to end.
  mutating func verdict(at clock: UInt64) -> String? {
    reached = max(reached, clock)
    let ofWorkers = workers.verdict(at: clock, reached: reached)
    let ofServers = servers.verdict(at: clock, reached: reached)
    return ofWorkers ?? ofServers
  }
}

/// Those of one role. Some that die together, between two views, count as one: they had a host in common.
struct DeathRow: Sendable {
  let role: Member.Role
  private var sentences: [String] = []
  private var latest: String?
  /// Where the run stood when the last of them was counted.
  private var place: UInt64 = 0

  /// Deaths at one step after which the next one is spared.
  static let most = 5

  init(_ role: Member.Role) { self.role = role }

  mutating func note(_ sentence: String) { latest = sentence }

  /// - Parameters:
  ///   - clock: that the run would go on at.
  ///   - reached: the highest clock that was heard of.
  /// - Returns: a sentence if the run is to end.
  mutating func verdict(at clock: UInt64, reached: UInt64) -> String? {
    // A worker dies of the step that comes next: once that is another, be it an earlier one, so is the cause. A server may have
    // died of one that lies behind the checkpoint which all go back to: only who comes further than ever has left it behind.
    let isAnother = role == .server ? reached > place : clock != place
    if isAnother { sentences = [] }
    place = role == .server ? max(place, reached) : clock
    if let latest { sentences.append(latest) }
    latest = nil
    guard let last = sentences.last, sentences.count >= Self.most else { return nil }
    let cause = role == .server ? "what they apply" : "what they read"
    return
      "\(sentences.count) times in a row \(role)s have died at step \(role == .server ? place : clock), or soon after: "
      + "\(cause) may be what kills them. The last time, \(last)"
  }
}
