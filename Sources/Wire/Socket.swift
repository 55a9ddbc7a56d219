import CZeroMQ

/// A ZeroMQ socket. It belongs to the thread that made it.
///
/// Sending never blocks: a message that its peer's queue has no room for is an error, since our protocols bound what
/// is under way (a worker asks for the next step only when it has the last one's rows).
public final class Socket {
  public enum Kind: Sendable {
    /// Answers many peers, each known by the name ZeroMQ gave it.
    case router
    /// Talks to one peer.
    case dealer
  }

  /// A peer of a router socket.
  public struct Peer: Hashable, Sendable {
    let bytes: [UInt8]

    /// - Parameter bytes: the name ZeroMQ gave the peer.
    public init(bytes: [UInt8]) { self.bytes = bytes }
  }

  /// Messages queued to or from one peer before `unreachable`.
  static let queueLimit: Int32 = 100_000

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
    set(ZMQ_LINGER, 1000)
    if kind == .router { set(ZMQ_ROUTER_MANDATORY, 1) }
  }

  deinit { zmq_close(handle) }

  private func set(_ option: Int32, _ value: Int32) {
    var value = value
    let status = zmq_setsockopt(handle, option, &value, MemoryLayout<Int32>.size)
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

  /// Sends to the one peer of a dealer, or to `peer` of a router.
  public func send(_ message: Message, to peer: Peer? = nil) throws {
    if let peer { try send(Frame(peer.bytes), more: true) }
    try send(message.header.frame(), more: !message.payload.isEmpty)
    for (index, frame) in message.payload.enumerated() {
      try send(frame, more: index + 1 < message.payload.count)
    }
  }

  private func send(_ frame: Frame, more: Bool) throws {
    // The socket takes a reference, not a copy, so that one frame can go to several peers.
    var reference = zmq_msg_t()
    zmq_msg_init(&reference)
    zmq_msg_copy(&reference, &frame.message)
    guard zmq_msg_send(&reference, handle, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0 else {
      let code = zmq_errno()
      zmq_msg_close(&reference)
      throw code == EAGAIN || code == EHOSTUNREACH
        ? WireError.unreachable(peer: "the peer") : .system(call: "zmq_msg_send", reason: lastError())
    }
  }

  /// What `receive` found.
  public enum Received {
    case message(Message, from: Peer?)
    /// Bytes that are no message of ours; they are gone.
    case malformed(WireError, from: Peer?)
  }

  /// The next message, or nil when none is waiting.
  public func receive() throws -> Received? {
    guard var frame = try receiveFrame(wait: false) else { return nil }
    var peer: Peer?
    var frames: [Frame] = []
    if kind == .router {
      peer = Peer(bytes: Array(frame.bytes))
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
      return .message(try Message(frames: frames), from: peer)
    } catch let error as WireError {
      return .malformed(error, from: peer)
    }
  }

  private static let framesPerMessage = 4

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
