import CXXHash
import Sharding

/// What a part says of itself: whose it is, and of what.
public struct PartHeader: Hashable, Sendable {
  /// The run's number, which no other run has.
  public var run: UInt64
  public var checkpoint: Int
  /// Steps before this one are in it.
  public var clock: UInt64
  /// The checkpoint that it stands on; nil where it holds all rows.
  public var base: Int?
  public var server: Int

  public init(run: UInt64, checkpoint: Int, clock: UInt64, base: Int?, server: Int) {
    self.run = run
    self.checkpoint = checkpoint
    self.clock = clock
    self.base = base
    self.server = server
  }

  /// The name of its file in the server's directory.
  public var name: String { Self.name(ofCheckpoint: checkpoint) }

  static func name(ofCheckpoint number: Int) -> String { "checkpoint-\(number).sqlite" }

  /// The checkpoint that a file in a server's directory is part of; nil for other files.
  static func checkpoint(ofName name: String) -> Int? {
    guard let name = name.wholeMatch(of: /checkpoint-([0-9]+)\.sqlite(-journal)?/) else { return nil }
    return Int(name.1)
  }
}

/// A part's sums, slot by slot as it is written: what its manifest says.
public struct PartSum: Sendable {
  public let header: PartHeader
  private var slots: [Slot] = []
  private var rows = 0
  private var bytes = 0

  private struct Slot: Sendable {
    var place: Int
    var checksum: UInt64
  }

  public init(_ header: PartHeader) { self.header = header }

  public mutating func add(_ snapshot: SlotSnapshot) {
    add(place: snapshot.place, rows: snapshot.count, bytes: snapshot.bytes.count, checksum: snapshot.checksum)
  }

  mutating func add(place: Int, rows: Int, bytes: Int, checksum: UInt64) {
    slots.append(Slot(place: place, checksum: checksum))
    self.rows += rows
    self.bytes += bytes
  }

  public func part(at path: String) -> CheckpointPart {
    var hash = SHA256()
    func update(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.littleEndian) { hash.update($0) } }
    update(header.run)
    update(header.checkpoint)
    update(header.clock)
    update(header.base ?? -1)
    update(header.server)
    for slot in slots.sorted(by: { $0.place < $1.place }) {
      update(slot.place)
      update(slot.checksum)
    }
    return CheckpointPart(
      server: header.server, path: path, slots: slots.count, rows: rows, bytes: bytes, digest: hash.finish())
  }
}

extension SlotSnapshot {
  /// Where a slot stands among those of all tables.
  static func place(table: Int, slot: Int) -> Int { table * Rank.slots + slot }

  var place: Int { Self.place(table: table, slot: slot) }

  var checksum: UInt64 { Self.checksum(bytes) }

  /// XXH3 of 64 bits: as fast as memory, and made against accidents.
  static func checksum(_ bytes: [UInt8]) -> UInt64 { bytes.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) } }
}
