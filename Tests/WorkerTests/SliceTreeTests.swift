import Sharding
import Testing
import Wire

@testable import Worker

struct SliceTreeTests {
  private static let width = 2

  private static func sum(_ random: inout SplitMix) -> GradientSum {
    let sum = GradientSum(denseCount: 3)
    sum.samples = Int.random(in: 0...2, using: &random)
    sum.lossSum = Double(sum.samples)
    guard sum.samples > 0 else { return sum }
    sum.uniques = Set((0..<6).map { _ in UInt32.random(in: 0..<10, using: &random) }).sorted()
    for i in 0..<sum.uniques.count * width { sum.sparse[i] = Float.random(in: -1...1, using: &random) }
    for i in 0..<3 { sum.dense[i] = Float.random(in: -1...1, using: &random) }
    return sum
  }

  private static func values(_ sum: GradientSum) -> [UInt32: [Float]] {
    guard sum.samples > 0 else { return [:] }
    var values: [UInt32: [Float]] = [.max: (0..<3).map { sum.dense[$0] }]
    for (row, place) in sum.uniques.enumerated() { values[place] = (0..<width).map { sum.sparse[row * width + $0] } }
    return values
  }

  @Test("A gradient longer than the clip is scaled to it, a shorter one is left alone")
  func clip() {
    let sum = GradientSum(denseCount: 2)
    sum.samples = 2
    sum.uniques = [4]
    (sum.sparse[0], sum.sparse[1], sum.dense[0], sum.dense[1]) = (2, 4, 4, 8)
    sum.clip(norm: 5.1, width: Self.width)
    #expect(sum.sparse[1] == 4, "the mean gradient's norm is 5")
    sum.clip(norm: 2.5, width: Self.width)
    #expect([sum.sparse[0], sum.sparse[1], sum.dense[0], sum.dense[1]] == [1, 2, 2, 4])
  }

  @Test("A worker's sums have the bits of the fixed tree, whoever ends first", arguments: 0..<12)
  func order(seed: Int) {
    var random = SplitMix(seed)
    let slices = [2, 3, 5, 8][seed % 4]
    let leaves = (0..<slices).map { _ in Self.sum(&random) }
    let expected = leaves.map(Self.values)
    func reference(_ node: SliceNode) -> [UInt32: [Float]] {
      guard node.level > 0 else { return Int(node.index) < slices ? expected[Int(node.index)] : [:] }
      let level = Int(node.level) - 1
      return reference(SliceNode(level: level, index: Int(node.index) * 2))
        .merging(reference(SliceNode(level: level, index: Int(node.index) * 2 + 1))) { zip($0, $1).map { $0 + $1 } }
    }
    let first = seed % slices
    let owned = Array(first..<slices)
    let tree = SliceTree(slices: slices, owned: owned, width: Self.width, pool: GradientPool(denseCount: 3))
    var done: [SliceNode: [UInt32: [Float]]] = [:]
    for slice in owned.shuffled(using: &random) {
      if let (node, sum) = tree.add(leaves[slice], at: SliceNode(level: 0, index: slice)) {
        done[node] = Self.values(sum)
      }
    }
    #expect(Set(done.keys) == Set(SliceNode.cover(of: owned, among: slices)))
    for (node, values) in done { #expect(values == reference(node)) }
  }
}
