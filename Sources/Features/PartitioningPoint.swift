extension Range<Int> {
  /// The first number for which `isSecond` holds, found by bisection; `upperBound` where there is none.
  ///
  /// - Parameter isSecond: false up to some number, true from there on.
  @inlinable
  @inline(__always)
  public func partitioningPoint(where isSecond: (Int) throws -> Bool) rethrows -> Int {
    var low = lowerBound
    var high = upperBound
    while low < high {
      let middle = low &+ (high &- low) / 2
      if try isSecond(middle) { high = middle } else { low = middle &+ 1 }
    }
    return low
  }
}
