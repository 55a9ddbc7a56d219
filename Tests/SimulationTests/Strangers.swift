import Sharding
import Wire

/// Says what nobody should: processes of other runs, of nobody's, of another version, late ones, and such that mistake who
/// owns what. All of it is to be refused, or dropped, and to change nothing.
struct Strangers {
  enum Kind: CaseIterable {
    case otherRun, unknownMember, staleView, malformed, notOwner, gone, full, otherVersion, laterView
  }

  /// What workers said before: strangers say it again, altered.
  private var pushes: [(server: Int, envelope: Envelope)] = []
  private var pulls: [(server: Int, envelope: Envelope)] = []
  /// The last push with rows.
  private var latest: (server: Int, envelope: Envelope)?

  mutating func overhear(_ envelope: Envelope, to server: Int) {
    if case .push(let push) = envelope.message, push.count > 0 { latest = (server, envelope) }
    switch envelope.message {
    case .push where pushes.count < 32: pushes.append((server, envelope))
    case .pull(let pull) where pulls.count < 32 && pull.count > 0: pulls.append((server, envelope))
    default: break
    }
  }

  enum Speech {
    case toServer(Int, Envelope)
    case toCoordinator(Envelope)
    /// Bytes of another version.
    case noise(server: Int?)
  }

  /// - Parameter servers: nodes.
  func speak(_ kind: Kind, servers: [Int], _ faults: inout Faults) -> Speech? {
    switch kind {
    case .otherVersion: return .noise(server: faults.below(2) == 0 ? nil : servers[faults.below(servers.count)])
    // Before the members are complete, whoever comes has a place.
    case .full where !pushes.isEmpty:
      var preamble = Preamble()
      preamble.incarnation = 1 << 40 + UInt64(faults.below(1 << 20))
      preamble.request = 1
      return .toCoordinator(
        Envelope(preamble, .register(Registration(role: .worker, host: "late", process: 1, endpoint: nil))))
    default: break
    }
    guard !pushes.isEmpty, !pulls.isEmpty else { return nil }
    var (server, envelope) = pushes[faults.below(pushes.count)]
    // A number that no session uses, so that nobody takes the refusal for an answer.
    envelope.preamble.request = 1 << 50 + UInt64(faults.below(1 << 20))
    envelope.preamble.oldest = 0
    envelope.preamble.addressee = 0
    switch kind {
    case .otherRun: envelope.preamble.run &+= 1
    case .unknownMember:
      envelope.preamble.incarnation |= 1 << 40
      if faults.below(4) == 0 { return .toCoordinator(Envelope(envelope.preamble, .failed("a stranger's trouble"))) }
      if let (place, real) = latest, case .push(var push) = real.message {
        // Other gradients, before a worker has pushed its own.
        push.clock += 1
        push.values = Frame([UInt8](repeating: 0x3f, count: push.values.count))
        envelope.preamble.view = real.preamble.view
        envelope.message = .push(push)
        server = place
      }
    case .staleView: envelope.preamble.view -= 1
    // Beyond all views of the life: the next one's may be in force by now, and then this would be no stranger.
    case .laterView: envelope.preamble.view += 10
    case .malformed:
      guard case .push(var push) = envelope.message else { return nil }
      push.ranks = Frame(Array(repeating: 0, count: 16))
      push.values = Frame([0, 0, 0, 0])
      push.part = 0
      push.parts = 1
      envelope.message = .push(push)
    case .notOwner:
      guard servers.count > 1, case .push(let push) = envelope.message, push.count > 0 else { return nil }
      server = servers[(server - servers[0] + 1) % servers.count]
    case .gone:
      let (place, pull) = pulls[faults.below(pulls.count)]
      let request = envelope.preamble.request
      (server, envelope) = (place, pull)
      envelope.preamble.request = request
      envelope.preamble.addressee = 0
      envelope.preamble.oldest = 0
    case .full, .otherVersion: return nil
    }
    return .toServer(server, envelope)
  }
}
