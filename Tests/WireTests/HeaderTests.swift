import Sharding
import Testing

@testable import Wire

@Suite("Headers")
struct HeaderTests {
  @Test("A header reads back as it was written", arguments: Header.Kind.allCases)
  func roundTrip(kind: Header.Kind) throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      var header = Header(kind)
      header.view = .random(in: 0 ... .max, using: &generator)
      header.table = .random(in: 0 ... .max, using: &generator)
      header.flags = .random(in: 0 ... .max, using: &generator)
      header.clock = .random(in: 0 ... .max, using: &generator)
      header.request = .random(in: 0 ... .max, using: &generator)
      header.count = .random(in: 0 ... .max, using: &generator)
      header.samples = .random(in: 0 ... .max, using: &generator)
      header.node = SliceNode(code: .random(in: 0 ... .max, using: &generator))
      header.parts = .random(in: 1 ... .max, using: &generator)
      header.part = .random(in: 0..<header.parts, using: &generator)
      #expect(try Header(header.frame()) == header)
    }
  }

  @Test("A header's fields lie where its table says")
  func layout() {
    var header = Header(.push)
    header.clock = 0x0102_0304_0506_0708
    header.node = SliceNode(level: 2, index: 1)
    let bytes = Array(header.frame().bytes)
    #expect(bytes.count == 64)
    #expect(Array(bytes[0..<8]) == Array("DFPS".utf8) + [1, 0, 3, 0])
    #expect(Array(bytes[16..<24]) == [8, 7, 6, 5, 4, 3, 2, 1])
    #expect(Array(bytes[48..<52]) == [1, 0, 2, 0])
    #expect(Array(bytes[60..<64]) == [0, 0, 0, 0])
  }

  static let damages: [(name: String, damage: @Sendable (inout [UInt8]) -> Void)] = [
    ("empty", { $0 = [] }),
    ("short", { $0.removeLast() }),
    ("long", { $0.append(0) }),
    ("magic", { $0[0] ^= 1 }),
    ("kind 0", { $0[6] = 0 }),
    ("kind 99", { $0[6] = 99 }),
    ("no parts", { $0[56] = 0 }),
    ("part beyond parts", { $0[52] = 1 }),
  ]

  @Test("A damaged header is malformed", arguments: damages.indices)
  func damaged(index: Int) {
    var bytes = Array(Header(.pull).frame().bytes)
    Self.damages[index].damage(&bytes)
    #expect(throws: WireError.self, "\(Self.damages[index].name)") { try Header(Frame(bytes)) }
  }

  @Test("Another version is told apart from damage")
  func otherVersion() {
    var bytes = Array(Header(.pull).frame().bytes)
    bytes[4] = 2
    #expect(throws: WireError.wrongVersion(found: 2)) { try Header(Frame(bytes)) }
  }

  @Test("Payload of another size than the header counts is malformed", arguments: [-1, 0, 1, 3, Int.max])
  func wrongElements(count: Int) {
    let message = Message(Header(.pull), [Frame([UInt8](repeating: 0, count: 16))])
    #expect(throws: WireError.self) { try message.elements(0, as: UInt64.self, count: count) }
    #expect(throws: WireError.self) { try message.elements(1, as: UInt64.self, count: 0) }
  }

  @Test("A count beyond any message is malformed")
  func hugeCount() {
    var header = Header(.pull)
    header.count = .max
    #expect(throws: WireError.self) { try Message(header).count() }
  }
}
