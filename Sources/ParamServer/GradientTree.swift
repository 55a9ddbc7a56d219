import Wire

/// Sums a step's pushes along the fixed binary tree of slices, in whatever order they arrive (DESIGN.md, promise 1).
struct GradientTree {
  private let slices: Int
  private let width: Int
  private let root: SliceNode
  /// Slices that a push, complete or begun, stands for.
  private var covered: [Bool]
  private var begun: [SliceNode: Begun] = [:]
  private var complete: [SliceNode: GradientList] = [:]
  private var buffers: [MergeBuffer] = []

  /// Far above any minibatch, and its sum over all slices is far below what a UInt64 holds.
  static let mostSamples: UInt64 = 1 << 40

  /// A node of which some parts have come.
  private struct Begun {
    var list: GradientList
    var nextPart: UInt32
    var parts: UInt32
    var lastRank: UInt64?
  }

  init(slices: Int, width: Int) {
    self.slices = slices
    self.width = width
    root = SliceNode.root(of: slices)
    covered = [Bool](repeating: false, count: slices)
  }

  /// The sum over all slices, once every one of them has come.
  var total: GradientList? { complete[root] }

  /// Forgets the step. Buffers stay for the next.
  mutating func clear() {
    for list in complete.values { list.recycle(into: &buffers) }
    complete.removeAll(keepingCapacity: true)
    begun.removeAll(keepingCapacity: true)
    for slice in covered.indices { covered[slice] = false }
  }

  /// Takes one push, whose frames have been checked to hold `count` keys and rows, ascending from `ranks.lower`.
  ///
  /// - Returns: why it cannot be taken; nil if it was.
  mutating func add(
    _ header: Header, keys: Frame, values: Frame, count: Int, ranks: (lower: UInt64, upper: UInt64)?
  ) -> String? {
    let node = header.node
    guard node.level <= root.level, node.index < 1 << (root.level - node.level) else {
      return "node \(node.level).\(node.index) is not in the tree of \(slices) slices"
    }
    guard header.samples <= Self.mostSamples else { return "a push cannot stand for \(header.samples) samples" }
    let below = node.slices(of: slices)
    guard !below.isEmpty else { return "node \(node.level).\(node.index) has no slices" }
    var state: Begun
    if header.part == 0 {
      guard !below.contains(where: { covered[$0] }) else {
        return "slices \(below.lowerBound)..<\(below.upperBound) have been pushed already"
      }
      state = Begun(list: GradientList(), nextPart: 0, parts: header.parts, lastRank: nil)
      state.list.samples = header.samples
    } else {
      guard let known = begun[node], known.nextPart == header.part, known.parts == header.parts else {
        return "part \(header.part) of node \(node.level).\(node.index) came out of turn"
      }
      state = known
    }
    if let ranks {
      if let last = state.lastRank, last >= ranks.lower { return "keys of a later part do not ascend" }
      state.lastRank = ranks.upper
    }
    for slice in below { covered[slice] = true }
    state.list.append(keys: keys, values: values, count: count)
    state.nextPart += 1
    guard state.nextPart == state.parts else {
      begun[node] = state
      return nil
    }
    begun[node] = nil
    finish(node, state.list)
    return nil
  }

  private mutating func finish(_ leaf: SliceNode, _ sum: GradientList) {
    var node = leaf
    var list = sum
    while node != root {
      if !node.sibling.slices(of: slices).isEmpty {
        guard let other = complete.removeValue(forKey: node.sibling) else { break }
        let (left, right) = node.isLeft ? (list, other) : (other, list)
        let merged = GradientList(left, right, width: width, buffers: &buffers)
        if left.samples > 0, right.samples > 0 {
          left.recycle(into: &buffers)
          right.recycle(into: &buffers)
        }
        list = merged
      }
      node = node.parent
    }
    complete[node] = list
  }
}
