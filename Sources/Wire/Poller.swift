import CZeroMQ
import Glibc

/// Waits until a socket has a message or another thread wakes it.
public struct Poller {
  private var items: [zmq_pollitem_t]

  public init(_ sockets: [Socket], waker: Waker? = nil) {
    items = sockets.map { zmq_pollitem_t(socket: $0.handle, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0) }
    if let waker {
      items.append(zmq_pollitem_t(socket: nil, fd: waker.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }
  }

  /// Returns when something is there, or after `milliseconds`; a signal ends the wait early.
  public mutating func wait(milliseconds: Int) throws {
    guard zmq_poll(&items, Int32(items.count), milliseconds) >= 0 || zmq_errno() == EINTR else {
      throw WireError.system(call: "zmq_poll", reason: lastError())
    }
  }
}

/// Lets any thread end another thread's `Poller.wait`.
public final class Waker: Sendable {
  let descriptor: Int32

  public init() throws {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    guard descriptor >= 0 else { throw WireError.system(call: "eventfd", reason: String(cString: strerror(errno))) }
  }

  deinit { close(descriptor) }

  public func wake() { eventfd_write(descriptor, 1) }

  /// Call after waking, before looking for what the other threads left.
  public func clear() {
    var value: eventfd_t = 0
    eventfd_read(descriptor, &value)
  }
}
