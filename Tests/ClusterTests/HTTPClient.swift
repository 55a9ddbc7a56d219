import Foundation
import Glibc

/// One connection to a service, for one request after the other.
final class HTTPClient: Sendable {
  struct Answer {
    var status: Int
    var body: String
  }

  private let socket: Int32

  init(port: Int) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Tool.Failure(text: "nobody listens on port \(port)") }
  }

  deinit { close(socket) }

  func get(_ path: String) throws -> Answer { try send("GET \(path) HTTP/1.1\r\nhost: here\r\n\r\n") }

  func post(_ path: String, _ type: String, _ body: String) throws -> Answer {
    try send(
      "POST \(path) HTTP/1.1\r\nhost: here\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    )
  }

  /// - Throws: `Tool.Failure` where the connection ends before an answer has.
  func send(_ request: String) throws -> Answer {
    try write(request)
    return try read()
  }

  func write(_ request: String) throws {
    var bytes = Array(request.utf8)[...]
    while !bytes.isEmpty {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw Tool.Failure(text: "the connection ended") }
      bytes = bytes.dropFirst(sent)
    }
  }

  func read() throws -> Answer {
    var answer: [UInt8] = []
    var end: (head: Int, all: Int)?
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while end.map({ answer.count < $0.all }) ?? true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { throw Tool.Failure(text: "the connection ended") }
      answer += buffer[..<count]
      if end == nil, let blank = String(decoding: answer, as: UTF8.self).range(of: "\r\n\r\n") {
        let head = String(decoding: answer, as: UTF8.self)[..<blank.lowerBound].lowercased()
        let length =
          head.components(separatedBy: "content-length: ").last.flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        end = (head.utf8.count + 4, head.utf8.count + 4 + length)
      }
    }
    let text = String(decoding: answer, as: UTF8.self)
    guard let status = Int(text.dropFirst(9).prefix(3)) else { throw Tool.Failure(text: text) }
    return Answer(status: status, body: String(decoding: answer[end!.head...], as: UTF8.self))
  }
}
