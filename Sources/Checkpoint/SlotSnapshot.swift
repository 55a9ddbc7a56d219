import Sharding

/// A slot's rows as bytes, the unit of a checkpoint: all of them, or those that changed since another one.
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | magic `SLOT` |
/// | 4 | 4 | version, 6 |
/// | 8 | 4 | table |
/// | 12 | 4 | slot |
/// | 16 | 4 | width: parameters of a row |
/// | 20 | 4 | stride: floats of a row with its optimizer state and, as bits, the clock of its last change |
/// | 24 | 8 | count |
/// | 32 | 8 | candidates |
/// | 40 | 8 | earliest: the first clock of which it is known what the slot was |
/// | 48 | 8 | steps |
/// | 56 | count · (8 + 4 · stride) | rows: rank, then floats; ranks ascending |
/// | behind | candidates · 16 | keys that have no row: rank, ascending, sightings (4 bytes), the clock at which they changed last (4 bytes); sightings are 0 of one whose row went then |
/// | behind | for each step | what the latest steps changed in the slot, as it was before, oldest first; one that changed nothing has no part |
///
/// | bytes of a step | field |
/// |---|---|
/// | 8 | clock: the step |
/// | 4 | changed |
/// | 4 | absent |
/// | changed · (8 + 4 · width) | rows that were there: rank, ascending, then parameters |
/// | absent · 8 | ranks of rows that were not, ascending |
///
/// All numbers are little-endian. Steps are there for runs with a lag: who goes on from the checkpoint reads states of
/// before it. Nobody goes back to them, so that they hold no optimizer's state. Versions 1 and 2 held keys in the place of
/// ranks; version 3 ended behind the candidates; rows of version 4 did not know when they changed; version 5 did not
/// know of rows that went.
public struct SlotSnapshot: Hashable, Sendable {
  public static let version: UInt32 = 6
  static let magic: UInt32 = 0x544f_4c53
  static let headerSize = 56
  static let candidateSize = 16

  public let table: Int
  public let slot: Int
  public let width: Int
  public let stride: Int
  /// Rows.
  public internal(set) var count = 0
  public internal(set) var candidates = 0
  /// The first clock of which it is known what the slot was.
  public let earliest: UInt64
  /// Of the latest steps, those that changed the slot.
  public internal(set) var steps = 0
  public internal(set) var bytes: [UInt8]

  /// An empty slot, to be filled by `append`.
  ///
  /// - Parameters:
  ///   - earliest: the first clock of which the steps that are appended tell what the slot was.
  ///   - rows: about how many will follow.
  public init(table: Int, slot: Int, width: Int, stride: Int, earliest: UInt64 = 0, reservingRows rows: Int = 0) {
    self.table = table
    self.slot = slot
    self.width = width
    self.stride = stride
    self.earliest = earliest
    bytes = []
    bytes.reserveCapacity(Self.headerSize + rows * (8 + stride * 4))
    for number in [Self.magic, Self.version, UInt32(table), UInt32(slot), UInt32(width), UInt32(stride)] {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    for number in [0, 0, earliest, 0] { withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) } }
  }

  /// Appends a row of `stride` floats, whose rank is above those before it.
  public mutating func append(_ rank: UInt64, _ row: UnsafePointer<Float>) {
    withUnsafeBytes(of: rank.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: UnsafeRawBufferPointer(start: row, count: stride * 4))
    count += 1
    put(count, at: 24)
  }

  /// Appends rows, whose ranks ascend and are above those before them.
  public mutating func append(_ rows: [(rank: UInt64, row: UnsafeMutablePointer<Float>)]) {
    guard !rows.isEmpty else { return }
    let size = 8 + stride * 4
    let pieces = [UInt8](unsafeUninitializedCapacity: rows.count * size) { buffer, count in
      var target = UnsafeMutableRawPointer(buffer.baseAddress!)
      for (rank, row) in rows {
        target.storeBytes(of: rank.littleEndian, as: UInt64.self)
        (target + 8).copyMemory(from: row, byteCount: size - 8)
        target += size
      }
      count = rows.count * size
    }
    bytes.append(contentsOf: pieces)
    count += rows.count
    put(count, at: 24)
  }

  /// A key that has no row.
  public struct Candidate: Hashable, Sendable {
    /// How often it was met; 0: its row went.
    public var sightings: UInt32
    /// The clock after the step that changed this.
    public var changedAt: UInt32

    public init(sightings: UInt32, changedAt: UInt32) {
      self.sightings = sightings
      self.changedAt = changedAt
    }
  }

  /// Appends a key that has no row; all rows come before, and candidates of lower ranks.
  public mutating func append(_ rank: UInt64, _ candidate: Candidate) {
    withUnsafeBytes(of: rank.littleEndian) { bytes.append(contentsOf: $0) }
    for number in [candidate.sightings, candidate.changedAt] {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    candidates += 1
    put(candidates, at: 32)
  }

  mutating func put(_ number: Int, at offset: Int) {
    bytes.withUnsafeMutableBytes {
      $0.storeBytes(of: UInt64(number).littleEndian, toByteOffset: offset, as: UInt64.self)
    }
  }

  /// Reads what `append` wrote, refusing whatever does not fit the table.
  ///
  /// - Parameter stride: nil takes rows of any optimizer.
  /// - Throws: `SnapshotError`.
  public init(_ bytes: [UInt8], table: Int, slot: Int, width: Int, stride wanted: Int?) throws(SnapshotError) {
    func number(_ offset: Int) -> Int {
      Int(UInt32(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }))
    }
    func length(_ offset: Int) -> UInt64 {
      UInt64(littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self) })
    }
    guard bytes.count >= 8, number(0) == Int(Self.magic) else { throw .malformed("it does not begin like one") }
    guard number(4) == Int(Self.version) else { throw .otherVersion(number(4)) }
    guard bytes.count >= Self.headerSize else { throw .malformed("it ends in its header") }
    let stride = number(20)
    guard number(8) == table, number(12) == slot, number(16) == width, stride == wanted ?? stride,
      width > 0, (width...1 << 24).contains(stride)
    else { throw .otherTable }
    let (count, candidates) = (length(24), length(32))
    guard count <= UInt64(bytes.count), candidates <= UInt64(bytes.count), length(48) <= UInt64(bytes.count),
      bytes.count >= Self.headerSize + Int(count) * (8 + stride * 4) + Int(candidates) * Self.candidateSize
    else { throw .malformed("its length is not that of its rows") }
    self.count = Int(count)
    self.candidates = Int(candidates)
    earliest = length(40)
    steps = Int(length(48))
    self.table = table
    self.slot = slot
    self.width = width
    self.stride = stride
    self.bytes = bytes
    var ranks: [UInt64] = []
    forEachRow { rank, _ in ranks.append(rank) }
    guard ranks.ascends, ranks.allSatisfy({ Rank.slot(of: $0) == slot }) else {
      throw .malformed("its ranks do not ascend within the slot")
    }
    ranks.removeAll()
    forEachCandidate { rank, _ in ranks.append(rank) }
    guard ranks.ascends, ranks.allSatisfy({ Rank.slot(of: $0) == slot }) else {
      throw .malformed("its candidates' ranks do not ascend within the slot")
    }
    try checkSteps()
  }

  /// Reads a slot of whatever table has this number.
  ///
  /// - Throws: `SnapshotError`.
  init(_ bytes: [UInt8], table: Int, slot: Int) throws(SnapshotError) {
    guard bytes.count >= Self.headerSize else { throw .malformed("it ends in its header") }
    let width = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 16, as: UInt32.self) }
    try self.init(bytes, table: table, slot: slot, width: Int(UInt32(littleEndian: width)), stride: nil)
  }

  /// Whether it has nothing to say.
  public var isEmpty: Bool { count == 0 && candidates == 0 && steps == 0 }

  /// Calls `body` with each rank, ascending, and its row of `stride` floats, which is valid during the call.
  public func forEachRow(_ body: (UInt64, UnsafePointer<Float>) -> Void) {
    var row = [Float](repeating: 0, count: stride)
    bytes.withUnsafeBytes { bytes in
      for position in 0..<count {
        let offset = Self.headerSize + position * (8 + stride * 4)
        let rank = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        row.withUnsafeMutableBytes {
          $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[(offset + 8)..<(offset + 8 + stride * 4)]))
        }
        body(rank, row)
      }
    }
  }

  /// Calls `body` with each key that has no row; ranks ascend.
  public func forEachCandidate(_ body: (UInt64, Candidate) -> Void) {
    let start = Self.headerSize + count * (8 + stride * 4)
    bytes.withUnsafeBytes { bytes in
      func number(_ offset: Int) -> UInt32 {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      }
      for position in 0..<candidates {
        let offset = start + position * Self.candidateSize
        body(
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
          Candidate(sightings: number(offset + 8), changedAt: number(offset + 12)))
      }
    }
  }

  /// The clock at which a row of `forEachRow` changed last.
  public func changedAt(_ row: UnsafePointer<Float>) -> UInt64 { UInt64(row[stride - 1].bitPattern) }

  /// Whether all parameters are numbers.
  public var areNumbers: Bool {
    var sum: Float = 0
    // Not a number times zero is none either.
    forEachRow { _, row in for column in 0..<width { sum += row[column] * 0 } }
    return sum == 0
  }
}

/// Why bytes are not a slot of a table.
public enum SnapshotError: Error, Hashable, CustomStringConvertible {
  case malformed(String)
  case otherVersion(Int)
  case otherTable

  public var description: String {
    switch self {
    case .malformed(let reason): "the bytes are no snapshot of a slot: \(reason)"
    case .otherVersion(let version):
      version < Int(SlotSnapshot.version)
        ? "it was written by an older version of this program (format \(version), this is \(SlotSnapshot.version))"
        : "it was written by a newer version of this program (format \(version), this is \(SlotSnapshot.version))"
    case .otherTable: "its bytes are a slot of another table, or of another model or optimizer"
    }
  }
}
