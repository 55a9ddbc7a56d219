import Sharding

/// Deals the slices of a step to workers.
enum SliceDeal {
  /// What a worker can take.
  struct Candidate {
    var number: Int
    /// The slices whose data it can read; nil: all.
    var readable: Set<Int>?
  }

  /// Consecutive slices where all can read all, so that workers can add up whole subtrees before they push; the first
  /// workers take them, others are spares. With data of their own, each slice goes to the one with the fewest so far of
  /// those that can read it.
  ///
  /// - Parameter late: workers whose slices others are to compute too.
  /// - Returns: by worker, its slices, ascending, and those of the late ones that nobody needs to wait for; nil if nobody can
  ///   read some slice.
  static func deal(slices: Int, to workers: [Candidate], covering late: Set<Int>) -> (
    slices: [Int: [Int]], covered: Set<Int>
  )? {
    guard var dealt = deal(slices: slices, to: workers) else { return nil }
    var covered: Set<Int> = []
    let others = workers.filter { !late.contains($0.number) }
    for worker in workers where late.contains(worker.number) {
      let own = dealt[worker.number]!
      let readers = own.map { slice in others.filter { $0.readable?.contains(slice) ?? true } }
      guard !own.isEmpty, readers.allSatisfy({ !$0.isEmpty }) else { continue }
      covered.insert(worker.number)
      if Mutant.coverByNobody.isActive { continue }
      for (slice, readers) in zip(own, readers) {
        dealt[readers.min { dealt[$0.number]!.count < dealt[$1.number]!.count }!.number]!.append(slice)
      }
    }
    return (dealt.mapValues { $0.sorted() }, covered)
  }

  static func deal(slices: Int, to workers: [Candidate]) -> [Int: [Int]]? {
    guard !workers.isEmpty else { return nil }
    var dealt = Dictionary(uniqueKeysWithValues: workers.map { ($0.number, [Int]()) })
    if workers.allSatisfy({ $0.readable == nil }) {
      let busy = min(slices, workers.count)
      for (place, worker) in workers.prefix(busy).enumerated() {
        dealt[worker.number] = Array(place * slices / busy..<(place + 1) * slices / busy)
      }
      return dealt
    }
    let readers = (0..<slices).map { slice in workers.filter { $0.readable?.contains(slice) ?? true } }
    // Those that few can read go first.
    for slice in (0..<slices).sorted(by: { (readers[$0].count, $0) < (readers[$1].count, $1) }) {
      guard let taker = readers[slice].min(by: { dealt[$0.number]!.count < dealt[$1.number]!.count }) else {
        return nil
      }
      dealt[taker.number]!.append(slice)
    }
    return dealt.mapValues { $0.sorted() }
  }
}
