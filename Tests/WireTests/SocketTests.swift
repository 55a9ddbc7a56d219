import Foundation
import Testing

@testable import Wire

@Suite("Sockets over loopback TCP", .serialized)
struct SocketTests {
  private func receive(_ socket: Socket, seconds: Double = 5) throws -> Socket.Received? {
    let end = Date(timeIntervalSinceNow: seconds)
    var poller = Poller([socket])
    while Date() < end {
      if let received = try socket.receive() { return received }
      try poller.wait(milliseconds: 20)
    }
    return nil
  }

  /// A copy: a frame's `bytes` are gone with the frame, which may be right after its last use.
  private func contents(_ frame: Frame) -> [UInt8] { withExtendedLifetime(frame) { Array(frame.bytes) } }

  private func message(_ socket: Socket) throws -> (Message, Socket.Peer?) {
    guard case .message(let message, let peer) = try receive(socket) else { throw WireError.malformed("nothing came") }
    return (message, peer)
  }

  @Test("A message and its answer arrive as they were sent", arguments: [0, 1, 7, 29, 33, 100, 65_537, 16 << 20])
  func roundTrip(size: Int) throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let endpoint = try server.bind("tcp://127.0.0.1:*")
    let worker = try Socket(.dealer, in: context)
    try worker.connect(endpoint)

    var header = Header(.push)
    header.clock = 42
    let large = Frame(count: size)
    for index in 0..<size { large.mutableBytes[index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
    try worker.send(Message(header, [large, Frame([1, 2, 3, 4, 5, 6, 7, 8])]))

    let (received, peer) = try message(server)
    #expect(received.header == header)
    #expect(received.payload.count == 2)
    #expect(contents(received.payload[0]) == contents(large))
    #expect(received.payload.allSatisfy { $0.count == 0 || Int(bitPattern: $0.bytes.baseAddress!) % 8 == 0 })
    #expect(peer != nil)

    try server.send(Message(header, received.payload), to: peer)
    let (answer, _) = try message(worker)
    #expect(contents(answer.payload[0]) == contents(large))
    #expect(contents(answer.payload[1]) == [1, 2, 3, 4, 5, 6, 7, 8])
  }

  @Test("One frame can go to several peers")
  func sharedFrame() throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let endpoint = try server.bind("tcp://127.0.0.1:*")
    let workers = try (0..<3).map { _ in try Socket(.dealer, in: context) }
    for worker in workers {
      try worker.connect(endpoint)
      try worker.send(Message(Header(.pull)))
    }
    let frame = Frame([UInt8](repeating: 7, count: 100_000))
    for _ in workers { try server.send(Message(Header(.rows), [frame]), to: try message(server).1) }
    for worker in workers {
      let (answer, _) = try message(worker)
      #expect(contents(answer.payload[0]) == contents(frame))
    }
  }

  @Test("Sending to a peer that never was is an error, and the socket goes on")
  func unknownPeer() throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let endpoint = try server.bind("tcp://127.0.0.1:*")
    #expect(throws: WireError.unreachable(peer: "the peer")) {
      try server.send(Message(Header(.rows), [Frame([1])]), to: Socket.Peer(bytes: [0, 1, 2, 3, 4]))
    }
    let worker = try Socket(.dealer, in: context)
    try worker.connect(endpoint)
    try worker.send(Message(Header(.pull)))
    #expect(try message(server).0.header.kind == .pull)
  }

  @Test("A second listener on a port is told that it is in use")
  func addressInUse() throws {
    let context = try Context()
    let first = try Socket(.router, in: context)
    let endpoint = try first.bind("tcp://127.0.0.1:*")
    let second = try Socket(.router, in: context)
    #expect(throws: WireError.addressInUse(endpoint: endpoint)) { try second.bind(endpoint) }
  }

  @Test("An endpoint that is none is named in the error", arguments: ["", "127.0.0.1:80", "tcp://", "smoke://signal"])
  func badEndpoint(endpoint: String) throws {
    let socket = try Socket(.dealer, in: try Context())
    let error = #expect(throws: WireError.self) { try socket.connect(endpoint) }
    #expect(error.map { "\($0)".contains("cannot use \(endpoint)") } == true)
  }

  @Test("Bytes that are no message are told apart, and the next message still arrives")
  func malformedBytes() throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let worker = try Socket(.dealer, in: context)
    try worker.connect(try server.bind("tcp://127.0.0.1:*"))
    // A request for more frames than any message of ours has.
    try worker.send(Message(Header(.pull), (0..<9).map { Frame([UInt8($0)]) }))
    try worker.send(Message(Header(.pull), [Frame([9])]))
    guard case .malformed? = try receive(server) else {
      Issue.record("nine frames were taken")
      return
    }
    let (next, _) = try message(server)
    #expect(contents(next.payload[0]) == [9])
  }
}
