extension RandomAccessCollection where Element: Comparable, Index == Int {
  /// The first position whose element is `bound` or above; the collection ascends. `endIndex` where all are below.
  @inlinable public func position(ofFirstAtLeast bound: Element) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if self[middle] < bound { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// The first position whose element is above `bound`; the collection ascends.
  @inlinable public func position(ofFirstAbove bound: Element) -> Int {
    let position = position(ofFirstAtLeast: bound)
    return position < endIndex && self[position] == bound ? position + 1 : position
  }

  /// Whether each element is above the one before it.
  @inlinable public var ascends: Bool {
    var position = startIndex
    while position + 1 < endIndex {
      guard self[position] < self[position + 1] else { return false }
      position += 1
    }
    return true
  }
}

extension RandomAccessCollection<UInt64> where Index == Int {
  /// Where the ranks of some consecutive slots lie in an ascending list of ranks.
  @inlinable public func positions(ofSlots slots: Range<Int>) -> Range<Int> {
    let lower =
      slots.lowerBound < Rank.slots ? position(ofFirstAtLeast: Rank.first(ofSlot: slots.lowerBound)) : endIndex
    let upper =
      slots.upperBound < Rank.slots ? position(ofFirstAtLeast: Rank.first(ofSlot: slots.upperBound)) : endIndex
    return lower..<upper
  }
}
