import Sharding
import Testing

@testable import ParamServer
@testable import Wire

@Suite("A server's core")
struct ServerCoreTests {
  private let keys = sorted([3, 8, 21])
  private var ones: [Float] { [Float](repeating: 1, count: 9) }

  @Test("A pull waits for the steps before it and is answered once they are applied")
  func parkedPull() throws {
    var core = try ServerCore(assign(slices: 2))
    let early = pull(keys, clock: 1)
    let before = core.receive(pull(keys, clock: 0), from: somePeer).messages[0].floats
    #expect(core.receive(early, from: Socket.Peer(bytes: [2])).isEmpty)
    #expect(core.receive(pull(keys, clock: 2), from: Socket.Peer(bytes: [3])).isEmpty)
    #expect(core.receive(push(keys, ones, node: .init(level: 0, index: 1)), from: somePeer).isEmpty)
    let effects = core.receive(push(keys, ones, node: .init(level: 0, index: 0)), from: somePeer)
    guard effects.count == 1, case .send(let answer, let peer) = effects[0] else {
      Issue.record("\(effects.count) answers")
      return
    }
    var expected = early.header
    expected.kind = .rows
    #expect(peer == Socket.Peer(bytes: [2]))
    #expect(answer.header == expected)
    #expect(answer.floats.count == 9 && answer.floats != before)
    let next = core.receive(push(keys, ones, clock: 1, node: .init(level: 1, index: 0)), from: somePeer)
    #expect(next.messages.map(\.header.clock) == [2])
  }

  @Test("A read-only pull waits for its clock like any other, and creates nothing")
  func readOnly() throws {
    var core = try ServerCore(assign())
    #expect(core.receive(pull(keys, clock: 1, readOnly: true), from: somePeer).isEmpty)
    let answer = core.receive(push([], [], samples: 0), from: somePeer).messages
    #expect(answer.count == 1 && answer[0].floats == [Float](repeating: 0, count: 9))
    #expect(core.load.tables[0].rows == 0 && core.digests().isEmpty && core.dirtySlots.isEmpty)
  }

  @Test("A push that repeats a clock already applied changes nothing", arguments: [1, 2, 7])
  func duplicatePushIsIgnored(slices: Int) throws {
    var core = try ServerCore(assign(slices: slices))
    let step = push(keys, ones, node: SliceNode.root(of: slices))
    #expect(core.receive(step, from: somePeer).isEmpty)
    let digests = core.digests()
    #expect(core.receive(step, from: somePeer).isEmpty)
    #expect(core.digests() == digests)
  }

  @Test("A push of slices that were pushed already changes nothing: it does not count twice")
  func overlappingPush() throws {
    var core = try ServerCore(assign(slices: 4))
    var twin = try ServerCore(assign(slices: 4))
    let left = push(keys, ones, node: .init(level: 1, index: 0))
    let right = push(keys, ones, node: .init(level: 1, index: 1))
    #expect(core.receive(left, from: somePeer).isEmpty)
    for node in [SliceNode(level: 1, index: 0), .init(level: 0, index: 1)] {
      #expect(core.receive(push(keys, ones, node: node), from: somePeer).isEmpty)
    }
    #expect(core.receive(right, from: somePeer).isEmpty)
    for message in [left, right] { _ = twin.receive(message, from: somePeer) }
    #expect(core.digests() == twin.digests())
  }

  @Test("A step without samples applies nothing but counts")
  func emptyStep() throws {
    var core = try ServerCore(assign())
    #expect(core.receive(push([], [], samples: 0), from: somePeer).isEmpty)
    #expect(core.receive(pull(keys, clock: 1), from: somePeer).messages.count == 1)
    #expect(core.load.tables[0].rows == 0)
  }

  static let foreign: UInt64 = (0...).lazy.map { UInt64($0) }.first { Rank.slot(of: Rank.of($0)) >= 8192 }!
  static let own = sorted((0..<100).map { UInt64($0) }.filter { Rank.slot(of: Rank.of($0)) < 8192 })

  static let refused: [@Sendable () -> Message] = [
    { pull(own, view: 6) },
    { pull(own.reversed()) },
    { pull([own[0], own[0]]) },
    { pull([foreign]) },
    {
      var message = pull(own)
      message.header.table = 1
      return message
    },
    {
      var message = pull(own)
      message.header.count += 1
      return message
    },
    {
      var message = pull(own)
      message.header.count = .max
      return message
    },
    { Message(pull(own).header) },
    { push(own, [1]) },
    { push([own[0]], [1, 2, 3], clock: 5) },
    { push([own[0]], [1, 2, 3], clock: .max) },
    { push([own[1], own[0]], [1, 2, 3, 4, 5, 6]) },
    { push([foreign], [1, 2, 3]) },
    { push([own[0]], [1, 2, 3], node: .init(level: 0, index: 3)) },
    { push([own[0]], [1, 2, 3], node: .init(level: 3, index: 0)) },
    { push([own[0]], [1, 2, 3], node: .init(level: 65_535, index: 65_535)) },
  ]

  @Test("What cannot be served is refused with a sentence, and changes nothing", arguments: refused.indices)
  func refusal(index: Int) throws {
    var core = try ServerCore(assign(server: 0, of: 2, slices: 3))
    _ = core.receive(pull(Self.own), from: somePeer)
    let digests = core.digests()
    let message = Self.refused[index]()
    let answer = core.receive(message, from: somePeer)
    #expect(answer.isRefusal)
    #expect(answer.messages.first?.sentence.isEmpty == false)
    #expect(answer.messages.first?.header.request == message.header.request)
    #expect(core.digests() == digests)
    // The step is still whole: the same push of all slices is taken.
    #expect(core.receive(push([Self.own[0]], [1, 2, 3], node: .init(level: 2, index: 0)), from: somePeer).isEmpty)
    #expect(core.receive(pull(Self.own, clock: 1), from: somePeer).messages.first?.header.kind == .rows)
  }

  @Test("Parts come in any order, but what they hold ascends")
  func parts() throws {
    var core = try ServerCore(assign())
    #expect(core.receive(push([keys[2]], [1, 1, 1], part: 1, parts: 2), from: somePeer).isEmpty)
    #expect(core.receive(push([keys[2]], [1, 1, 1], part: 0, parts: 2), from: somePeer).isRefusal)
    #expect(core.receive(push([keys[2]], [1, 1, 1], part: 1, parts: 3), from: somePeer).isEmpty)
    #expect(core.receive(push([], [], part: 2, parts: 3), from: somePeer).isEmpty)
    #expect(core.receive(push([keys[1]], [1, 1, 1], part: 0, parts: 3), from: somePeer).isEmpty)
    #expect(core.receive(pull(keys, clock: 1), from: somePeer).messages.count == 1)
  }

  /// Trains 20 steps on `servers` servers; returns all parameters' bits.
  private func train(servers: Int, workers: Int) throws -> [UInt32] {
    var generator = SeededGenerator(4)
    let slices = 6
    let pool = sorted((0..<300).map { UInt64($0) })
    let owners = SlotMap(servers: servers).owners()
    var cores = try (0..<servers).map { try ServerCore(assign(server: $0, of: servers, slices: slices)) }
    for step in 0..<20 {
      let gradients = (0..<slices).map { _ in Gradient.random(keys: pool, width: 3, using: &generator) }
      for worker in 0..<workers {
        let owned = (0..<slices).filter { $0 % workers == worker }
        for node in SliceNode.cover(of: owned, among: slices) {
          let sum = Gradient.sum(gradients, at: node)
          for server in cores.indices {
            let places = sum.keys.indices.filter { Int(owners[Rank.slot(of: Rank.of(sum.keys[$0]))]) == server }
            let share = Gradient(
              keys: places.map { sum.keys[$0] }, values: places.flatMap { Array(sum.values[$0 * 3..<$0 * 3 + 3]) })
            for message in share.messages(node: node, samples: 5, parts: 2, clock: UInt64(step)) {
              #expect(cores[server].receive(message, from: somePeer).isEmpty)
            }
          }
        }
      }
    }
    return pool.flatMap { key in cores[Int(owners[Rank.slot(of: Rank.of(key))])].read([key]) }
  }

  @Test("Parameters are the same bit for bit on 1, 2 and 3 servers", arguments: [1, 2, 3], [1, 2, 3, 6])
  func sameOnAnyServers(servers: Int, workers: Int) throws {
    // Samples behind a node are fixed at 5, so runs compare for equal numbers of nodes only.
    #expect(try train(servers: servers, workers: workers) == train(servers: 1, workers: workers))
  }
}
