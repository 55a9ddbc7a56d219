import Sharding
import Testing

@testable import ParamServer
@testable import Wire

@Suite("Whatever bytes arrive")
struct HostileInputTests {
  @Test("A sum of samples that would overflow is refused")
  func manySamples() throws {
    var core = try ServerCore(assign(slices: 2))
    for index in 0..<2 {
      var message = push([3], [1, 1, 1], node: .init(level: 0, index: index))
      message.header.samples = .max
      #expect(core.receive(message, from: somePeer).isRefusal)
    }
  }

  @Test("A message of more rows than a part may hold is refused")
  func manyRows() throws {
    var core = try ServerCore(assign())
    let keys = sorted((0...Parts.rowsPerPart(width: 3)).map { UInt64($0) })
    #expect(core.receive(pull(keys, readOnly: true), from: somePeer).isRefusal)
    #expect(core.receive(pull(Array(keys.dropLast()), readOnly: true), from: somePeer).messages[0].header.kind == .rows)
  }

  @Test("Pulls wait up to a limit")
  func manyParked() throws {
    var core = try ServerCore(assign())
    for _ in 0..<ServedTable.mostParked {
      let effects = core.receive(pull([3], clock: 9), from: somePeer)
      #expect(effects.isEmpty)
    }
    #expect(core.receive(pull([3], clock: 9), from: somePeer).isRefusal)
  }

  @Test("A push ahead of the open step is refused: no worker has had the rows for it")
  func ahead() throws {
    var core = try ServerCore(assign(slices: 2))
    func step(_ clock: UInt64, _ index: Int) -> Message {
      push([3], [Float(clock) + 1, Float(index), 2], clock: clock, node: .init(level: 0, index: index))
    }
    #expect(core.receive(step(0, 0), from: somePeer).isEmpty)
    #expect(core.receive(step(1, 0), from: somePeer).isRefusal)
    #expect(core.receive(step(0, 1), from: somePeer).isEmpty)
    #expect(core.receive(step(1, 0), from: somePeer).isEmpty)
  }

  @Test("Random and mutated messages never end the server, and it still serves", arguments: 1...5)
  func fuzz(seed: Int) throws {
    var generator = SeededGenerator(seed)
    var core = try ServerCore(assign(server: 0, of: 2, slices: 5, tables: [describeTable(), describeTable(width: 8)]))
    let keys = sorted((0..<64).map { UInt64($0) }.filter { Rank.slot(of: Rank.of($0)) < 8192 })
    let edges: [UInt64] = [0, 1, 2, 3, 7, 255, 65_535, 65_536, 1 << 28, 1 << 32, .max - 1, .max]
    func edge() -> UInt64 { edges.randomElement(using: &generator)! }
    for _ in 0..<10_000 {
      let some = keys.filter { _ in Bool.random(using: &generator) }
      var message =
        Bool.random(using: &generator)
        ? pull(some, clock: .random(in: 0..<3, using: &generator), readOnly: Bool.random(using: &generator))
        : push(
          some, [Float](repeating: 1, count: some.count * 3), clock: .random(in: 0..<3, using: &generator),
          node: SliceNode(level: .random(in: 0..<4, using: &generator), index: .random(in: 0..<5, using: &generator)))
      for _ in 0..<Int.random(in: 0...2, using: &generator) {
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: message.header.kind = Header.Kind.allCases.randomElement(using: &generator)!
        case 1: message.header.table = UInt16(truncatingIfNeeded: edge())
        case 2: message.header.flags = UInt16(truncatingIfNeeded: edge())
        case 3: message.header.clock = edge()
        case 4: message.header.count = edge()
        case 5: message.header.samples = edge()
        case 6: message.header.node = SliceNode(code: UInt32(truncatingIfNeeded: generator.next()))
        case 7: message.header.parts = max(1, UInt32(truncatingIfNeeded: edge()))
        case 8: message.header.part = UInt32(truncatingIfNeeded: edge())
        case 9: _ = message.payload.popLast()
        case 10: message.payload.append(Frame([1, 2, 3]))
        default:
          if let index = message.payload.indices.randomElement(using: &generator) {
            var bytes = Array(message.payload[index].bytes)
            if let place = bytes.indices.randomElement(using: &generator) {
              bytes[place] ^= 1 << (generator.next() % 8)
            }
            if Bool.random(using: &generator) { bytes.append(0) }
            message.payload[index] = Frame(bytes)
          }
        }
      }
      for answer in core.receive(message, from: somePeer).messages {
        #expect(answer.header.kind == .rows || answer.header.kind == .refusal)
      }
    }
    #expect(core.receive(pull(keys, readOnly: true), from: somePeer).messages.first?.header.kind == .rows)
  }
}
