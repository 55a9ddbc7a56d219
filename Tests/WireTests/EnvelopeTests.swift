import Sharding
import Testing

@testable import Wire

struct EnvelopeTests {
  @Test("Every message survives its bytes", arguments: Samples.messages.indices)
  func roundTrip(index: Int) throws {
    let envelope = Envelope(Samples.preamble, Samples.messages[index])
    let bytes = Samples.bytes(envelope)
    let parsed = try Envelope(frames: bytes.map { Frame($0) })
    #expect(parsed.preamble == envelope.preamble)
    #expect(parsed.message.kind == envelope.message.kind)
    #expect(Samples.bytes(parsed) == bytes)
  }

  @Test("Every kind of message is among those tested")
  func allKinds() {
    #expect(Set(Samples.messages.map(\.kind.rawValue)) == Set(MessageKind.allCases.map(\.rawValue)))
  }

  @Test("Whatever bytes come: an error, or a message that holds together; never a crash")
  func hostileBytes() {
    var random = SystemRandomNumberGenerator()
    var refused = 0
    for round in 0..<20_000 {
      var bytes = Samples.bytes(Envelope(Samples.preamble, Samples.messages[round % Samples.messages.count]))
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let frame = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0 where !bytes[frame].isEmpty:
          bytes[frame][Int.random(in: bytes[frame].indices, using: &random)] = .random(in: 0...255, using: &random)
        case 1: bytes[frame].removeLast(min(bytes[frame].count, Int.random(in: 1...9, using: &random)))
        case 2: bytes[frame].append(.random(in: 0...255, using: &random))
        case 3 where bytes.count > 1: bytes.remove(at: frame)
        default: bytes.append([1])
        }
        if bytes.isEmpty { break }
      }
      guard let envelope = try? Envelope(frames: bytes.map { Frame($0) }) else {
        refused += 1
        continue
      }
      if case .push(let push) = envelope.message {
        #expect(push.part < push.parts && push.sightings.count * 2 == push.sightedRanks.count)
      }
      if case .copy(let copy) = envelope.message { #expect(copy.part < copy.parts && copy.slot < Rank.slots) }
      if case .scores(let scores) = envelope.message { #expect(scores.logits.count == scores.count * 4) }
    }
    #expect(refused > 10_000)
  }

  @Test("Another version is told from noise")
  func version() {
    var bytes = Samples.bytes(Envelope(Samples.preamble, .noted))
    bytes[0][4] = 1
    #expect(throws: WireError.wrongVersion(found: 1)) { try Envelope(frames: bytes.map { Frame($0) }) }
  }

  @Test("What is large comes in pieces of a mebibyte", arguments: [0, 1, 1 << 20, (1 << 20) + 1])
  func pieces(size: Int) {
    let article = [UInt8](repeating: 7, count: size)
    let count = max(1, (size + Piece.size - 1) / Piece.size)
    let pieces = (0..<count).compactMap { Piece($0, of: article, digest: Samples.digest) }
    #expect(pieces.count == count && pieces.allSatisfy { $0.parts == count })
    #expect(pieces.reduce(0) { $0 + $1.bytes.count } == size)
    #expect(Piece(count, of: article, digest: Samples.digest) == nil)
  }

  @Test("A waker ends a wait from another thread")
  func waker() throws {
    let waker = try Waker()
    var poller = Poller([], waker: waker)
    waker.wake()
    let clock = ContinuousClock()
    let start = clock.now
    try poller.wait(milliseconds: 20_000)
    #expect(clock.now - start < .seconds(10))
    waker.clear()
  }
}
