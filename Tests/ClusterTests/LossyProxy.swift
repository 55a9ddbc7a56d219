import CZeroMQ
import Features
import Foundation
import Randomness
import Synchronization

/// Stands between real processes and forwards their messages, all but some: a bad network on one machine.
///
/// Whole messages are lost, as happens when a connection breaks; what arrives is intact. One thread owns the sockets.
final class LossyProxy: Sendable {
  /// Where the others are to connect.
  let endpoint: String
  private let state: Mutex<State>
  private let thread: Mutex<NamedThread?>

  private struct State {
    var isStopped = false
    var isCut = false
    var forwarded = 0
    var lost = 0
  }

  /// - Parameters:
  ///   - target: where messages are forwarded to; nobody needs to listen there yet.
  ///   - loss: share of messages, of either direction, that are lost.
  ///   - seed: of which ones.
  init(to target: String, loss: Double, seed: UInt64) throws {
    let context = zmq_ctx_new()!
    let front = zmq_socket(context, ZMQ_ROUTER)!
    guard zmq_bind(front, "tcp://127.0.0.1:*") == 0 else { throw Tool.Failure(text: "the proxy cannot listen") }
    var buffer = [CChar](repeating: 0, count: 256)
    var size = buffer.count
    zmq_getsockopt(front, ZMQ_LAST_ENDPOINT, &buffer, &size)
    endpoint = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    state = Mutex(State())
    thread = Mutex(nil)
    let sockets = Sockets(context: context, front: front, target: target, random: CounterRandom(seed), loss: loss)
    let thread = NamedThread("proxy") { [self] in sockets.run(self) }
    self.thread.withLock { $0 = thread }
  }

  var forwarded: Int { state.withLock { $0.forwarded } }
  var lost: Int { state.withLock { $0.lost } }

  /// From now on, nothing comes through.
  func cut() { state.withLock { $0.isCut = true } }
  func mend() { state.withLock { $0.isCut = false } }

  func stop() {
    state.withLock { $0.isStopped = true }
    thread.withLock { $0 }?.join()
  }

  fileprivate var isStopped: Bool { state.withLock { $0.isStopped } }

  /// Whether a message is forwarded.
  fileprivate func passes(_ draw: Double, _ loss: Double) -> Bool {
    state.withLock {
      let passes = !$0.isCut && draw >= loss
      if passes { $0.forwarded += 1 } else { $0.lost += 1 }
      return passes
    }
  }
}

/// The sockets of a proxy.
///
/// `@unchecked Sendable`: made on one thread, then used by the proxy's thread alone.
private final class Sockets: @unchecked Sendable {
  private let context: UnsafeMutableRawPointer
  private let front: UnsafeMutableRawPointer
  private let target: String
  private var random: CounterRandom
  private let loss: Double
  /// By the name of a peer at the front, the connection that stands for it.
  private var backs: [(peer: [UInt8], socket: UnsafeMutableRawPointer)] = []

  init(
    context: UnsafeMutableRawPointer, front: UnsafeMutableRawPointer, target: String, random: CounterRandom,
    loss: Double
  ) {
    self.context = context
    self.front = front
    self.target = target
    self.random = random
    self.loss = loss
  }

  func run(_ proxy: LossyProxy) {
    while !proxy.isStopped {
      var items = ([front] + backs.map(\.socket)).map {
        zmq_pollitem_t(socket: $0, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0)
      }
      zmq_poll(&items, Int32(items.count), 20)
      while let frames = receive(front) {
        let back = self.back(of: frames[0])
        if proxy.passes(random.uniform(), loss) { send(Array(frames.dropFirst()), back) }
      }
      for (peer, socket) in backs {
        while let frames = receive(socket) {
          if proxy.passes(random.uniform(), loss) { send([peer] + frames, front) }
        }
      }
    }
    for socket in [front] + backs.map(\.socket) {
      var linger: Int32 = 0
      zmq_setsockopt(socket, ZMQ_LINGER, &linger, 4)
      zmq_close(socket)
    }
    zmq_ctx_term(context)
  }

  private func back(of peer: [UInt8]) -> UnsafeMutableRawPointer {
    if let known = backs.first(where: { $0.peer == peer }) { return known.socket }
    let socket = zmq_socket(context, ZMQ_DEALER)!
    zmq_connect(socket, target)
    backs.append((peer, socket))
    return socket
  }

  private func receive(_ socket: UnsafeMutableRawPointer) -> [[UInt8]]? {
    var frames: [[UInt8]] = []
    while true {
      var message = zmq_msg_t()
      zmq_msg_init(&message)
      defer { zmq_msg_close(&message) }
      guard zmq_msg_recv(&message, socket, frames.isEmpty ? ZMQ_DONTWAIT : 0) >= 0 else { return nil }
      frames.append(Array(UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: zmq_msg_size(&message))))
      if zmq_msg_more(&message) == 0 { return frames }
    }
  }

  private func send(_ frames: [[UInt8]], _ socket: UnsafeMutableRawPointer) {
    for (index, frame) in frames.enumerated() {
      _ = frame.withUnsafeBytes {
        zmq_send(socket, $0.baseAddress, $0.count, ZMQ_DONTWAIT | (index + 1 < frames.count ? ZMQ_SNDMORE : 0))
      }
    }
  }
}
