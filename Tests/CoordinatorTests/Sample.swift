import Checkpoint
import DeepFM
import Foundation
import Job
import Sharding
import Wire

@testable import Coordinator
@testable import Features

/// Plans and data to play with: two chunks of 30 and 10 rows, two slices of 4 rows, so that an epoch has 8 steps.
enum Sample {
  static let encoding = Encoding(
    format: .libfm, separator: 9, hasHeader: false, hasQuotes: false, columns: [], labelColumn: 0,
    label: LabelRule(column: "label"), timestampColumn: nil, missingTexts: [""],
    fields: [.init(name: "1", column: 0, owner: 0, rule: .index, missing: .own, indices: nil)], firstField: 0,
    leavesOutUnknown: false, vocabulary: nil)

  /// - Parameter files: by file, the rows of its chunks.
  static func index(_ files: [[Int]] = [[30, 10]]) -> DatasetIndex {
    let chunks = files.enumerated().flatMap { file, chunks in
      chunks.enumerated().map { Chunk(file: file, offset: $0 * 10, length: 10, firstLine: 1, rows: $1) }
    }
    return DatasetIndex(
      encoding: encoding, files: files.indices.map { .init(name: "file-\($0)", path: "/data/file-\($0)") },
      chunks: chunks, rows: chunks.reduce(0) { $0 + $1.rows })
  }

  static func settings(epochs: Int = 2, servers: Int = 2, workers: Int = 2, slices: Int = 2) -> Settings {
    var settings = Settings()
    settings.data.train = ["x"]
    settings.data.valid = ["y"]
    settings.model.model = .lr
    settings.cluster.servers = servers
    settings.cluster.workers = workers
    settings.optimization.slices = slices
    settings.optimization.batch = 4 * slices
    settings.optimization.epochs = epochs
    return settings
  }

  static func model(
    _ settings: Settings, train: DatasetIndex? = index(), evaluation: DatasetIndex? = index(),
    trainHolders: [[Int]]? = nil, start: ModelPlan.Start = ModelPlan.Start()
  ) throws -> ModelPlan {
    try ModelPlan(
      settings: settings, model: settings.modelConfiguration(fields: 1), train: train, evaluation: evaluation,
      trainHolders: trainHolders, start: start)
  }

  static func training(
    _ settings: Settings = settings(), evaluates: Bool = true, stage: Int = 0,
    start: ModelPlan.Start = ModelPlan.Start()
  ) throws -> Plan {
    let model = try model(settings, evaluation: evaluates ? index() : nil, start: start)
    return try Plan(.train(model, shards: "shards"), stage: stage, settings: settings, gatherSeconds: 30)
  }

  /// The first file is worker-0's alone, the second worker-1's.
  static func localTraining() throws -> Plan {
    let settings = settings()
    let model = try model(
      settings, train: index([[20], [20]]), evaluation: nil, trainHolders: [[0], [1]])
    return try Plan(.train(model, shards: "shards"), settings: settings, gatherSeconds: 30)
  }

  static func scoring(start: ModelPlan.Start) throws -> Plan {
    let settings = settings()
    return try Plan(.score(model(settings, train: nil, start: start)), settings: settings, gatherSeconds: 30)
  }

  static func survey(stage: Int = 0) throws -> Plan {
    let order = SurveyOrder(train: ["*.txt"], valid: [], schema: Schema(format: .libfm), badRows: .fail)
    return try Plan(.survey(order), stage: stage, settings: settings(), gatherSeconds: 30)
  }

  static func start(checkpoint: Int = 3, clock: UInt64 = 24) -> ModelPlan.Start {
    .init(clock: clock, restore: restore(checkpoint, clock: clock))
  }

  static func restore(_ checkpoint: Int, clock: UInt64) -> ServerAssignment.Restore {
    .init(run: 7, chain: [CheckpointFiles(number: checkpoint, clock: clock, base: nil, parts: [])])
  }

  static func checkpoint(
    _ number: Int, step: UInt64, epoch: Int = 1, stage: Int = 0, base: Int? = nil, bytes: Int = 1
  ) -> CheckpointRecord {
    CheckpointRecord(
      number: number, stage: stage, epoch: epoch, step: step, totals: StepTotals(rows: step * 5, lossSum: 1),
      base: base,
      parts: [
        CheckpointPart(
          server: 0, path: "shards/server-0/\(number)", slots: 1, rows: 1, bytes: bytes, digest: SHA256.hash([]))
      ])
  }

  static func epoch(_ number: Int, stage: Int = 0) -> EpochRecord {
    EpochRecord(
      stage: stage, epoch: number, clock: UInt64(8 * number), steps: 8, rows: 40, trainLogloss: 0.5, seconds: 10,
      stallSeconds: 1)
  }

  /// Scores of a whole chunk: every second row is a click, and better the higher `quality`.
  static func scores(round: Int, chunk: Int, rows: Int? = nil, firstRow: Int = 0, quality: Float = 1) -> Scores {
    let rows = firstRow..<(rows ?? [30, 10][chunk])
    return Scores(
      round: round, chunk: chunk, firstRow: firstRow, labels: rows.map { Float($0 % 2) },
      logits: rows.map { $0 % 2 == 0 ? -quality : quality })
  }

  /// Places of two servers and two workers, as a membership would give them.
  static func places(servers: Int = 2, workers: Int = 2) -> [Place] {
    [(Member.Role.server, servers), (.worker, workers)].flatMap { role, count in
      (0..<count).map { place(Member(role, $0)) }
    }
  }

  static func place(_ member: Member) -> Place {
    Place(
      registration: registration(member.role, member.number), incarnation: incarnation(member),
      registrationRequest: 1, member: member, session: Session(Preamble(), timing: Timing(), at: 0), movedAt: 0,
      joinedAt: 0)
  }

  static func registration(
    _ role: Member.Role, _ number: Int, host: String = "h", weight: Double = 1, files: [String] = []
  ) -> Registration {
    Registration(
      role: role, host: host, process: Int32((role == .server ? 10 : 20) + number),
      endpoint: role == .server ? "tcp://h:\(number)" : nil, weight: weight, files: files)
  }

  static func incarnation(_ member: Member) -> UInt64 { UInt64(member.role.rawValue) * 100 + UInt64(member.number) }

  /// A view of two servers and two workers, one slice each.
  static func view(
    _ number: UInt32 = 1, clock: UInt64 = 0, isRewound: Bool = true, stage: Int = 0, servers: Int = 2,
    slots: SlotMap? = nil, workers: [[Int]] = [[0], [1]]
  ) -> ViewRecord {
    let members =
      (0..<servers).map { record(.server($0)) } + workers.indices.map { record(.worker($0), slices: workers[$0]) }
    return ViewRecord(
      number: number, term: 1, stage: stage, clock: clock, isRewound: isRewound,
      slots: slots ?? SlotMap(servers: servers), members: members, reason: "a test")
  }

  static func record(_ member: Member, slices: [Int] = []) -> MemberRecord {
    let registration = registration(member.role, member.number)
    return MemberRecord(
      role: "\(member.role)", number: member.number, incarnation: incarnation(member), host: registration.host,
      process: registration.process, endpoint: registration.endpoint,
      folder: member.role == .server ? "s\(member.number)" : nil, slices: slices)
  }
}
