import Sharding

/// A view's groups of slots, with who is the first home of each: whom rows are asked of and pushed to. Several may be at
/// one server, and a server may be the first home of none.
package struct FirstHomes: Sendable {
  let groups: [SlotGroup]

  package init(_ map: SlotMap) { groups = map.groups }

  /// By group, its part of an ascending list of ranks; parts may be empty.
  package func shares(of ranks: [UInt64]) -> [RankShare] {
    groups.map { RankShare(ranges: $0.slots.map(ranks.positions(ofSlots:)).filter { !$0.isEmpty }) }
  }
}

/// The part of an ascending list that lies in one group of slots.
package struct RankShare: Equatable, Sendable {
  /// Positions in the list, ascending.
  package let ranges: [Range<Int>]
  package let count: Int

  init(ranges: [Range<Int>]) {
    self.ranges = ranges
    count = ranges.reduce(0) { $0 + $1.count }
  }

  /// Calls `body` with the positions in the list of the share's elements `part`, a contiguous run at a time.
  package func forEachRun(of part: Range<Int>, _ body: (Range<Int>) throws -> Void) rethrows {
    var start = 0
    for range in ranges {
      let lower = max(part.lowerBound, start)
      let upper = min(part.upperBound, start + range.count)
      if lower < upper { try body(range.lowerBound + lower - start..<range.lowerBound + upper - start) }
      start += range.count
    }
  }
}
