import ParamServer
import Sharding
import Testing
import Wire

@Suite("What a server refuses")
struct RefusalTests {
  private static let own = [rank(0), rank(5), rank(8191)]
  private static let row: [Float] = [1, 2, 3]

  /// What is refused, and how: questions of worker 0 in view 1, to a server that owns the lower half of the slots.
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// nil: malformed, with a sentence.
    let expected: Refusal?
    let message: @Sendable () -> Message
    let change: @Sendable (inout Preamble) -> Void

    init(
      _ description: String, _ expected: Refusal? = nil,
      saying message: @escaping @Sendable () -> Message = { pull(own) },
      claiming change: @escaping @Sendable (inout Preamble) -> Void = { _ in }
    ) {
      testDescription = description
      self.expected = expected
      self.message = message
      self.change = change
    }
  }

  static let cases: [Case] = [
    Case("another run", .otherRun, claiming: { $0.run += 1 }),
    Case("no run", .otherRun, claiming: { $0.run = 0 }),
    Case("an earlier view", .staleView(now: 4), claiming: { $0.view = 3 }),
    Case("a later view", .notYet, claiming: { $0.view = 5 }),
    Case("nobody", .unknownMember(200), claiming: { $0.member = nil }),
    Case("another incarnation", .unknownMember(999), claiming: { $0.incarnation = 999 }),
    Case("another worker's incarnation", .unknownMember(200), claiming: { $0.member = .worker(1) }),
    Case("a worker too many", .unknownMember(200), claiming: { $0.member = .worker(3) }),
    Case("a server", .unknownMember(200), claiming: { $0.member = .server(1) }),
    Case("a coordinator", .unknownMember(200), claiming: { $0.member = .coordinator }),
    Case("a group of another server", .notOwner(slot: 8192), saying: { pull([], group: 1) }),
    Case("a push to a group of another server", .notOwner(slot: 8192), saying: { push([], [], group: 1) }),
    Case("a group that is not there", saying: { pull([], group: 2) }),
    Case(
      "a worker's copy",
      saying: {
        .copy(Copy(group: 1, table: 0, slot: 8192, clock: 0, totals: StepTotals(), bytes: frame([UInt8]())))
      }),
    Case(
      "a pull of another server's slot", .notOwner(slot: 8192),
      saying: {
        pull(own + [rank(8192)])
      }),
    Case(
      "a push of another server's slot", .notOwner(slot: 9000),
      saying: {
        push([rank(9000)], row)
      }),
    Case(
      "sightings of another server's slot", .notOwner(slot: 9000),
      saying: {
        push([], [], sighted: [rank(9000)], sightings: [1])
      }),
    Case("ranks that descend", saying: { pull([rank(5), rank(0)]) }),
    Case("a rank twice", saying: { pull([rank(5), rank(5)]) }),
    Case("pushed ranks that descend", saying: { push([rank(5), rank(0)], row + row) }),
    Case(
      "sighted ranks that descend",
      saying: {
        push([], [], sighted: [rank(5), rank(0)], sightings: [1, 1])
      }),
    Case("too many rows", saying: { pull((0...UInt64(Parts.rowsPerPart(width: 3))).map { rank(0, $0) }) }),
    Case(
      "too many sightings",
      saying: {
        let ranks = (0...UInt64(Parts.rowsPerPart(width: 3))).map { rank(0, $0) }
        return push([], [], sighted: ranks, sightings: ranks.map { _ in 1 })
      }),
    Case("rows too narrow", saying: { push(own, row) }),
    Case("rows too wide", saying: { push([own[0]], row + row) }),
    Case("a table that is not there", saying: { pull(own, table: 1) }),
    Case("a push to a table that is not there", saying: { push([own[0]], row, table: 65_535) }),
    Case("a step ahead", .notYet, saying: { push([own[0]], row, clock: 1) }),
    Case("the last step of all", .notYet, saying: { push([own[0]], row, clock: .max) }),
    Case("a slice too many", saying: { push([own[0]], row, node: .init(level: 0, index: 3)) }),
    Case("a node above the root", saying: { push([own[0]], row, node: .init(level: 3, index: 0)) }),
    Case("a node far away", saying: { push([own[0]], row, node: .init(level: 65_535, index: 65_535)) }),
    Case("gradients of no samples", saying: { push([own[0]], row, samples: 0) }),
    Case("more samples than there are", saying: { push([own[0]], row, samples: .max) }),
    Case("a loss that is no number", saying: { push([own[0]], row, lossSum: .nan) }),
    Case("more parts than fit", saying: { push([own[0]], row, part: 1 << 20, parts: 1 << 21) }),
    Case("what only a coordinator does", saying: { .register(Registration(role: .worker, host: "", process: 1)) }),
    Case("an order", saying: { .order(Control(ServerOrder.stop)) }),
  ]

  @Test("What cannot be served is refused with its reason, and changes nothing", arguments: cases)
  func refusal(_ refused: Case) throws {
    let (rig, twin) = (try Self.server(), try Self.server())
    var question = rig.question(refused.message())
    refused.change(&question.preamble)
    let effects = rig.receive(question)
    #expect(effects.count == 1 && effects.sent.first?.envelope.preamble.request == question.preamble.request)
    let refusal = try #require(effects.refusals.first)
    if let expected = refused.expected {
      #expect(refusal == expected)
    } else {
      guard case .malformed(let sentence) = refusal else {
        Issue.record("\(refusal)")
        return
      }
      #expect(!sentence.isEmpty)
    }
    #expect(try rig.state() == twin.state())
    // The open step is what it was.
    for rig in [rig, twin] {
      #expect(rig.ask(push([Self.own[1]], Self.row, node: .init(level: 0, index: 2))).refusals.isEmpty)
      #expect(rig.clock == 1)
    }
    #expect(try rig.state() == twin.state())
    #expect(try rig.checkpoint(number: 1) == twin.checkpoint(number: 1))
  }

  /// Two slices of three are pushed.
  private static func server() throws -> Rig {
    let rig = try Rig.welcomed()
    try rig.adopt(assign(server: 0, of: 2, slices: 3), view: 4)
    #expect(rig.ask(push([own[0]], row, node: .init(level: 1, index: 0))).refusals.isEmpty)
    return rig
  }

  @Test("Data has to wait until a server has an assignment, and all that it restores")
  func tooEarly() throws {
    let rig = try Rig.welcomed()
    #expect(rig.ask(pull([])).refusals == [.notYet])
    let effects = rig.order(.adopt(restoring(1, ["a"], clock: 4)), view: 1)
    #expect(effects.reports.isEmpty)
    #expect(rig.ask(pull([], clock: 4)).refusals == [.notYet])
    #expect(rig.ask(push([], [], clock: 4)).refusals == [.notYet])
    #expect(rig.tell(.restored).reports.count == 1)
    #expect(rig.ask(pull([], clock: 4)).rows == [[]])
    #expect(rig.clock == 4)
  }

  @Test("A process of another version is told so; other noise is dropped with a sentence")
  func malformed() throws {
    let rig = try Rig.serving()
    let other = rig.tell(.malformed(.wrongVersion(found: 9), from: Route(bytes: [4])))
    #expect(other.refusals == [.otherVersion(mine: Preamble.version, yours: 9)])
    #expect(other.sent.first?.route == Route(bytes: [4]))
    let noise = rig.tell(.malformed(.malformed("wrong magic"), from: Route(bytes: [4])))
    #expect(noise.sent.isEmpty && noise.said.first?.hasPrefix("dropped a message") == true)
  }

  @Test("What wants no answer gets none")
  func said() throws {
    let rig = try Rig.serving()
    for message in [
      pull([]), push([rank(1)], [1, 2, 3]), .beat(Beat()), .rows(Rows(values: frame([Float]()))), .pushed,
    ] {
      var envelope = rig.question(message)
      envelope.preamble.request = 0
      #expect(rig.receive(envelope).isEmpty)
    }
    #expect(rig.clock == 0)
  }

  @Test("Pulls wait up to a limit, beyond which they are to be asked again")
  func manyParked() throws {
    let rig = try Rig.serving()
    for _ in 0..<4096 { #expect(rig.ask(pull([rank(1)], clock: 9)).isEmpty) }
    #expect(rig.ask(pull([rank(1)], clock: 9)).refusals == [.notYet])
    #expect(rig.parkedPulls == 4096)
  }
}
