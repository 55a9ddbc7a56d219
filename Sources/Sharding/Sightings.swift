/// How often keys without rows were met: counts by ascending rank, beside a step's gradients.
public struct Sightings: Hashable, Sendable {
  public private(set) var ranks: [UInt64] = []
  public private(set) var counts: [UInt32] = []

  public init() {}

  /// - Parameter ranks: ascending, as many as `counts`.
  public init(ranks: [UInt64], counts: [UInt32]) {
    precondition(ranks.count == counts.count)
    self.ranks = ranks
    self.counts = counts
  }

  public var count: Int { ranks.count }
  public var isEmpty: Bool { ranks.isEmpty }

  /// Appends ranks above all that are there.
  public mutating func append(ranks: UnsafeBufferPointer<UInt64>, counts: UnsafeBufferPointer<UInt32>) {
    self.ranks.append(contentsOf: ranks)
    self.counts.append(contentsOf: counts)
  }

  public mutating func append(rank: UInt64, count: UInt32) {
    ranks.append(rank)
    counts.append(count)
  }

  public mutating func removeAll() {
    ranks.removeAll(keepingCapacity: true)
    counts.removeAll(keepingCapacity: true)
  }

  /// Makes this `left + right`, in memory that it has already. A count does not grow beyond a `UInt32`.
  public mutating func merge(_ left: Sightings, _ right: Sightings) {
    removeAll()
    var (l, r) = (0, 0)
    while l < left.count, r < right.count {
      let (a, b) = (left.ranks[l], right.ranks[r])
      if a == b {
        append(rank: a, count: left.counts[l].addingClamped(right.counts[r]))
      } else {
        append(rank: min(a, b), count: a < b ? left.counts[l] : right.counts[r])
      }
      if a <= b { l += 1 }
      if b <= a { r += 1 }
    }
    ranks += left.ranks[l...]
    ranks += right.ranks[r...]
    counts += left.counts[l...]
    counts += right.counts[r...]
  }
}

extension UInt32 {
  /// The sum, or the largest number where it is above that.
  package func addingClamped(_ other: UInt32) -> UInt32 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
