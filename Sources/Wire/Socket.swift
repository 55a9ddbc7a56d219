import CZeroMQ

/// A ZeroMQ socket. It belongs to the thread that made it.
///
/// Sending never waits: what a peer's queue has no room for is given back, and the core that wanted it sent is told.
/// Our protocols bound what is under way, and ask again for what is lost.
public final class Socket {
  public enum Kind: Sendable {
    /// Answers many peers, each known by the name ZeroMQ gave it.
    case router
    /// Talks to one peer.
    case dealer
  }

  /// Messages queued to or from one peer before `congested`. A worker has at most two steps under way, and of each asks
  /// for and pushes two tables in parts of about 4 MiB: a thousand messages are more than 2 GiB for one peer.
  static let queueLimit: Int32 = 1000
  /// No frame of ours is larger: what is, ends the connection it came from.
  static let largestFrame: Int64 = 32 << 20

  let handle: UnsafeMutableRawPointer
  private let context: Context
  private let kind: Kind

  public init(_ kind: Kind, in context: Context) throws {
    self.kind = kind
    self.context = context
    guard let handle = zmq_socket(context.handle, kind == .router ? ZMQ_ROUTER : ZMQ_DEALER) else {
      throw WireError.system(call: "zmq_socket", reason: lastError())
    }
    self.handle = handle
    set(ZMQ_SNDHWM, Self.queueLimit)
    set(ZMQ_RCVHWM, Self.queueLimit)
    set(ZMQ_LINGER, 1000, as: Int32.self)
    set(ZMQ_MAXMSGSIZE, Self.largestFrame, as: Int64.self)
    // A connection whose other end is gone without a word is found out and made anew.
    set(ZMQ_HEARTBEAT_IVL, 2000, as: Int32.self)
    set(ZMQ_HEARTBEAT_TIMEOUT, 10_000, as: Int32.self)
    set(ZMQ_RECONNECT_IVL_MAX, 1000, as: Int32.self)
    if kind == .router { set(ZMQ_ROUTER_MANDATORY, 1, as: Int32.self) }
  }

  deinit { zmq_close(handle) }

  /// Options are 32-bit numbers, but for few.
  private func set<Number: FixedWidthInteger>(_ option: Int32, _ value: Number, as type: Number.Type = Number.self) {
    var value = value
    let status = zmq_setsockopt(handle, option, &value, MemoryLayout<Number>.size)
    precondition(status == 0, "zmq_setsockopt \(option): \(lastError())")
  }

  /// Listens; port `*` takes a free one. Returns the endpoint with the port it got.
  public func bind(_ endpoint: String) throws -> String {
    guard zmq_bind(handle, endpoint) == 0 else {
      throw zmq_errno() == EADDRINUSE
        ? WireError.addressInUse(endpoint: endpoint) : .badEndpoint(endpoint: endpoint, reason: lastError())
    }
    var buffer = [CChar](repeating: 0, count: 1024)
    var size = buffer.count
    guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &size) == 0 else {
      throw WireError.system(call: "zmq_getsockopt", reason: lastError())
    }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  public func connect(_ endpoint: String) throws {
    guard zmq_connect(handle, endpoint) == 0 else {
      throw WireError.badEndpoint(endpoint: endpoint, reason: lastError())
    }
  }

  /// What became of an envelope that was to be sent.
  public enum Sent {
    case sent
    /// The queue to the peer is full.
    case congested
    /// There is no such connection any more.
    case unreachable
  }

  /// Sends to the one peer of a dealer, or along `route` of a router. Never waits.
  public func send(_ envelope: Envelope, along route: Route? = nil) throws -> Sent {
    try send(frames: (route.map { [Frame($0.bytes)] } ?? []) + envelope.frames())
  }

  @discardableResult func send(frames: [Frame]) throws -> Sent {
    for (index, frame) in frames.enumerated() {
      // Only a message's first frame can be refused.
      switch try send(frame, more: index + 1 < frames.count) {
      case 0: continue
      case EHOSTUNREACH: return .unreachable
      default: return .congested
      }
    }
    return .sent
  }

  /// Returns 0, or why the frame was refused.
  private func send(_ frame: Frame, more: Bool) throws -> Int32 {
    // The socket takes a reference, not a copy, so that one frame can go to several peers.
    var reference = zmq_msg_t()
    zmq_msg_init(&reference)
    zmq_msg_copy(&reference, &frame.message)
    while zmq_msg_send(&reference, handle, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) < 0 {
      let code = zmq_errno()
      if code == EINTR { continue }
      zmq_msg_close(&reference)
      guard code == EAGAIN || code == EHOSTUNREACH else {
        throw WireError.system(call: "zmq_msg_send", reason: lastError())
      }
      return code
    }
    return 0
  }

  /// What `receive` found.
  public enum Received {
    case envelope(Envelope, from: Route?)
    /// Bytes that are no message of ours; they are gone.
    case malformed(WireError, from: Route?)
  }

  /// The next message, or nil when none is waiting.
  public func receive() throws -> Received? {
    guard var frame = try receiveFrame(wait: false) else { return nil }
    var route: Route?
    var frames: [Frame] = []
    if kind == .router {
      route = Route(bytes: withExtendedLifetime(frame) { Array(frame.bytes) })
    } else {
      frames.append(frame)
    }
    var surplus = false
    while zmq_msg_more(&frame.message) != 0 {
      guard let next = try receiveFrame(wait: true) else { break }
      frame = next
      if frames.count < Self.framesPerMessage { frames.append(frame) } else { surplus = true }
    }
    do {
      if surplus { throw WireError.malformed("more than \(Self.framesPerMessage) frames") }
      return .envelope(try Envelope(frames: frames), from: route)
    } catch let error as WireError {
      return .malformed(error, from: route)
    }
  }

  private static let framesPerMessage = 5

  private func receiveFrame(wait: Bool) throws -> Frame? {
    let frame = Frame()
    while zmq_msg_recv(&frame.message, handle, wait ? 0 : ZMQ_DONTWAIT) < 0 {
      switch zmq_errno() {
      case EINTR: continue
      case EAGAIN: return nil
      default: throw WireError.system(call: "zmq_msg_recv", reason: lastError())
      }
    }
    return frame
  }
}
