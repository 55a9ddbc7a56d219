import Randomness

extension Partition {
  /// Deals the chunks of a data set to slices, in an order shuffled by the seed: each to the slice with the fewest rows
  /// so far (the lowest number among equals) of those that may read it. So where all may read all, slices differ by at
  /// most one chunk's rows.
  ///
  /// - Parameters:
  ///   - slices: at least 1. With more of them than chunks some get none.
  ///   - seed: nil to deal in the order of the data.
  /// - Returns: by slice, its partition. Every chunk is dealt once.
  public static func deal(_ index: DatasetIndex, slices: Int, seed: UInt64?) -> [Partition] {
    var order = Array(index.chunks.indices)
    if let seed {
      var random = CounterRandom(DrawPurpose.partition, seed)
      random.shuffle(&order)
    }
    var rows = [Int](repeating: 0, count: slices)
    // Files that the same slices may read share a queue.
    let all = Array(0..<slices)
    let readers = index.readers ?? index.files.map { _ in all }
    var queues: [SliceQueue] = []
    var queueOfReaders: [[Int]: Int] = [:]
    let queueOfFile = readers.map { readers in
      if let queue = queueOfReaders[readers] { return queue }
      queues.append(SliceQueue(readers))
      queueOfReaders[readers] = queues.count - 1
      return queues.count - 1
    }
    var owners = [Int](repeating: 0, count: index.chunks.count)
    for number in order {
      let chunk = index.chunks[number]
      let slice = queues[queueOfFile[chunk.file]].next(rows)
      owners[number] = slice
      rows[slice] += chunk.rows
    }
    return collect(index, owners, slices: slices)
  }

  private static func collect(_ index: DatasetIndex, _ owners: [Int], slices: Int) -> [Partition] {
    var numbers = [[Int]](repeating: [], count: slices)
    for (number, owner) in owners.enumerated() { numbers[owner].append(number) }
    // The file's position in a partition; -1: not there.
    var places = [Int](repeating: -1, count: index.files.count)
    return numbers.enumerated().map { slice, numbers in
      var files: [Int] = []
      let chunks = numbers.map { number in
        var chunk = index.chunks[number]
        if places[chunk.file] < 0 {
          places[chunk.file] = files.count
          files.append(chunk.file)
        }
        chunk.file = places[chunk.file]
        return chunk
      }
      for file in files { places[file] = -1 }
      return Partition(slice: slice, files: files.map { index.files[$0] }, chunks: chunks, numbers: numbers)
    }
  }
}

/// Slices that may read the same files, as a heap by their rows.
///
/// Slices may be in several of these, so a heap's rows may be out of date: they are then too few, never too many.
/// Bringing the first up to date until it stays the first therefore finds the one with the fewest.
private struct SliceQueue {
  private var heap: [(rows: Int, slice: Int)]

  init(_ slices: [Int]) {
    precondition(!slices.isEmpty, "each file has a slice that reads it")
    // What is sorted is a heap.
    heap = slices.sorted().map { (0, $0) }
  }

  mutating func next(_ rows: [Int]) -> Int {
    while heap[0].rows != rows[heap[0].slice] {
      heap[0].rows = rows[heap[0].slice]
      sink()
    }
    return heap[0].slice
  }

  private mutating func sink() {
    var place = 0
    while true {
      var least = place
      for child in 2 * place + 1..<2 * place + 3 where child < heap.count && heap[child] < heap[least] { least = child }
      guard least != place else { return }
      heap.swapAt(place, least)
      place = least
    }
  }
}
