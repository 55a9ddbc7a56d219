/// A node of the fixed binary tree along which the gradients of a step's slices are summed.
///
/// Level 0 holds the slices; node `(l, i)` sums `(l-1, 2i)` and `(l-1, 2i+1)`. The tree depends on the number of
/// slices alone, so neither the number of workers nor the order of arrival shows in the sum (ARCHITECTURE.md, promise 1).
public struct SliceNode: Hashable, Sendable {
  public var level: UInt16
  public var index: UInt16

  public init(level: Int, index: Int) {
    self.level = UInt16(level)
    self.index = UInt16(index)
  }

  /// The node that `code` stands for.
  public init(code: UInt32) {
    level = UInt16(code >> 16)
    index = UInt16(truncatingIfNeeded: code)
  }

  /// The node as one number: level · 65,536 + index.
  public var code: UInt32 { UInt32(level) << 16 | UInt32(index) }

  /// The slices below this node, among `slices` of them.
  public func slices(of slices: Int) -> Range<Int> {
    let first = min(Int(index) << Int(level), slices)
    return first..<min(first + 1 << Int(level), slices)
  }

  public var parent: SliceNode { SliceNode(level: Int(level) + 1, index: Int(index) / 2) }
  public var sibling: SliceNode { SliceNode(level: Int(level), index: Int(index) ^ 1) }
  public var isLeft: Bool { index % 2 == 0 }

  /// The node above all of `slices` slices.
  public static func root(of slices: Int) -> SliceNode {
    SliceNode(level: slices <= 1 ? 0 : Int.bitWidth - (slices - 1).leadingZeroBitCount, index: 0)
  }

  /// The fewest nodes that cover `owned` slices and no other: what a worker adds up before it pushes.
  public static func cover(of owned: [Int], among slices: Int) -> [SliceNode] {
    var nodes = Set(owned.map { SliceNode(level: 0, index: $0) })
    let root = SliceNode.root(of: slices)
    for level in 0..<Int(root.level) {
      for node in nodes where Int(node.level) == level && node.isLeft {
        let sibling = node.sibling
        guard nodes.contains(sibling) || sibling.slices(of: slices).isEmpty else { continue }
        nodes.remove(node)
        nodes.remove(sibling)
        nodes.insert(node.parent)
      }
    }
    return nodes.sorted { ($0.slices(of: slices).lowerBound) < ($1.slices(of: slices).lowerBound) }
  }
}
