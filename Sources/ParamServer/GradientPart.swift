import Sharding

/// One message's worth of a node's gradients, as it was received.
///
/// Not sent between threads: the arrays are in memory that `owner` keeps, and the tree keeps the owner.
package struct GradientPart {
  package var node: SliceNode
  /// Large pushes travel as several messages, `0..<parts`.
  package var part: Int
  package var parts: Int
  /// Rows of data behind the node, and the sum of their losses: the same in each part.
  package var samples: UInt64
  package var lossSum: Double
  /// Ascending within a part and from part to part.
  package var ranks: UnsafeBufferPointer<UInt64>
  /// `[ranks.count x width]`
  package var values: UnsafeBufferPointer<Float>
  /// Keys that have no row, ascending like `ranks`, and how often they were met.
  package var sightingRanks: UnsafeBufferPointer<UInt64>
  package var sightingCounts: UnsafeBufferPointer<UInt32>
  /// Keeps the arrays, unchanged, as long as it lives.
  package var owner: AnyObject

  package init(
    node: SliceNode, part: Int = 0, parts: Int = 1, samples: UInt64, lossSum: Double,
    ranks: UnsafeBufferPointer<UInt64>, values: UnsafeBufferPointer<Float>,
    sightingRanks: UnsafeBufferPointer<UInt64> = .init(start: nil, count: 0),
    sightingCounts: UnsafeBufferPointer<UInt32> = .init(start: nil, count: 0), owner: AnyObject
  ) {
    self.node = node
    self.part = part
    self.parts = parts
    self.samples = samples
    self.lossSum = lossSum
    self.ranks = ranks
    self.values = values
    self.sightingRanks = sightingRanks
    self.sightingCounts = sightingCounts
    self.owner = owner
  }
}

/// What became of a part.
package enum GradientVerdict: Hashable, Sendable {
  case taken
  /// The part was here already.
  case duplicate
  /// Its slices are summed already.
  case covered
  /// It fits nothing that a worker would send; the tree is without its node.
  case malformed(String)
}

/// What a node of the tree sums up to. No samples is no sum: it adds nothing, not even a zero.
package struct NodeSum {
  package internal(set) var rows: SortedRows<UInt64>
  package internal(set) var sightings = Sightings()
  package internal(set) var samples: UInt64 = 0
  package internal(set) var lossSum = 0.0
  /// Where the rows are, if they were merged.
  var buffer: RowBuffer<UInt64>?
}
