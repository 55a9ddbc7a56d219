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

  private func envelope(_ socket: Socket) throws -> (Envelope, Route?) {
    guard case .envelope(let envelope, let route) = try receive(socket) else {
      throw WireError.malformed("nothing came")
    }
    return (envelope, route)
  }

  private func rows(_ bytes: Frame) -> Envelope { Envelope(Samples.preamble, .rows(Rows(values: bytes))) }

  private func contents(_ envelope: Envelope) -> [UInt8]? {
    guard case .rows(let rows) = envelope.message else { return nil }
    return contents(rows.values)
  }

  @Test("A message and its answer arrive as they were sent", arguments: [0, 4, 28, 32, 100, 65_536, 16 << 20])
  func roundTrip(size: Int) throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let endpoint = try server.bind("tcp://127.0.0.1:*")
    let worker = try Socket(.dealer, in: context)
    try worker.connect(endpoint)
    let large = Frame(count: size)
    for index in 0..<size { large.mutableBytes[index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
    #expect(try worker.send(rows(large)) == .sent)
    let (received, route) = try envelope(server)
    #expect(received.preamble == Samples.preamble)
    #expect(contents(received) == contents(large))
    guard case .rows(let arrived) = received.message else { return }
    #expect(size == 0 || Int(bitPattern: arrived.values.bytes.baseAddress!) % 8 == 0)
    #expect(try server.send(received, along: try #require(route)) == .sent)
    #expect(try contents(envelope(worker).0) == contents(large))
  }

  @Test("One frame can go to several peers")
  func sharedFrame() throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let endpoint = try server.bind("tcp://127.0.0.1:*")
    let workers = try (0..<3).map { _ in try Socket(.dealer, in: context) }
    for worker in workers {
      try worker.connect(endpoint)
      _ = try worker.send(Envelope(Samples.preamble, .noted))
    }
    let frame = Frame([UInt8](repeating: 7, count: 100_000))
    for _ in workers { _ = try server.send(rows(frame), along: envelope(server).1) }
    for worker in workers { #expect(try contents(envelope(worker).0) == contents(frame)) }
  }

  @Test("Sending to a peer that never was is told, and the socket goes on")
  func unknownPeer() throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let endpoint = try server.bind("tcp://127.0.0.1:*")
    let nobody = Route(bytes: [0, 1, 2, 3, 4])
    #expect(try server.send(Envelope(Samples.preamble, .noted), along: nobody) == .unreachable)
    let worker = try Socket(.dealer, in: context)
    try worker.connect(endpoint)
    _ = try worker.send(Envelope(Samples.preamble, .noted))
    #expect(try envelope(server).0.preamble == Samples.preamble)
  }

  @Test("A peer that does not read fills its queue, and no more: then sending says so")
  func congestion() throws {
    let context = try Context()
    let worker = try Socket(.dealer, in: context)
    // Nobody listens there.
    try worker.connect("tcp://127.0.0.1:1")
    var sent = 0
    while case .sent = try worker.send(Envelope(Samples.preamble, .noted)), sent <= Int(Socket.queueLimit) { sent += 1 }
    #expect(sent == Int(Socket.queueLimit))
  }

  @Test("A frame that is larger than any of ours ends its connection, and costs no memory")
  func hugeFrame() throws {
    let context = try Context()
    let server = try Socket(.router, in: context)
    let worker = try Socket(.dealer, in: context)
    try worker.connect(try server.bind("tcp://127.0.0.1:*"))
    _ = try worker.send(rows(Frame(count: Int(Socket.largestFrame) + 4)))
    _ = try worker.send(Envelope(Samples.preamble, .noted))
    if case .envelope(let envelope, _)? = try receive(server, seconds: 1), case .rows = envelope.message {
      Issue.record("the huge frame was taken")
    }
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
    var many = Envelope(Samples.preamble, Samples.messages[3]).frames()
    for number in 0..<9 { many.append(Frame([UInt8(number)])) }
    try worker.send(frames: many)
    _ = try worker.send(rows(Frame([9, 9, 9, 9])))
    guard case .malformed? = try receive(server) else {
      Issue.record("fourteen frames were taken")
      return
    }
    #expect(try contents(envelope(server).0) == [9, 9, 9, 9])
  }
}
