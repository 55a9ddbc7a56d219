import Sharding
import Wire

/// The part of an ascending key list that one server owns.
struct KeyShare: Equatable {
  var server: Int
  /// Places in the key list, ascending.
  var ranges: [Range<Int>] = []

  var count: Int { ranges.reduce(0) { $0 + $1.count } }

  /// One share a server, in order of the servers' numbers; shares may be empty.
  static func deal(_ keys: [UInt64], over map: SlotMap) -> [KeyShare] {
    var shares = (0..<map.servers).map { KeyShare(server: $0) }
    for run in map.runs {
      let range = place(of: run.first, in: keys)..<place(of: run.first + run.count, in: keys)
      if !range.isEmpty { shares[run.homes[0]].ranges.append(range) }
    }
    return shares
  }

  /// The first key whose slot is `slot` or later.
  private static func place(of slot: Int, in keys: [UInt64]) -> Int {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if Rank.slot(of: Rank.of(keys[middle])) < slot { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Calls `body` with the places from position `first` to `last` of the share, a contiguous run at a time.
  func forEachRun(from first: Int, to last: Int, _ body: (Range<Int>) throws -> Void) rethrows {
    var start = 0
    for range in ranges {
      let lower = max(first, start)
      let upper = min(last, start + range.count)
      if lower < upper { try body(range.lowerBound + lower - start..<range.lowerBound + upper - start) }
      start += range.count
    }
  }
}
