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
  /// - Returns: by worker, its slices, ascending; nil if nobody can read some slice.
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
