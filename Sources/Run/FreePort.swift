import Foundation

/// Ports of this machine at which nobody listens, for processes that are to be found at the same place when they are started
/// again.
package enum FreePort {
  /// Below those that outgoing connections take: one of them could meet itself there.
  private static let range = 20_000..<32_000

  /// A loopback endpoint such as `tcp://127.0.0.1:20007`, at which nobody listens at present.
  package static func endpoint() -> String {
    var port = Int.random(in: range)
    for _ in 0..<1000 where !isFree(UInt16(port)) { port = Int.random(in: range) }
    return "tcp://127.0.0.1:\(port)"
  }

  private static func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = port.bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
