import ParamServer
import Sharding
import Testing
import Wire

@Suite("Whatever bytes arrive")
struct HostileInputTests {
  private let pool = (0..<24).map { rank($0 % 8, UInt64($0)) }.sorted()

  @Test("Mutated messages never end a server and change nothing, unless they are a valid push", arguments: 1...6)
  func fuzz(seed: Int) throws {
    var generator = SeededGenerator(seed)
    let assignment = assign(
      server: 0, of: 2, slices: 5, tables: [describeTable(), describeTable(width: 8)], epochSteps: 3)
    let rig = try Rig.serving(assignment)
    /// Takes only what is a push, of its own version of the bytes.
    let twin = try Rig.serving(assignment)
    var (pushes, answers, malformed) = (0, 0, 0)
    for round in 0..<4000 {
      let clock = try #require(rig.clock)
      let envelope = rig.question(message(clock: clock, &generator), from: .random(in: 0..<3, using: &generator))
      guard let hostile = try? Envelope(frames: mutate(envelope.frames(), &generator)) else {
        malformed += 1
        continue
      }
      let effects = rig.receive(hostile)
      answers += effects.answers.count
      #expect(effects.allSatisfy { if case .send = $0 { true } else { false } })
      if case .push = hostile.message, effects.answers.contains(where: { $0.name == "pushed" }) {
        pushes += 1
        #expect(twin.receive(hostile).answers.contains { $0.name == "pushed" })
      }
      if round % 500 == 499 {
        #expect(try rig.digests() == twin.digests())
        #expect(rig.clock == twin.clock)
      }
    }
    #expect(pushes > 100 && answers > 500 && malformed > 100)
    #expect(try rig.clock ?? 0 > 0 && rig.beat().totals == twin.beat().totals)
    #expect(rig.ask(pull(pool, clock: try #require(rig.clock))).rows.count == 1)
  }

  @Test("Random bytes are no message")
  func noise() {
    var generator = SeededGenerator(3)
    for _ in 0..<2000 {
      let frames = (0..<Int.random(in: 0..<6, using: &generator)).map { _ in
        Frame(
          (0..<Int.random(in: 0..<100, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) })
      }
      #expect(throws: WireError.self) { try Envelope(frames: frames) }
    }
  }

  @Test("Orders that are no orders are refused, and the server goes on", arguments: 1...3)
  func orders(seed: Int) throws {
    var generator = SeededGenerator(seed)
    let rig = try Rig.serving()
    try rig.train(pool, [Float](repeating: 1, count: pool.count * 3))
    let digests = try rig.digests()
    for _ in 0..<500 {
      let envelope = rig.envelope(.digest)
      var frames = envelope.frames()
      var bytes = withExtendedLifetime(frames[1]) { Array(frames[1].bytes) }
      bytes[.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...127, using: &generator)
      frames[1] = Frame(bytes)
      let effects = rig.tell(.ordered(try Envelope(frames: frames)))
      while rig.hasLongWork { _ = rig.tell(.turn) }
      #expect(!effects.hasEnded)
    }
    #expect(try rig.digests() == digests)
  }

  // MARK: What is sent

  private func message(clock: UInt64, _ generator: inout SeededGenerator) -> Message {
    let some = pool.filter { _ in Bool.random(using: &generator) }
    let table = Int.random(in: 0..<2, using: &generator)
    if Bool.random(using: &generator) {
      return pull(
        some, clock: .random(in: 0...clock, using: &generator),
        purpose: Bool.random(using: &generator) ? .training : .scoring, table: table)
    }
    let values = (0..<some.count * (table == 0 ? 3 : 8)).map { _ in Float.random(in: -1...1, using: &generator) }
    return push(
      some, values, clock: clock,
      node: SliceNode(level: .random(in: 0..<3, using: &generator), index: .random(in: 0..<3, using: &generator)),
      samples: .random(in: 1..<9, using: &generator), table: table)
  }

  private func mutate(_ frames: [Frame], _ generator: inout SeededGenerator) -> [Frame] {
    var frames = frames.map { frame in withExtendedLifetime(frame) { Array(frame.bytes) } }
    for _ in 0..<Int.random(in: 0...2, using: &generator) {
      guard let frame = frames.indices.randomElement(using: &generator) else { break }
      // Offsets of fields, rather than those of long arrays.
      let place = min(.random(in: 0..<100, using: &generator), max(0, frames[frame].count - 1))
      switch Int.random(in: 0..<7, using: &generator) {
      case 0 where !frames[frame].isEmpty, 1 where !frames[frame].isEmpty:
        frames[frame][place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 2 where !frames[frame].isEmpty:
        frames[frame][place] = [0, 1, 127, 128, 255].randomElement(using: &generator)!
      case 3 where !frames[frame].isEmpty:
        frames[frame].removeLast(.random(in: 1...frames[frame].count, using: &generator))
      case 4: frames[frame] += [UInt8](repeating: 0, count: 8)
      case 5: frames.remove(at: frame)
      case 6: frames.append([1, 2, 3])
      default: break
      }
    }
    return frames.map { Frame($0) }
  }
}
