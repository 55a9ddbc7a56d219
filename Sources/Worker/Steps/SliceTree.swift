import Sharding
import Synchronization

/// Adds up the gradients of a worker's slices along the fixed tree, on whichever thread ends the second child.
package final class SliceTree: Sendable {
  /// What sums belong together: those of one step, as it was dealt in one view.
  package struct Key: Hashable, Sendable {
    package var view: UInt32
    package var step: UInt64

    package init(view: UInt32, step: UInt64) {
      self.view = view
      self.step = step
    }
  }

  private struct Place: Hashable {
    var key: Key
    var node: SliceNode
  }

  private let slices: Int
  private let cover: Set<SliceNode>
  private let pool: GradientPool
  private let waiting = Mutex<[Place: GradientSum]>([:])

  /// - Parameters:
  ///   - owned: the worker's slices among `slices`.
  ///   - pool: where sums go that were added to others.
  package init(slices: Int, owned: [Int], pool: GradientPool) {
    self.slices = slices
    self.pool = pool
    cover = Set(SliceNode.cover(of: owned, among: slices))
  }

  /// Takes the sum of a slice. Returns the sum of a node that is ready to be pushed, if this completed one.
  package func add(_ sum: GradientSum, slice: Int, of key: Key) -> (node: SliceNode, sum: GradientSum)? {
    var node = SliceNode(level: 0, index: slice)
    var sum = sum
    while !cover.contains(node) {
      if !node.sibling.slices(of: slices).isEmpty {
        let own = sum
        let place = Place(key: key, node: node)
        let other = waiting.withLock { waiting -> GradientSum? in
          if let other = waiting.removeValue(forKey: Place(key: key, node: place.node.sibling)) { return other }
          waiting[place] = own
          return nil
        }
        guard let other else { return nil }
        let merged = pool.take()
        merged.merge(node.isLeft ? sum : other, node.isLeft ? other : sum)
        pool.give(sum)
        pool.give(other)
        sum = merged
      }
      node = node.parent
    }
    return (node, sum)
  }
}
