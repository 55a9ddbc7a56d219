import Checkpoint
import DeepFM
import Job
import Sharding

/// The optimizers' state of a checkpoint. That of features is larger than the model, so each tensor of it is read from the
/// checkpoint's files while it is written.
public struct OptimizerState {
  private let run: UInt64
  private let chain: [CheckpointFiles]
  private let sparse: OptimizerDescription.Rule
  private let dense: OptimizerDescription.Rule

  /// - Parameters:
  ///   - run: the number of the run that wrote it.
  ///   - chain: what the checkpoint stands on, the oldest first, and it.
  ///   - sparse: how features' rows follow their gradients.
  ///   - dense: how layers do.
  public init(
    run: UInt64, _ chain: [CheckpointFiles], sparse: OptimizerDescription.Rule, dense: OptimizerDescription.Rule
  ) {
    self.run = run
    self.chain = chain
    self.sparse = sparse
    self.dense = dense
  }

  /// For metadata: the rules, by table.
  var rules: [String: OptimizerDescription.Rule] { ["sparse": sparse, "dense": dense] }

  /// - Parameter rows: features that have rows.
  /// - Throws: `CheckpointError`.
  func tensors(of model: any Model<Float>, rows: Int) throws -> [ModelTensor] {
    let width = model.sparse.width
    var tensors = sparse.states.enumerated().map { number, state in
      ModelTensor(name: "optimizer.sparse.\(state)", shape: [rows, width]) { put in
        try forEachSlot(ParameterTables.sparse, width, sparse) { snapshot in
          try Self.columns(snapshot, (number + 1) * width, width).withUnsafeBytes(put)
        }
      }
    }
    if sparse.countsUpdates {
      tensors.append(
        ModelTensor(name: "optimizer.sparse.updates", type: "U32", shape: [rows]) { put in
          try forEachSlot(ParameterTables.sparse, width, sparse) { snapshot in
            try Self.columns(snapshot, (sparse.states.count + 1) * width, 1).withUnsafeBytes(put)
          }
        })
    }
    for (state, values) in zip(dense.states, try layers(model)) {
      tensors += model.dense.tensors.map { tensor in
        ModelTensor(name: "optimizer.\(tensor.name).\(state)", shape: tensor.shape) { put in
          try values[tensor.offset..<tensor.offset + tensor.count].withUnsafeBytes(put)
        }
      }
    }
    return tensors
  }

  /// Each state of the layers, as the model's `DenseLayout` has the parameters.
  private func layers(_ model: any Model<Float>) throws -> [[Float]] {
    let block = DenseLayout.blockSize
    var states = dense.states.map { _ in [Float](repeating: 0, count: model.dense.count) }
    try forEachSlot(ParameterTables.dense, block, dense) { snapshot in
      snapshot.forEachRow { rank, row in
        let offset = Int(clamping: Rank.key(of: rank)) &* block
        guard offset >= 0, offset <= model.dense.count - block else { return }
        for number in states.indices {
          for column in 0..<block { states[number][offset + column] = row[(number + 1) * block + column] }
        }
      }
    }
    return states
  }

  /// - Parameter width: parameters of a row.
  private func forEachSlot(
    _ table: Int, _ width: Int, _ rule: OptimizerDescription.Rule, _ body: (SlotSnapshot) throws -> Void
  ) throws {
    try CheckpointReading.read(run: run, chain, wanted: { wanted, _ in wanted == table }) { path, snapshot in
      // The clock of a row's last change comes last.
      guard snapshot.width == width, snapshot.stride == width + rule.stateWidth(of: width) + 1 else {
        throw CheckpointError.damagedSlot(
          path: path, table: table, slot: snapshot.slot,
          reason: "its rows are \(snapshot.stride) floats of another optimizer")
      }
      try body(snapshot)
    }
  }

  /// Columns of a slot's rows, one row after the other.
  private static func columns(_ snapshot: SlotSnapshot, _ first: Int, _ count: Int) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(snapshot.count * count)
    snapshot.forEachRow { _, row in values += UnsafeBufferPointer(start: row + first, count: count) }
    return values
  }
}
