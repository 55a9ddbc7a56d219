import Sharding
import Testing
import Worker

struct SliceTreeTests {
  private static let shape = GradientSum.Shape(width: 2, denseCount: 3)
  private static let key = SliceTree.Key(view: 1, step: 0)

  private static func sum(_ random: inout Draws) -> GradientSum {
    let sum = GradientSum(shape)
    let samples = Int.random(in: 0...2, using: &random)
    let places = samples == 0 ? [] : Set((0..<6).map { _ in UInt32.random(in: 0..<10, using: &random) }).sorted()
    sum.begin(samples: samples, places: places)
    sum.lossSum = samples == 0 ? 0 : Double.random(in: 0...1, using: &random)
    for i in 0..<places.count * shape.width { sum.sparse[i] = Float.random(in: -1...1, using: &random) }
    for i in 0..<shape.denseCount { sum.dense[i] = Float.random(in: -1...1, using: &random) }
    for rank in places { sum.sightings.append(rank: UInt64(rank), count: 1 + rank) }
    return sum
  }

  /// What a sum holds, bit for bit.
  private struct Content: Equatable {
    var rows: [UInt32: [Float]] = [:]
    var dense: [Float] = []
    var sightings: [UInt64: UInt32] = [:]
    var samples = 0
    var loss = 0.0

    init(_ sum: GradientSum) {
      samples = sum.samples
      loss = sum.lossSum
      guard samples > 0 else { return }
      dense = (0..<shape.denseCount).map { sum.dense[$0] }
      for (row, place) in sum.places.enumerated() {
        rows[place] = (0..<shape.width).map { sum.sparse[row * shape.width + $0] }
      }
      sightings = Dictionary(uniqueKeysWithValues: zip(sum.sightings.ranks, sum.sightings.counts))
    }

    static func + (left: Content, right: Content) -> Content {
      var sum = left
      sum.rows.merge(right.rows) { zip($0, $1).map { $0 + $1 } }
      sum.dense =
        left.dense.isEmpty || right.dense.isEmpty
        ? left.dense + right.dense : zip(left.dense, right.dense).map { $0 + $1 }
      sum.sightings.merge(right.sightings) { $0 + $1 }
      sum.samples += right.samples
      sum.loss += right.loss
      return sum
    }
  }

  @Test(
    "Workers' sums have the bits of the fixed tree, however slices are dealt and whoever ends first", arguments: 0..<24)
  func anySplit(seed: Int) {
    var random = Draws(seed)
    let slices = [1, 2, 3, 5, 8, 13][seed % 6]
    let leaves = (0..<slices).map { _ in Self.sum(&random) }
    let contents = leaves.map(Content.init)
    func reference(_ node: SliceNode) -> Content {
      guard node.level > 0 else { return contents[Int(node.index)] }
      let left = SliceNode(level: Int(node.level) - 1, index: Int(node.index) * 2)
      let sum = reference(left)
      return left.sibling.slices(of: slices).isEmpty ? sum : sum + reference(left.sibling)
    }
    let workers = Int.random(in: 1...4, using: &random)
    let owners = (0..<slices).map { _ in Int.random(in: 0..<workers, using: &random) }
    for worker in 0..<workers {
      let owned = owners.indices.filter { owners[$0] == worker }
      let tree = SliceTree(slices: slices, owned: owned, pool: GradientPool(Self.shape))
      var done: [SliceNode: Content] = [:]
      for slice in owned.shuffled(using: &random) {
        if let (node, sum) = tree.add(leaves[slice], slice: slice, of: Self.key) { done[node] = Content(sum) }
      }
      #expect(Set(done.keys) == Set(SliceNode.cover(of: owned, among: slices)))
      for (node, content) in done { #expect(content == reference(node)) }
    }
  }

  @Test("Sums of different steps or views are not added up")
  func keys() {
    var random = Draws(1)
    let tree = SliceTree(slices: 2, owned: [0, 1], pool: GradientPool(Self.shape))
    #expect(tree.add(Self.sum(&random), slice: 0, of: .init(view: 1, step: 0)) == nil)
    #expect(tree.add(Self.sum(&random), slice: 1, of: .init(view: 1, step: 1)) == nil)
    #expect(tree.add(Self.sum(&random), slice: 1, of: .init(view: 2, step: 0)) == nil)
    #expect(tree.add(Self.sum(&random), slice: 1, of: .init(view: 1, step: 0))?.node == .root(of: 2))
  }
}
