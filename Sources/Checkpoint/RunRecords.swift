import Foundation
import Sharding

/// An epoch as the catalogue keeps it.
public struct EpochRecord: Codable, Hashable, Sendable {
  public var stage: Int
  /// Counted over the stage.
  public var epoch: Int
  public var steps: Int
  public var rows: Int
  public var trainLogloss: Double
  /// On the evaluation rows, where there are any.
  public var auc: Double?
  public var logloss: Double?
  /// The step that follows it.
  public var clock: UInt64
  /// The checkpoint at its end; nil until it is committed, and where it came to nothing.
  public var checkpoint: Int?
  /// Of training alone, without evaluation and checkpoint.
  public var seconds: Double
  /// Seconds that workers waited for data, a worker's on average.
  public var stallSeconds: Double
  /// By name.
  public var tables: [String: TableSize] = [:]
  /// Rows of parameters that went.
  public var evicted: Int { tables.values.reduce(0) { $0 + $1.evicted } }
  /// By name, what async tables met with.
  public var staleness: [String: StalenessReport] = [:]
  /// Whom steps waited for while nobody else was missing, the longest first.
  public var waits: [WaitRecord] = []
  /// The one that was waited for more than the others, and how much more.
  public var excess: (wait: WaitRecord, seconds: Double)? {
    waits.first.map { ($0, $0.seconds - (waits.dropFirst().first?.seconds ?? 0)) }
  }

  public init(
    stage: Int = 0, epoch: Int, clock: UInt64, steps: Int, rows: Int, trainLogloss: Double, auc: Double? = nil,
    logloss: Double? = nil, seconds: Double, stallSeconds: Double
  ) {
    self.stage = stage
    self.epoch = epoch
    self.clock = clock
    self.steps = steps
    self.rows = rows
    self.trainLogloss = trainLogloss
    self.auc = auc
    self.logloss = logloss
    self.seconds = seconds
    self.stallSeconds = stallSeconds
  }

  public var samplesPerSecond: Double { seconds > 0 ? Double(rows) / seconds : 0 }
}

/// A worker that others waited for.
public struct WaitRecord: Codable, Hashable, Sendable {
  public var member: String
  public var host: String
  public var process: Int32
  public var seconds: Double

  public init(member: String, host: String, process: Int32, seconds: Double) {
    self.member = member
    self.host = host
    self.process = process
    self.seconds = seconds
  }
}

/// A checkpoint as the catalogue keeps it: with its manifest, the parts.
public struct CheckpointRecord: Codable, Hashable, Sendable {
  /// Counted over the run; those that were tried and never committed are missing.
  public var number: Int
  /// The stage of the run whose parameters it holds.
  public var stage: Int
  /// The epoch that it lies in, or ends.
  public var epoch: Int
  /// The step that comes next.
  public var step: UInt64
  /// Of the epoch so far.
  public var totals: StepTotals
  /// The number of the one that it stands on, and holds changes since; nil for one that holds all rows.
  public var base: Int?
  /// What servers wrote for it.
  public var parts: [CheckpointPart]
  /// Numbers of the checkpoints that can be read from this one's commit on, ascending: it is the last of them.
  public var kept: [Int]

  public init(
    number: Int, stage: Int, epoch: Int, step: UInt64, totals: StepTotals, base: Int? = nil,
    parts: [CheckpointPart], kept: [Int] = []
  ) {
    self.number = number
    self.stage = stage
    self.epoch = epoch
    self.step = step
    self.totals = totals
    self.base = base
    self.parts = parts
    self.kept = kept.isEmpty ? [number] : kept
  }

  public var slots: Int { parts.reduce(0) { $0 + $1.slots } }
  public var rows: Int { parts.reduce(0) { $0 + $1.rows } }
  public var bytes: Int { parts.reduce(0) { $0 + $1.bytes } }
  public var files: CheckpointFiles { CheckpointFiles(number: number, clock: step, base: base, parts: parts) }
}

extension [CheckpointRecord] {
  /// What a checkpoint stands on, the oldest first, and it.
  public func chain(of last: CheckpointRecord) -> [CheckpointRecord] {
    var chain = [last]
    while let base = chain[0].base, let record = first(where: { $0.number == base }) { chain.insert(record, at: 0) }
    return chain
  }

  /// Numbers of those that the kept ones consist of, as the last one has it.
  public var needed: Set<Int> {
    let kept = Set(last?.kept ?? [])
    return Set(filter { kept.contains($0.number) }.flatMap { chain(of: $0).map(\.number) })
  }
}

/// A process that takes part in a view.
public struct MemberRecord: Codable, Hashable, Sendable {
  /// `server` or `worker`.
  public var role: String
  public var number: Int
  public var incarnation: UInt64
  public var host: String
  public var process: Int32
  /// Where others reach it; nil for one that nobody calls.
  public var endpoint: String?
  /// Where a server writes its parts of checkpoints.
  public var folder: String?
  /// What a worker computes.
  public var slices: [Int]

  public init(
    role: String, number: Int, incarnation: UInt64, host: String, process: Int32, endpoint: String? = nil,
    folder: String? = nil, slices: [Int] = []
  ) {
    self.role = role
    self.number = number
    self.incarnation = incarnation
    self.host = host
    self.process = process
    self.endpoint = endpoint
    self.folder = folder
    self.slices = slices
  }
}

/// A view: who takes part from which clock on, and who holds and computes what. It is in the catalogue before anyone
/// adopts it.
public struct ViewRecord: Hashable, Sendable {
  /// Counted over the run; those that were proposed and never recorded are missing.
  public var number: UInt32
  public var term: UInt32
  public var stage: Int
  /// The step that comes next.
  public var clock: UInt64
  /// Whether the state is that of the stage's last checkpoint, or of its start, rather than what homes hold.
  public var isRewound: Bool
  /// nil where there are no tables.
  public var slots: SlotMap?
  public var members: [MemberRecord]
  /// For people: why there is a new view.
  public var reason: String

  public init(
    number: UInt32, term: UInt32, stage: Int, clock: UInt64, isRewound: Bool, slots: SlotMap?,
    members: [MemberRecord], reason: String
  ) {
    self.number = number
    self.term = term
    self.stage = stage
    self.clock = clock
    self.isRewound = isRewound
    self.slots = slots
    self.members = members
    self.reason = reason
  }

  public func members(_ role: String) -> [MemberRecord] { members.filter { $0.role == role } }
}

/// What a run has come to, as a coordinator that takes it over finds it.
public struct RunHistory: Sendable {
  public var lastView: ViewRecord?
  /// Of all stages, ascending.
  public var epochs: [EpochRecord]
  /// Of all stages, ascending: those that are committed.
  public var checkpoints: [CheckpointRecord]
  /// By server number, how many processes have had it.
  public var incarnations: [Int: Int]

  public init(
    lastView: ViewRecord? = nil, epochs: [EpochRecord] = [], checkpoints: [CheckpointRecord] = [],
    incarnations: [Int: Int] = [:]
  ) {
    self.lastView = lastView
    self.epochs = epochs
    self.checkpoints = checkpoints
    self.incarnations = incarnations
  }

  public func epochs(ofStage stage: Int) -> [EpochRecord] { epochs.filter { $0.stage == stage } }
  public func lastCheckpoint(ofStage stage: Int) -> CheckpointRecord? { checkpoints.last { $0.stage == stage } }
}

/// A partition of the data as the catalogue keeps it.
public struct PartitionRecord: Hashable, Sendable {
  /// Of the run: data may be given anew when it goes on.
  public var stage: Int
  /// `train` or `evaluation`.
  public var purpose: String
  public var slice: Int
  /// SHA-256 of the article, in hexadecimal digits.
  public var digest: String
  /// Which rows of which files, as workers fetch it.
  public var article: Data

  public init(stage: Int, purpose: String, slice: Int, digest: String, article: Data) {
    self.stage = stage
    self.purpose = purpose
    self.slice = slice
    self.digest = digest
    self.article = article
  }
}
