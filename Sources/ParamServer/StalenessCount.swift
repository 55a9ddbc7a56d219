import Sharding

/// Counts how stale what training read from an async table was when it was applied.
struct StalenessCount {
  /// By worker, the steps that it read last, and what was applied before.
  private var reads: [UInt64: [(step: UInt64, applied: UInt64)]] = [:]
  /// The step that began the epoch which is counted.
  private var epoch: UInt64?
  private(set) var report = StalenessReport()

  /// Steps of one worker that are remembered: more than it has in flight.
  private static let mostReads = 16

  /// A worker reads for a step; a part of it, perhaps, of which the first counts.
  mutating func note(_ step: UInt64, readBy worker: UInt64, after applied: UInt64) {
    var known = reads.removeValue(forKey: worker) ?? []
    if !known.contains(where: { $0.step == step }) { known.append((step, applied)) }
    if known.count > Self.mostReads { known.removeFirst() }
    reads[worker] = known
  }

  /// A slice of what it read for arrives.
  mutating func count(_ step: UInt64, readBy worker: UInt64, at arrival: UInt64, slices: Int) {
    guard let read = reads[worker]?.first(where: { $0.step == step }) else { return }
    report.note((arrival - min(arrival, read.applied)) / UInt64(slices))
  }

  mutating func noteRepetition(samples: UInt64) { report.repeatedRows &+= samples }

  /// Begins to count anew, unless what it counts is of this epoch.
  mutating func begin(epochAt step: UInt64) {
    guard epoch != step else { return }
    epoch = step
    report = StalenessReport()
  }

  /// A view is over: what was read in it is not pushed in the next.
  mutating func forgetReads() { reads = [:] }

  /// Takes over what another table has counted.
  mutating func absorb(_ other: inout StalenessCount) {
    report.add(other.report)
    epoch = epoch ?? other.epoch
    other.report = StalenessReport()
  }
}
