import Sharding

/// What a slot was before the latest steps.
extension SlotSnapshot {
  /// What one step changed in the slot, as it was before it.
  public struct Step: Hashable, Sendable {
    public var clock: UInt64
    /// Of rows that were there, ascending, and their parameters, `[ranks.count x width]`.
    public var ranks: [UInt64]
    public var rows: [Float]
    /// Of rows that were not, ascending.
    public var absent: [UInt64]

    public init(clock: UInt64, ranks: [UInt64] = [], rows: [Float] = [], absent: [UInt64] = []) {
      self.clock = clock
      self.ranks = ranks
      self.rows = rows
      self.absent = absent
    }
  }

  private static let stepSize = 16

  /// Appends a step that is later than those before; rows and candidates come before.
  public mutating func append(_ step: Step) {
    func append(_ number: some FixedWidthInteger) {
      withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
    append(step.clock)
    append(UInt32(step.ranks.count))
    append(UInt32(step.absent.count))
    for (place, rank) in step.ranks.enumerated() {
      append(rank)
      step.rows[place * width..<(place + 1) * width].withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    for rank in step.absent { append(rank) }
    steps += 1
    put(steps, at: 48)
  }

  /// The steps, oldest first.
  public var history: [Step] {
    var history: [Step] = []
    var offset = startOfSteps
    for _ in 0..<steps {
      guard let step = step(at: &offset) else { break }
      history.append(step)
    }
    return history
  }

  var startOfSteps: Int { Self.headerSize + count * (8 + stride * 4) + candidates * Self.candidateSize }

  /// Reads a step, and moves on behind it; nil where the bytes end before it does.
  private func step(at offset: inout Int) -> Step? {
    bytes.withUnsafeBytes { bytes in
      func number<Number: FixedWidthInteger>(_ offset: Int, as type: Number.Type = Number.self) -> Number {
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
      }
      guard offset + Self.stepSize <= bytes.count else { return nil }
      let (changed, absent) = (Int(number(offset + 8, as: UInt32.self)), Int(number(offset + 12, as: UInt32.self)))
      var step = Step(clock: number(offset))
      offset += Self.stepSize
      guard changed * (8 + width * 4) + absent * 8 <= bytes.count - offset else { return nil }
      step.rows = [Float](repeating: 0, count: changed * width)
      for place in 0..<changed {
        step.ranks.append(number(offset))
        let row = UnsafeRawBufferPointer(rebasing: bytes[(offset + 8)..<(offset + 8 + width * 4)])
        step.rows.withUnsafeMutableBytes {
          UnsafeMutableRawBufferPointer(rebasing: $0[(place * width * 4)...]).copyMemory(from: row)
        }
        offset += 8 + width * 4
      }
      for _ in 0..<absent {
        step.absent.append(number(offset))
        offset += 8
      }
      return step
    }
  }

  func checkSteps() throws(SnapshotError) {
    var offset = startOfSteps
    var last: UInt64?
    for _ in 0..<steps {
      guard let step = step(at: &offset) else { throw .malformed("its length is not that of its steps") }
      guard step.clock >= earliest, last.map({ $0 < step.clock }) ?? true else {
        throw .malformed("its steps do not ascend from \(earliest)")
      }
      last = step.clock
      for ranks in [step.ranks, step.absent] {
        guard ranks.ascends, ranks.allSatisfy({ Rank.slot(of: $0) == slot }) else {
          throw .malformed("the ranks of its step \(step.clock) do not ascend within the slot")
        }
      }
    }
    guard offset == bytes.count else { throw .malformed("its length is not that of its rows") }
  }
}
