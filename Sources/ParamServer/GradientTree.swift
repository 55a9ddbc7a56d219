import Sharding
import Wire

/// Sums a step's pushes along the fixed binary tree of slices, in whatever order they arrive and however often
/// (ARCHITECTURE.md, promise 1). Rows, losses, samples and sightings are all summed left + right.
///
/// Two complete siblings become their parent at once, so no complete node is above another. What is pushed for a node is
/// by construction what its children come to, whoever summed it.
package struct GradientTree {
  private let slices: Int
  private let width: Int
  private let root: SliceNode
  private var begun: [SliceNode: Begun] = [:]
  private var complete: [SliceNode: NodeSum] = [:]
  private var buffers: [RowBuffer<UInt64>] = []
  private var spareSightings: [Sightings] = []
  #if MUTANTS
    /// Of `Mutant.sumInArrivalOrder`.
    private var arrived: Set<Int> = []
    private var arrivedSum: NodeSum?
  #endif

  package static let mostParts = 1 << 12

  /// A node of which some parts have come.
  private struct Begun {
    let parts: Int
    var come: [Int: GradientPart] = [:]
  }

  /// - Parameter width: floats of a row.
  package init(slices: Int, width: Int) {
    self.slices = slices
    self.width = width
    root = SliceNode.root(of: slices)
  }

  /// The sum over all slices, once every one of them has come. It is gone with the next `clear`.
  package var total: NodeSum? { complete[root] }

  /// Slices that no complete node stands for, ascending.
  package var missingSlices: [Int] {
    var isMissing = [Bool](repeating: true, count: slices)
    for node in complete.keys { for slice in node.slices(of: slices) { isMissing[slice] = false } }
    return isMissing.indices.filter { isMissing[$0] }
  }

  /// Forgets the step. Buffers stay for the next.
  package mutating func clear() {
    for sum in complete.values { recycle(sum) }
    complete.removeAll(keepingCapacity: true)
    begun.removeAll(keepingCapacity: true)
    #if MUTANTS
      arrived = []
      arrivedSum = nil
    #endif
  }

  /// Takes a part of a node's push.
  package mutating func add(_ part: GradientPart) -> GradientVerdict {
    if let reason = fault(of: part) { return .malformed(reason) }
    let node = part.node
    if isCovered(node) { return .covered }
    var state = begun.removeValue(forKey: node) ?? Begun(parts: part.parts)
    let reason = disagreement(of: part, with: state)
    let isNew = reason == nil && state.come[part.part] == nil
    if isNew { state.come[part.part] = part }
    guard isNew, state.come.count == state.parts else {
      begun[node] = state
      return reason.map { .malformed($0) } ?? (isNew ? .taken : .duplicate)
    }
    let parts = (0..<state.parts).map { state.come[$0]! }
    let sum = assemble(parts)
    guard sum.rows.ascends, sum.sightings.ranks.ascends else {
      return .malformed("ranks of node \(node.level).\(node.index) do not ascend")
    }
    finish(node, sum)
    return .taken
  }

  private func fault(of part: GradientPart) -> String? {
    let node = part.node
    guard node.level <= root.level, Int(node.index) < 1 << Int(root.level - node.level),
      !node.slices(of: slices).isEmpty
    else { return "node \(node.level).\(node.index) is not in the tree of \(slices) slices" }
    guard (1...Self.mostParts).contains(part.parts), (0..<part.parts).contains(part.part) else {
      return "part \(part.part) of \(part.parts)"
    }
    guard part.samples <= Push.mostSamples else { return "a push cannot stand for \(part.samples) samples" }
    guard part.lossSum.isFinite else { return "the sum of losses is \(part.lossSum)" }
    guard part.values.count == part.ranks.count * width, part.sightingRanks.count == part.sightingCounts.count else {
      return "\(part.values.count) values for \(part.ranks.count) rows of \(width)"
    }
    guard part.samples > 0 || part.ranks.isEmpty && part.sightingRanks.isEmpty && part.lossSum == 0 else {
      return "gradients of no samples"
    }
    return nil
  }

  private func disagreement(of part: GradientPart, with known: Begun) -> String? {
    let other = known.come.values.first
    guard known.parts == part.parts,
      other.map({ $0.samples == part.samples && $0.lossSum == part.lossSum }) ?? true
    else { return "parts of node \(part.node.level).\(part.node.index) do not agree" }
    return nil
  }

  /// Whether a complete node is `node` or above it.
  private func isCovered(_ node: SliceNode) -> Bool {
    var node = node
    while complete[node] == nil {
      if node == root { return false }
      node = node.parent
    }
    return true
  }

  private mutating func assemble(_ parts: [GradientPart]) -> NodeSum {
    var sum = NodeSum(rows: SortedRows(width: width))
    sum.samples = parts[0].samples
    sum.lossSum = parts[0].lossSum
    if parts.contains(where: { !$0.sightingRanks.isEmpty }) { sum.sightings = takeSightings() }
    for part in parts {
      if let ranks = part.ranks.baseAddress, let values = part.values.baseAddress {
        sum.rows.append(.init(keys: ranks, values: values, count: part.ranks.count), ownedBy: part.owner)
      }
      sum.sightings.append(ranks: part.sightingRanks, counts: part.sightingCounts)
    }
    return sum
  }

  /// Adds a complete node, and its parents as far as their other children are complete.
  private mutating func finish(_ leaf: SliceNode, _ sum: NodeSum) {
    dropNodes(below: leaf)
    var (node, sum) = (leaf, sum)
    #if MUTANTS
      if Mutant.sumInArrivalOrder.isActive { return addUp(leaf, sum) }
    #endif
    while node != root {
      if !node.sibling.slices(of: slices).isEmpty {
        guard let other = complete.removeValue(forKey: node.sibling) else { break }
        sum = node.isLeft ? merge(sum, other) : merge(other, sum)
      }
      node = node.parent
      begun[node] = nil
    }
    complete[node] = sum
  }

  #if MUTANTS
    /// What `Mutant.sumInArrivalOrder` does in the place of `finish`: one sum that all nodes are added to, kept at the root
    /// once all have come, and at the first slice until then.
    private mutating func addUp(_ leaf: SliceNode, _ sum: NodeSum) {
      let first = SliceNode(level: 0, index: 0)
      arrived.formUnion(leaf.slices(of: slices))
      let total = arrivedSum.map { merge($0, sum) } ?? sum
      arrivedSum = total
      complete[arrived.count == slices ? root : first] = arrived.count == slices ? total : nil
    }
  #endif

  /// Drops what has come of the nodes that a complete one stands for.
  private mutating func dropNodes(below node: SliceNode) {
    func isBelow(_ other: SliceNode) -> Bool {
      other.level < node.level && other.index >> (node.level - other.level) == node.index
    }
    for other in complete.keys.filter(isBelow) { recycle(complete.removeValue(forKey: other)!) }
    for other in begun.keys.filter(isBelow) { begun[other] = nil }
  }

  private mutating func merge(_ left: NodeSum, _ right: NodeSum) -> NodeSum {
    guard left.samples > 0, right.samples > 0 else { return left.samples > 0 ? left : right }
    let buffer = buffers.popLast() ?? RowBuffer()
    var sum = NodeSum(rows: .merge(left.rows, right.rows, into: buffer))
    sum.buffer = buffer
    sum.samples = left.samples + right.samples
    sum.lossSum = left.lossSum + right.lossSum
    if !left.sightings.isEmpty || !right.sightings.isEmpty {
      sum.sightings = takeSightings()
      sum.sightings.merge(left.sightings, right.sightings)
    }
    recycle(left)
    recycle(right)
    return sum
  }

  private mutating func takeSightings() -> Sightings {
    var sightings = spareSightings.popLast() ?? Sightings()
    sightings.removeAll()
    return sightings
  }

  private mutating func recycle(_ sum: NodeSum) {
    if let buffer = sum.buffer { buffers.append(buffer) }
    if !sum.sightings.isEmpty { spareSightings.append(sum.sightings) }
  }
}
