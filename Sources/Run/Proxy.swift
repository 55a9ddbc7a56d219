import Features
import Randomness
import Synchronization
import Wire

/// Stands between processes and forwards their messages, late or not at all: a bad network on one machine.
///
/// Whole messages are lost, as happens when a connection breaks; what arrives is intact. One thread owns the sockets.
package final class Proxy: Sendable {
  /// Where the others are to connect.
  package let endpoint: String
  private let traffic = Traffic()
  private let thread: Mutex<NamedThread?>

  /// - Parameters:
  ///   - target: where messages are forwarded to; nobody needs to listen there yet.
  ///   - loss: share of messages, of either direction, that are lost.
  ///   - delay: of every message, in seconds, as on a long way.
  ///   - seed: of which messages are lost.
  ///   - hears: what is forwarded, on the proxy's thread.
  /// - Throws: `WireError` where it cannot listen.
  package init(
    to target: String, loss: Double = 0, delay: Double = 0, seed: UInt64 = 1,
    hears: (@Sendable (Envelope) -> Void)? = nil
  ) throws {
    let sockets = try ProxySockets(
      target: target, random: CounterRandom(seed), loss: loss, delay: .seconds(delay), hears: hears)
    endpoint = sockets.endpoint
    thread = Mutex(NamedThread("proxy") { [traffic] in sockets.run(traffic) })
  }

  deinit { stop() }

  package var forwarded: Int { traffic.state.withLock { $0.forwarded } }
  package var lost: Int { traffic.state.withLock { $0.lost } }

  /// From now on, nothing comes through.
  package func cut() { traffic.state.withLock { $0.isCut = true } }
  package func mend() { traffic.state.withLock { $0.isCut = false } }

  package func stop() {
    traffic.state.withLock { $0.isStopped = true }
    thread.withLock {
      $0?.join()
      $0 = nil
    }
  }
}

/// What a proxy and its thread share.
private final class Traffic: Sendable {
  struct State {
    var isStopped = false
    var isCut = false
    var forwarded = 0
    var lost = 0
  }

  let state = Mutex(State())

  var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Whether a message is to be forwarded.
  func passes(_ draw: Double, _ loss: Double) -> Bool {
    state.withLock {
      let passes = !$0.isCut && draw >= loss
      if !passes { $0.lost += 1 }
      return passes
    }
  }

  func count(_ sent: Socket.Sent) {
    state.withLock {
      if case .sent = sent { $0.forwarded += 1 } else { $0.lost += 1 }
    }
  }
}

/// The sockets of a proxy.
///
/// `@unchecked Sendable`: made on one thread, then used by the proxy's thread alone.
private final class ProxySockets: @unchecked Sendable {
  /// A message on its way.
  private struct Late {
    let due: ContinuousClock.Instant
    let envelope: Envelope
    let socket: Socket
    let route: Route?
  }

  let endpoint: String
  private let context: Context
  private let front: Socket
  private let target: String
  private var random: CounterRandom
  private let loss: Double
  private let delay: Duration
  private let hears: (@Sendable (Envelope) -> Void)?
  /// All are as late, so the first of these is due first.
  private var late: [Late] = []
  /// By the route of a peer at the front, the connection that stands for it.
  private var backs: [(peer: Route, socket: Socket)] = []
  private var poller: Poller

  init(
    target: String, random: CounterRandom, loss: Double, delay: Duration, hears: (@Sendable (Envelope) -> Void)?
  ) throws {
    context = try Context()
    front = try Socket(.router, in: context)
    endpoint = try front.bind("tcp://127.0.0.1:*")
    self.target = target
    self.random = random
    self.loss = loss
    self.delay = delay
    self.hears = hears
    poller = Poller([front])
  }

  func run(_ traffic: Traffic) {
    while !traffic.isStopped {
      try? poller.wait(milliseconds: late.isEmpty ? 20 : 1)
      while let received = try? front.receive() {
        guard case .envelope(let envelope, let peer?) = received, let back = try? self.back(of: peer) else { continue }
        forward(envelope, to: back, along: nil, traffic)
      }
      for (peer, socket) in backs {
        while let received = try? socket.receive() {
          guard case .envelope(let envelope, _) = received else { continue }
          forward(envelope, to: front, along: peer, traffic)
        }
      }
      let due = late.prefix { $0.due <= .now }
      for message in due { send(message, traffic) }
      late.removeFirst(due.count)
    }
  }

  private func forward(_ envelope: Envelope, to socket: Socket, along route: Route?, _ traffic: Traffic) {
    guard traffic.passes(random.uniform(), loss) else { return }
    let message = Late(due: .now + delay, envelope: envelope, socket: socket, route: route)
    if delay > .zero { late.append(message) } else { send(message, traffic) }
  }

  private func send(_ message: Late, _ traffic: Traffic) {
    hears?(message.envelope)
    if let sent = try? message.socket.send(message.envelope, along: message.route) { traffic.count(sent) }
  }

  private func back(of peer: Route) throws -> Socket {
    if let known = backs.first(where: { $0.peer == peer }) { return known.socket }
    let socket = try Socket(.dealer, in: context)
    try socket.connect(target)
    backs.append((peer, socket))
    poller = Poller([front] + backs.map(\.socket))
    return socket
  }
}
