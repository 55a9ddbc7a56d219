import Foundation

/// An epoch as the catalogue keeps it.
public struct EpochRecord: Codable, Hashable, Sendable {
  public var epoch: Int
  public var steps: Int
  public var rows: Int
  public var trainLogloss: Double
  /// On the evaluation rows, where there are any.
  public var auc: Double?
  public var logloss: Double?
  /// Of training alone, without evaluation and checkpoint.
  public var seconds: Double
  /// Seconds that workers waited for data, a worker's on average.
  public var stallSeconds: Double

  public init(
    epoch: Int, steps: Int, rows: Int, trainLogloss: Double, auc: Double? = nil, logloss: Double? = nil,
    seconds: Double, stallSeconds: Double
  ) {
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

/// A checkpoint as the catalogue keeps it.
public struct CheckpointRecord: Codable, Hashable, Sendable {
  public var number: Int
  public var epoch: Int
  /// The step that comes next.
  public var step: UInt64
  /// Slots and bytes that the servers wrote for it.
  public var slots: Int
  public var bytes: Int
  /// Paths of the files that hold its slots.
  public var shards: [String]

  public init(number: Int, epoch: Int, step: UInt64, slots: Int, bytes: Int, shards: [String]) {
    self.number = number
    self.epoch = epoch
    self.step = step
    self.slots = slots
    self.bytes = bytes
    self.shards = shards
  }
}

/// A process that takes part.
public struct MemberRecord: Codable, Hashable, Sendable {
  public var role: String
  public var number: Int
  public var host: String
  public var process: Int32
  /// Where others reach it; nil for one that nobody calls.
  public var endpoint: String?

  public init(role: String, number: Int, host: String, process: Int32, endpoint: String? = nil) {
    self.role = role
    self.number = number
    self.host = host
    self.process = process
    self.endpoint = endpoint
  }
}

/// A partition of the data as the catalogue keeps it.
public struct PartitionRecord: Hashable, Sendable {
  /// `train` or `evaluation`.
  public var purpose: String
  public var slice: Int
  /// SHA-256 of the article, in hexadecimal digits.
  public var digest: String
  /// Which rows of which files, as workers fetch it.
  public var article: Data

  public init(purpose: String, slice: Int, digest: String, article: Data) {
    self.purpose = purpose
    self.slice = slice
    self.digest = digest
    self.article = article
  }
}
