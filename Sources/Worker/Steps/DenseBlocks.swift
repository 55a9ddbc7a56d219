import DeepFM
import Sharding

/// The dense parameters as rows of the dense table: blocks of a vector, in the order of their ranks.
package struct DenseBlocks: Sendable {
  /// Ascending.
  let ranks: [UInt64]
  /// By place among the ranks: where the block begins in the vector.
  let offsets: [Int]
  let shares: [RankShare]
  /// Elements of the vector.
  let count: Int

  /// - Parameter count: a multiple of `DenseLayout.blockSize`.
  package init(count: Int, homes: FirstHomes) {
    self.count = count
    ranks = (0..<UInt64(count / DenseLayout.blockSize)).map(Rank.of).sorted()
    offsets = ranks.map { Int(Rank.key(of: $0)) * DenseLayout.blockSize }
    shares = homes.shares(of: ranks)
  }

  /// Puts pulled blocks into one vector, in the order of the model's layout.
  ///
  /// - Parameter rows: by place.
  func assemble(_ rows: [UnsafePointer<Float>?], into vector: inout [Float]) {
    if vector.count != count { vector = [Float](repeating: 0, count: count) }
    vector.withUnsafeMutableBufferPointer { vector in
      guard let start = vector.baseAddress else { return }
      for (place, offset) in offsets.enumerated() {
        guard let row = rows[place] else { continue }
        (start + offset).update(from: row, count: DenseLayout.blockSize)
      }
    }
  }
}
