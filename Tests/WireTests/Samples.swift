import Sharding

@testable import Wire

/// Messages of every kind.
enum Samples {
  static func frame<Number: BitwiseCopyable>(_ numbers: [Number]) -> Frame {
    numbers.withUnsafeBufferPointer(Frame.init(copying:))
  }

  static let preamble: Preamble = {
    var preamble = Preamble()
    preamble.run = 0x0123_4567_89ab_cdef
    preamble.term = 3
    preamble.view = 7
    preamble.member = .worker(12)
    preamble.incarnation = 99
    preamble.request = 41
    preamble.oldest = 40
    return preamble
  }()

  static let digest = SHA256.hash([1, 2, 3])

  static let messages: [Message] = [
    .pull(Pull(group: 3, table: 1, clock: 42, purpose: .scoring, ranks: frame([1, 2, 1 << 60] as [UInt64]))),
    .pull(Pull(group: 0, table: 0, clock: 0, purpose: .training, ranks: frame([] as [UInt64]))),
    .rows(Rows(values: frame([1, -0.0, .nan, 2] as [Float]))),
    .push(
      Push(
        group: 1, table: 0, clock: 5, arrival: 11, node: SliceNode(level: 2, index: 1), part: 1, parts: 3, samples: 512,
        lossSum: -0.125, ranks: frame([3, 9] as [UInt64]), values: frame([1, 2, 3, 4] as [Float]),
        sightedRanks: frame([7] as [UInt64]), sightings: frame([2] as [UInt32]))),
    .pushed, .noted,
    .scores(Scores(round: 2, chunk: 9, firstRow: 2048, labels: [0, 1], logits: [-1.5, 0.25])),
    .copy(
      Copy(
        group: 2, table: 1, slot: 16_383, clock: 9, applied: frame([9, 8] as [UInt64]),
        totals: StepTotals(rows: 7, lossSum: 0.5), part: 1, parts: 2,
        bytes: frame([1, 2, 3] as [UInt8]))),
    .command(Control(["what": "drain", "member": "server-1"])),
    .register(Registration(role: .server, host: "h", process: 7, endpoint: "tcp://10.0.0.1:7000")),
    .register(
      Registration(
        role: .worker, host: "h", process: 7, files: ["day_0.gz"], standing: .init(member: .worker(3), view: 4))),
    .welcome(.server(3)),
    .beat(Beat(done: 17, activity: Activity(.pulling, step: 4, waitsFor: [.server(1)]))),
    .order(Control(ServerOrder.checkpoint(CheckpointOrder(number: 3, clock: 9, base: .init(number: 2, clock: 7))))),
    .report(Control(ServerReport.settled(Settlement(totals: StepTotals(rows: 9, lossSum: .nan))))),
    .failed("no disk"), .fetch(Fetch(digest: digest, part: 2)),
    .piece(Piece(0, of: [1, 2, 3, 4, 5], digest: digest)!),
    .refusal(.staleView(now: 9)), .refusal(.notYet), .refusal(.malformed("x")),
  ]

  static func bytes(_ envelope: Envelope) -> [[UInt8]] {
    envelope.frames().map { frame in withExtendedLifetime(frame) { Array(frame.bytes) } }
  }
}
