import CZeroMQ

/// A ZeroMQ context: one a process. Close all its sockets before it goes.
///
/// `@unchecked Sendable`: libzmq's contexts are thread-safe.
public final class Context: @unchecked Sendable {
  let handle: UnsafeMutableRawPointer

  public init() throws {
    guard let handle = zmq_ctx_new() else { throw WireError.system(call: "zmq_ctx_new", reason: lastError()) }
    self.handle = handle
  }

  deinit { zmq_ctx_term(handle) }
}

func lastError() -> String { String(cString: zmq_strerror(zmq_errno())) }
