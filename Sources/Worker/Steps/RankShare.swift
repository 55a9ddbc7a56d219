import Sharding

/// By server, the slots that it is the first home of: whom rows are asked of and pushed to.
package struct FirstHomes: Sendable {
  let slots: [[Range<Int>]]

  package init(_ map: SlotMap) { slots = (0..<map.servers).map(map.runs(firstAt:)) }

  /// By server, its part of an ascending list of ranks; parts may be empty.
  package func shares(of ranks: [UInt64]) -> [RankShare] {
    slots.map { RankShare(ranges: $0.map(ranks.positions(ofSlots:)).filter { !$0.isEmpty }) }
  }
}

/// The part of an ascending list that is one server's.
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
