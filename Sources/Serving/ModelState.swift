import Checkpoint
import DeepFM
import Job
import Sharding

/// All parameters of a trained model in memory, to be read by any number of threads: no optimizer's state, no candidates.
///
/// `@unchecked Sendable`: nothing changes once it is made.
public final class ModelState: @unchecked Sendable {
  /// Parameters of a feature's row.
  let width: Int
  /// The dense vector, as the model's `DenseLayout` has it.
  let dense: [Float]
  /// Of features that have rows, ascending; their rows in the same order, `[ranks.count x width]`.
  let ranks: [UInt64]
  private let values: UnsafeMutablePointer<Float>
  /// By slot, the place of its first rank.
  private let starts: [Int]

  /// Features that have rows.
  public var rows: Int { ranks.count }
  /// Memory that it takes.
  public var bytes: Int { ranks.count * (8 + width * 4) + dense.count * 4 }

  /// Reads a checkpoint, slot by slot.
  ///
  /// - Parameters:
  ///   - run: the number of the run that wrote it.
  ///   - chain: what the checkpoint stands on, the oldest first, and it.
  ///   - progress: called with the bytes of each slot that was read.
  /// - Throws: `CheckpointError` for files that are not what was written, or not this model's; what `progress` throws.
  public init(
    run: UInt64, _ chain: [CheckpointFiles], of model: any Model<Float>,
    progress: (_ bytes: Int) throws -> Void = { _ in }
  ) throws {
    let width = model.sparse.width
    let most = chain.flatMap(\.parts).reduce(0) { $0 + $1.rows }
    var dense = [Float](repeating: 0, count: model.dense.count)
    var ranks: [UInt64] = []
    self.width = width
    values = .allocate(capacity: max(1, most * width))
    let values = values
    try CheckpointReading.read(run: run, chain) { path, snapshot in
      let isSparse = snapshot.table == ParameterTables.sparse
      guard snapshot.width == (isSparse ? width : DenseLayout.blockSize) else {
        throw CheckpointError.damagedSlot(
          path: path, table: snapshot.table, slot: snapshot.slot, reason: "its rows are \(snapshot.width) wide")
      }
      snapshot.forEachRow { rank, row in
        if isSparse {
          (values + ranks.count * width).update(from: row, count: width)
          ranks.append(rank)
        } else {
          let offset = Int(clamping: Rank.key(of: rank)) &* DenseLayout.blockSize
          guard offset >= 0, offset <= dense.count - DenseLayout.blockSize else { return }
          for column in 0..<DenseLayout.blockSize { dense[offset + column] = row[column] }
        }
      }
      try progress(snapshot.bytes.count)
    }
    self.dense = dense
    self.ranks = ranks
    starts = Self.starts(of: ranks)
  }

  /// - Parameters:
  ///   - ranks: of features that have rows, ascending.
  ///   - dense: the dense vector.
  ///   - fill: writes the rows, `[ranks.count x width]`.
  init(width: Int, ranks: [UInt64], dense: [Float], fill: (UnsafeMutablePointer<Float>) -> Void) {
    self.width = width
    self.ranks = ranks
    self.dense = dense
    values = .allocate(capacity: max(1, ranks.count * width))
    fill(values)
    starts = Self.starts(of: ranks)
  }

  private static func starts(of ranks: [UInt64]) -> [Int] {
    var starts = [Int](repeating: 0, count: Rank.slots + 1)
    for rank in ranks { starts[Rank.slot(of: rank) + 1] += 1 }
    for slot in 0..<Rank.slots { starts[slot + 1] += starts[slot] }
    return starts
  }

  deinit { values.deallocate() }

  /// The row of a feature; nil for one that training never saw, or did not admit.
  func row(of rank: UInt64) -> UnsafePointer<Float>? {
    let slot = Rank.slot(of: rank)
    let here = ranks[starts[slot]..<starts[slot + 1]]
    let place = here.position(ofFirstAtLeast: rank)
    guard place < here.endIndex, here[place] == rank else { return nil }
    return UnsafePointer(values + place * width)
  }

  /// The parameters of the row at a place among the ranks.
  func row(at place: Int) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: values + place * width, count: width)
  }

  /// Ranks and rows, as bytes.
  func withFeatures(_ body: (UnsafeRawBufferPointer) -> Void) {
    ranks.withUnsafeBytes(body)
    body(UnsafeRawBufferPointer(start: values, count: ranks.count * width * 4))
  }

  /// Calls `body` with each feature's rank and row in a slot, ascending.
  func forEachRow(in slot: Int, _ body: (_ rank: UInt64, UnsafePointer<Float>) -> Void) {
    for place in starts[slot]..<starts[slot + 1] { body(ranks[place], values + place * width) }
  }

  /// Calls `body` with each feature's key and row, in the order of ranks.
  public func forEachRow(_ body: (_ key: UInt64, UnsafePointer<Float>) throws -> Void) rethrows {
    for (place, rank) in ranks.enumerated() { try body(Rank.key(of: rank), values + place * width) }
  }
}
