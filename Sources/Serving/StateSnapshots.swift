import Checkpoint
import DeepFM
import Job
import Sharding

extension ScoringModel {
  /// Shows its parameters as a checkpoint has them, slot by slot: without an optimizer's state, and never changed.
  public func forEachSnapshot(_ body: (SlotSnapshot) throws -> Void) rethrows {
    for slot in 0..<Rank.slots {
      var snapshot = SlotSnapshot(
        table: ParameterTables.sparse, slot: slot, width: state.width, stride: state.width + 1)
      state.forEachRow(in: slot) { rank, row in
        snapshot.append(rank, Array(UnsafeBufferPointer(start: row, count: state.width)) + [0])
      }
      if snapshot.count > 0 { try body(snapshot) }
    }
    let size = DenseLayout.blockSize
    let ranks = (0..<state.dense.count / size).map { (rank: Rank.of(UInt64($0)), block: $0) }
    for (slot, ranks) in Dictionary(grouping: ranks, by: { Rank.slot(of: $0.rank) }).sorted(by: { $0.key < $1.key }) {
      var snapshot = SlotSnapshot(table: ParameterTables.dense, slot: slot, width: size, stride: size + 1)
      for (rank, block) in ranks.sorted(by: { $0.rank < $1.rank }) {
        snapshot.append(rank, Array(state.dense[block * size..<(block + 1) * size]) + [0])
      }
      try body(snapshot)
    }
  }
}
