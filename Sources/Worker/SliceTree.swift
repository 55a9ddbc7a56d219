import Sharding
import Synchronization
import Wire

/// Adds up the gradients of a worker's slices along the fixed tree, on whichever thread ends the second child.
final class SliceTree: Sendable {
  private let slices: Int
  private let width: Int
  private let cover: Set<SliceNode>
  private let pool: GradientPool
  private let waiting = Mutex<[SliceNode: GradientSum]>([:])

  /// - Parameters:
  ///   - owned: the worker's slices among `slices`.
  ///   - width: parameters in a sparse row.
  init(slices: Int, owned: [Int], width: Int, pool: GradientPool) {
    self.slices = slices
    self.width = width
    self.pool = pool
    cover = Set(SliceNode.cover(of: owned, among: slices))
  }

  /// Nodes a worker pushes each step.
  var coverCount: Int { cover.count }

  /// Takes a node's sum; returns a node that is ready to be pushed, if this completed one.
  func add(_ sum: GradientSum, at leaf: SliceNode) -> (SliceNode, GradientSum)? {
    var node = leaf
    var sum = sum
    while !cover.contains(node) {
      if !node.sibling.slices(of: slices).isEmpty {
        let place = node
        let own = sum
        let other = waiting.withLock { waiting -> GradientSum? in
          if let other = waiting.removeValue(forKey: place.sibling) { return other }
          waiting[place] = own
          return nil
        }
        guard let other else { return nil }
        let merged = pool.take()
        merged.merge(node.isLeft ? sum : other, node.isLeft ? other : sum, width: width)
        pool.give(sum)
        pool.give(other)
        sum = merged
      }
      node = node.parent
    }
    return (node, sum)
  }
}

/// Gradient buffers between uses.
final class GradientPool: Sendable {
  private let denseCount: Int
  private let free = Mutex<[GradientSum]>([])

  init(denseCount: Int) { self.denseCount = denseCount }

  func take() -> GradientSum { free.withLock { $0.popLast() } ?? GradientSum(denseCount: denseCount) }

  func give(_ sum: GradientSum) { free.withLock { $0.append(sum) } }
}
