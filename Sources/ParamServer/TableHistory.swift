/// What a table was a few steps ago.
extension Table {
  /// The earliest clock whose state can be read still.
  package var earliestClock: UInt64 { log.steps.first?.clock ?? clock }
  /// The earliest clock that can be gone back to: an async table has gone back to any, since it drops what comes again.
  package var earliestReturn: UInt64 { ledger == nil ? max(earliestClock, log.floor) : 0 }

  private func check(_ wanted: UInt64, from earliest: UInt64) throws(UndoError) {
    guard (earliest...clock).contains(wanted) else {
      throw UndoError(table: name, wanted: wanted, earliest: earliest, clock: clock)
    }
  }

  /// Knows states of before its clock, for reads that are some steps behind: nothing had changed then, unless `restore` says
  /// otherwise. They cannot be gone back to.
  package mutating func assumePast(steps: Int) { log.assumePast(before: clock, steps: steps) }

  /// Restores the state after `clock` steps, to the bit: rows with optimizer state, candidates, totals, what is dirty.
  ///
  /// - Throws: `UndoError` where the log does not reach so far; nothing has changed then.
  package mutating func rollBack(to clock: UInt64) throws(UndoError) {
    guard ledger == nil else { return }
    try check(clock, from: earliestReturn)
    while self.clock > clock { undoLatest() }
  }

  /// Reads what `gather` read after `clock` steps.
  ///
  /// - Parameter ranks: ascending.
  /// - Throws: `UndoError` where the log does not reach so far.
  package func gather(
    _ ranks: UnsafeBufferPointer<UInt64>, at clock: UInt64, absent: Absent = .start,
    into values: UnsafeMutablePointer<Float>
  ) throws(UndoError) {
    try check(clock, from: earliestClock)
    guard clock < self.clock else { return gather(ranks, absent: absent, into: values) }
    var cursor = UndoCursor(log.steps.drop { $0.clock < clock }, stride: stride)
    var target = values
    for rank in ranks {
      let past: UnsafePointer<Float>? =
        switch cursor.past(of: rank) {
        case .row(let row): row
        case .absent: nil
        case .unchanged: rows.row(of: rank).map { UnsafePointer($0) }
        }
      if let past { target.update(from: past, count: width) } else { fill(target, for: rank, absent: absent) }
      target += width
    }
  }

  /// Forgets how to undo what has been applied so far.
  package mutating func forgetHistory() { log.removeAll() }
}

/// A state that is not kept.
public struct UndoError: Error, Hashable, CustomStringConvertible {
  package let table: String
  package let wanted: UInt64
  package let earliest: UInt64
  package let clock: UInt64

  public var description: String {
    "table \"\(table)\" is at step \(clock) and knows its states from step \(earliest) on, not that of step \(wanted)."
  }
}
