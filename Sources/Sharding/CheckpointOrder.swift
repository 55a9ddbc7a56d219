/// A checkpoint that is to be taken: the state at a clock, which is named ahead.
public struct CheckpointOrder: Codable, Hashable, Sendable {
  /// The committed checkpoint that another stands on.
  public struct Base: Codable, Hashable, Sendable {
    public var number: Int
    public var clock: UInt64

    public init(number: Int, clock: UInt64) {
      self.number = number
      self.clock = clock
    }
  }

  /// Never used for another, whether it is committed or not.
  public var number: Int
  /// Steps before this one are in it.
  public var clock: UInt64
  /// What it stands on: rows are written that steps from its clock on changed. nil: all are.
  public var base: Base?

  public init(number: Int, clock: UInt64, base: Base?) {
    self.number = number
    self.clock = clock
    self.base = base
  }
}

/// A server's part of a checkpoint, a file, as the catalogue has it in the checkpoint's manifest: of the slots that it was the
/// first home of.
public struct CheckpointPart: Codable, Hashable, Sendable {
  public var server: Int
  public var path: String
  /// Slots that it has something of, their rows, and their bytes.
  public var slots: Int
  public var rows: Int
  public var bytes: Int
  /// SHA-256 of what the file says of itself and of its slots' checksums: see `PartFile`.
  public var digest: Digest

  public init(server: Int, path: String, slots: Int, rows: Int, bytes: Int, digest: Digest) {
    self.server = server
    self.path = path
    self.slots = slots
    self.rows = rows
    self.bytes = bytes
    self.digest = digest
  }
}

/// What a checkpoint was written to: one link of the chain that a state is read from.
public struct CheckpointFiles: Codable, Hashable, Sendable {
  public var number: Int
  public var clock: UInt64
  /// The number of the one that it stands on; nil for one that holds all rows.
  public var base: Int?
  public var parts: [CheckpointPart]

  public init(number: Int, clock: UInt64, base: Int?, parts: [CheckpointPart]) {
    self.number = number
    self.clock = clock
    self.base = base
    self.parts = parts
  }
}
