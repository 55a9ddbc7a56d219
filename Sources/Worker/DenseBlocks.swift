import DeepFM
import Sharding
import Wire

/// The dense parameters as rows of the dense table: which block numbers there are, in the order they travel, and
/// between which servers they are dealt.
struct DenseBlocks: Sendable {
  /// By ascending rank.
  let keys: [UInt64]
  let shares: [KeyShare]
  let count: Int

  init(count: Int, slots: SlotMap) {
    self.count = count
    keys = (0..<UInt64(count / DenseLayout.blockSize)).sorted { Rank.of($0) < Rank.of($1) }
    shares = KeyShare.deal(keys, over: slots)
  }

  /// Puts pulled blocks into one vector, in the order of the model's layout.
  func assemble(_ rows: [UnsafePointer<Float>?], into vector: inout [Float]) {
    if vector.count != count { vector = [Float](repeating: 0, count: count) }
    vector.withUnsafeMutableBufferPointer { vector in
      for (place, key) in keys.enumerated() {
        guard let row = rows[place] else { continue }
        (vector.baseAddress! + Int(key) * DenseLayout.blockSize).update(from: row, count: DenseLayout.blockSize)
      }
    }
  }
}
