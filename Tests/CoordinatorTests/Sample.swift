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
    trainHolders: [[Int]]? = nil, restore: ServerAssignment.Restore? = nil
  ) throws -> ModelPlan {
    try ModelPlan(
      settings: settings, model: settings.model.configuration(fields: 1), train: train, evaluation: evaluation,
      trainHolders: trainHolders, restore: restore)
  }

  static func training(
    _ settings: Settings = settings(), evaluates: Bool = true, restore: ServerAssignment.Restore? = nil
  ) throws -> Plan {
    let model = try model(settings, evaluation: evaluates ? index() : nil, restore: restore)
    return try Plan(.train(model, databases: ["s0", "s1"]), settings: settings, gatherSeconds: 30)
  }

  static func scoring(restore: ServerAssignment.Restore) throws -> Plan {
    let settings = settings()
    return try Plan(.score(model(settings, train: nil, restore: restore)), settings: settings, gatherSeconds: 30)
  }

  static func survey() throws -> Plan {
    let order = SurveyOrder(train: ["*.txt"], valid: [], schema: Schema(format: .libfm), badRows: .fail)
    return try Plan(.survey(order), settings: settings(), gatherSeconds: 30)
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
      registrationRequest: 1, member: member, session: Session(Preamble(), timing: Timing(), at: 0), movedAt: 0)
  }

  static func registration(_ role: Member.Role, _ number: Int, host: String = "h") -> Registration {
    Registration(
      role: role, host: host, process: Int32((role == .server ? 10 : 20) + number),
      endpoint: role == .server ? "tcp://h:\(number)" : nil)
  }

  static func incarnation(_ member: Member) -> UInt64 { UInt64(member.role.rawValue) * 100 + UInt64(member.number) }
}

/// What is asked and told, as sentences.
enum Sentence {
  static func order(_ message: Message, to member: Member) -> String {
    guard case .order(let control) = message else { return message.name }
    if member.role == .server {
      guard let order = try? control.decode(ServerOrder.self) else { return "?" }
      switch order {
      case .adopt(let assignment):
        return "be server \(assignment.server) of \(assignment.slots.servers)"
          + (assignment.restore.map { " from checkpoint \($0.checkpoint)" } ?? "")
      case .settle(let clock): return "settle \(clock)"
      case .checkpoint(let number, let clock): return "checkpoint \(number) at \(clock)"
      case .committed(let number): return "committed \(number)"
      case .digest: return "digest"
      case .stop: return "stop"
      }
    }
    guard let order = try? control.decode(WorkerOrder.self) else { return "?" }
    switch order {
    case .survey(let survey): return "survey \(survey.train)"
    case .adopt(let assignment): return "be worker \(assignment.worker) for slices \(assignment.ownedSlices)"
    case .train(let leases):
      return "train " + leases.map { "\($0.slice) in epoch \($0.epoch) steps \($0.steps)" }.joined(separator: ", ")
    case .evaluate(let round, let clock): return "evaluate \(round) at \(clock)"
    case .stop: return "stop"
    }
  }

  static func outcome(_ outcome: Outcome) -> String {
    switch outcome {
    case .completed: "completed"
    case .failed(let sentence): "failed: \(sentence)"
    case .interrupted(let checkpoint): "interrupted, last checkpoint \(checkpoint.map(String.init) ?? "none")"
    }
  }

  static func commit(_ epoch: EpochRecord, _ checkpoint: CheckpointRecord) -> String {
    "commit epoch \(epoch.epoch), checkpoint \(checkpoint.number), next step \(checkpoint.step)"
  }
}
