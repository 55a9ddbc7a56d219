import Foundation
import Testing

@testable import Features

struct OrderTests {
  private static func dataset(_ rows: Int, _ scratch: Scratch) throws -> DatasetIndex {
    let text = (0..<rows).map { "1 \($0):1\n" }.joined()
    return try scratch.index([scratch.file("data", text)], .libfm, chunkBytes: 200)
  }

  private static func read(_ index: DatasetIndex, slices: Int, seed: UInt64, epoch: Int, sliceRows: Int) throws
    -> [[UInt64]]
  {
    let order = EpochOrder.deal(index, slices: slices, seed: seed, epoch: epoch)
    let threads = ReaderThreads(index, vocabulary: nil, count: Int(seed % 3))
    return try order.enumerated().map { slice, chunks in
      var reader = PartitionReader(
        Lease(slice: slice, chunks: chunks), fields: 1, sliceRows: sliceRows, seed: seed, epoch: epoch,
        threads: threads, windowChunks: 3)
      var keys: [UInt64] = []
      var batch = Batch(fields: 1)
      while try reader.next(into: &batch) {
        #expect(batch.rows <= sliceRows && batch.offsets == (0...Int32(batch.rows)).map { $0 })
        keys += batch.keys
      }
      #expect(try !reader.next(into: &batch) && batch.rows == 0)
      return keys
    }
  }

  @Test("The slices of an epoch read every row once, in an order that seed and epoch give", arguments: 0..<12)
  func partitions(seed: Int) throws {
    var random = SplitMix(seed)
    let scratch = try Scratch()
    let rows = Int.random(in: 1...2000, using: &random)
    let slices = Int.random(in: 1...9, using: &random)
    let sliceRows = Int.random(in: 1...70, using: &random)
    let index = try Self.dataset(rows, scratch)
    let first = try Self.read(index, slices: slices, seed: UInt64(seed), epoch: 1, sliceRows: sliceRows)
    #expect(first.flatMap { $0 }.sorted() == (0..<UInt64(rows)).map { $0 })
    #expect(try first == Self.read(index, slices: slices, seed: UInt64(seed), epoch: 1, sliceRows: sliceRows))
    let largest = index.chunks.map(\.rows).max()!
    #expect(first.map(\.count).max()! - first.map(\.count).min()! <= largest)
    if rows > 100 {
      #expect(try first != Self.read(index, slices: slices, seed: UInt64(seed), epoch: 2, sliceRows: sliceRows))
      #expect(try first != Self.read(index, slices: slices, seed: UInt64(seed) + 99, epoch: 1, sliceRows: sliceRows))
      #expect(first.flatMap { $0 } != (0..<UInt64(rows)).map { $0 }, "rows are shuffled")
    }
  }

  @Test("The queue hands over in order, holds producers back, and ends when closed")
  func queue() async {
    let queue = BoundedQueue<Int>(capacity: 2)
    let producer = Thread {
      for number in 0..<1000 where !queue.push(number) { return }
      queue.close()
    }
    producer.start()
    var received: [Int] = []
    while let number = queue.pop() { received.append(number) }
    #expect(received == Array(0..<1000))
    #expect(queue.tryPop() == nil && !queue.push(1))

    let cancelled = BoundedQueue<Int>(capacity: 4)
    #expect(cancelled.push(1) && cancelled.tryPop() == 1 && cancelled.tryPop() == nil)
    #expect(cancelled.push(2))
    cancelled.cancel()
    #expect(cancelled.pop() == nil)
  }

  @Test("Many threads push and pop each element once")
  func contention() {
    let queue = BoundedQueue<Int>(capacity: 3)
    let sums = BoundedQueue<Int>(capacity: 8)
    let producers = DispatchGroup()
    for producer in 0..<4 {
      producers.enter()
      Thread {
        for number in 0..<2000 { _ = queue.push(producer * 2000 + number) }
        producers.leave()
      }.start()
    }
    for _ in 0..<4 {
      Thread {
        var sum = 0
        while let number = queue.pop() { sum += number }
        _ = sums.push(sum)
      }.start()
    }
    producers.wait()
    queue.close()
    #expect((0..<4).reduce(0) { sum, _ in sum + sums.pop()! } == 7999 * 8000 / 2)
  }
}
