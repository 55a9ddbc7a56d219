import Features
import Randomness
import Synchronization
import Wire

/// Stands between processes and forwards their messages, all but some: a bad network on one machine.
///
/// Whole messages are lost, as happens when a connection breaks; what arrives is intact. One thread owns the sockets.
public final class Proxy: Sendable {
  /// Where the others are to connect.
  public let endpoint: String
  private let traffic = Traffic()
  private let thread: Mutex<NamedThread?>

  /// - Parameters:
  ///   - target: where messages are forwarded to; nobody needs to listen there yet.
  ///   - loss: share of messages, of either direction, that are lost.
  ///   - seed: of which ones.
  /// - Throws: `WireError` where it cannot listen.
  public init(to target: String, loss: Double = 0, seed: UInt64 = 1) throws {
    let sockets = try ProxySockets(target: target, random: CounterRandom(seed), loss: loss)
    endpoint = sockets.endpoint
    thread = Mutex(NamedThread("proxy") { [traffic] in sockets.run(traffic) })
  }

  deinit { stop() }

  public var forwarded: Int { traffic.state.withLock { $0.forwarded } }
  public var lost: Int { traffic.state.withLock { $0.lost } }

  /// From now on, nothing comes through.
  public func cut() { traffic.state.withLock { $0.isCut = true } }
  public func mend() { traffic.state.withLock { $0.isCut = false } }

  public func stop() {
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
  let endpoint: String
  private let context: Context
  private let front: Socket
  private let target: String
  private var random: CounterRandom
  private let loss: Double
  /// By the route of a peer at the front, the connection that stands for it.
  private var backs: [(peer: Route, socket: Socket)] = []
  private var poller: Poller

  init(target: String, random: CounterRandom, loss: Double) throws {
    context = try Context()
    front = try Socket(.router, in: context)
    endpoint = try front.bind("tcp://127.0.0.1:*")
    self.target = target
    self.random = random
    self.loss = loss
    poller = Poller([front])
  }

  func run(_ traffic: Traffic) {
    while !traffic.isStopped {
      try? poller.wait(milliseconds: 20)
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
    }
  }

  private func forward(_ envelope: Envelope, to socket: Socket, along route: Route?, _ traffic: Traffic) {
    guard traffic.passes(random.uniform(), loss) else { return }
    if let sent = try? socket.send(envelope, along: route) { traffic.count(sent) }
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
