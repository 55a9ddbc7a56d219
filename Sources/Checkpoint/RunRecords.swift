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
  /// The checkpoint that ends it; nil until it is committed.
  public var checkpoint: Int?
  /// Of training alone, without evaluation and checkpoint.
  public var seconds: Double
  /// Seconds that workers waited for data, a worker's on average.
  public var stallSeconds: Double
  /// By name, what async tables met with.
  public var staleness: [String: StalenessReport] = [:]
  /// Whom steps waited for while nobody else was missing, the longest first.
  public var waits: [WaitRecord] = []
  /// The one that was waited for more than the others, and how much more.
  public var excess: (wait: WaitRecord, seconds: Double)? {
    waits.first.map { ($0, $0.seconds - (waits.dropFirst().first?.seconds ?? 0)) }
  }

  public init(
    stage: Int = 0, epoch: Int, steps: Int, rows: Int, trainLogloss: Double, auc: Double? = nil, logloss: Double? = nil,
    seconds: Double, stallSeconds: Double
  ) {
    self.stage = stage
    self.epoch = epoch
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

extension [EpochRecord] {
  /// The one with the lowest validation logloss, the earlier of two; nil where none was evaluated.
  public var best: EpochRecord? {
    filter { $0.logloss?.isFinite ?? false }.min { ($0.logloss!, $0.epoch) < ($1.logloss!, $1.epoch) }
  }
}

/// A checkpoint as the catalogue keeps it.
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
  /// Slots and bytes that the servers wrote for it.
  public var slots: Int
  public var bytes: Int
  /// Paths of the files that hold its slots.
  public var shards: [String]
  /// Numbers of the checkpoints that can be read from this one's commit on, ascending: it is the last of them.
  public var kept: [Int]

  public init(
    number: Int, stage: Int, epoch: Int, step: UInt64, totals: StepTotals, slots: Int, bytes: Int, shards: [String],
    kept: [Int] = []
  ) {
    self.number = number
    self.stage = stage
    self.epoch = epoch
    self.step = step
    self.totals = totals
    self.slots = slots
    self.bytes = bytes
    self.shards = shards
    self.kept = kept.isEmpty ? [number] : kept
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
  /// A server's file.
  public var database: String?
  /// What a worker computes.
  public var slices: [Int]

  public init(
    role: String, number: Int, incarnation: UInt64, host: String, process: Int32, endpoint: String? = nil,
    database: String? = nil, slices: [Int] = []
  ) {
    self.role = role
    self.number = number
    self.incarnation = incarnation
    self.host = host
    self.process = process
    self.endpoint = endpoint
    self.database = database
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
  /// Numbers of those whose versions of slots one may consist of.
  public func checkpoints(upTo last: CheckpointRecord) -> [Int] {
    checkpoints.filter { $0.stage == last.stage && $0.number <= last.number }.map(\.number)
  }
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
