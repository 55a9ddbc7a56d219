import Sharding
import Testing

@testable import ParamServer
@testable import Wire

@Suite("Summing a step's gradients")
struct GradientTreeTests {
  private let width = 3

  @Test(
    "The sum's bits depend on neither the order of arrival, the workers, nor the parts",
    arguments: [1, 3, 5, 6, 8], 1...8)
  func sameBits(slices: Int, workers: Int) {
    var generator = SeededGenerator(slices * 100 + workers)
    let pool = sorted((0..<60).map { _ in UInt64.random(in: 0 ... .max, using: &generator) })
    for _ in 0..<10 {
      let gradients = (0..<slices).map { _ in Gradient.random(keys: pool, width: width, using: &generator) }
      let expected = Gradient.sum(gradients, at: SliceNode.root(of: slices))
      // Slices are dealt at random, so covers hold nodes of all levels.
      let owners = (0..<slices).map { _ in Int.random(in: 0..<workers, using: &generator) }
      var queues = (0..<workers).flatMap { worker in
        SliceNode.cover(of: (0..<slices).filter { owners[$0] == worker }, among: slices).map { node in
          Gradient.sum(gradients, at: node).messages(
            node: node, samples: node.slices(of: slices).count * 10, parts: .random(in: 1...4, using: &generator))[...]
        }
      }
      var tree = GradientTree(slices: slices, width: width)
      while let next = queues.indices.randomElement(using: &generator) {
        #expect(tree.total == nil)
        let message = queues[next].removeFirst()
        if queues[next].isEmpty { queues.remove(at: next) }
        let keys = message.payload[0].elements(as: UInt64.self)
        let ranks = keys.isEmpty ? nil : (Rank.of(keys.first!), Rank.of(keys.last!))
        let refusal = tree.add(
          message.header, keys: message.payload[0], values: message.payload[1], count: keys.count, ranks: ranks)
        #expect(refusal == nil)
      }
      guard let total = tree.total else {
        Issue.record("the sum is not complete")
        return
      }
      #expect(total.samples == UInt64(slices * 10))
      let keys = total.segments.flatMap { Array(UnsafeBufferPointer(start: $0.keys, count: $0.count)) }
      let bits = total.segments.flatMap {
        UnsafeBufferPointer(start: $0.values, count: $0.count * width).map(\.bitPattern)
      }
      #expect(keys == expected.keys)
      #expect(bits == expected.values.map(\.bitPattern))
      withExtendedLifetime(tree) {}
    }
  }

  @Test("A tree that was cleared sums the next step alone")
  func cleared() {
    var tree = GradientTree(slices: 2, width: 1)
    for step in 1...3 {
      for index in 0..<2 {
        let message = push([4], [Float(step)], node: .init(level: 0, index: index))
        let refusal = tree.add(
          message.header, keys: message.payload[0], values: message.payload[1], count: 1, ranks: (4, 4))
        #expect(refusal == nil)
      }
      #expect(tree.total?.segments[0].values[0] == Float(2 * step))
      tree.clear()
      #expect(tree.total == nil)
    }
  }
}
