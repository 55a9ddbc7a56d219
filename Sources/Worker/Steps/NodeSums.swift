import Job
import Sharding
import Wire

/// What a worker pushes once a slice of a step is computed.
package struct SliceGradient: Sendable {
  /// Of the slice.
  package var lossSum: Double
  /// Of the slice, to async tables; of the node that it completed, if it completed one, to the others.
  package var pushes: [NodePush]

  package init(lossSum: Double, pushes: [NodePush]) {
    self.lossSum = lossSum
    self.pushes = pushes
  }
}

/// Where a worker's threads add up what they compute in one view, and what becomes of complete nodes.
package struct NodeSums: Sendable {
  private let pool: GradientPool
  private let tree: SliceTree
  private let pushes: NodePushes
  /// By table, whether it takes nodes of the tree; async ones take slices.
  private let takesNodes: [Bool]

  package init(_ assignment: WorkerAssignment, shape: GradientSum.Shape) {
    let homes = FirstHomes(assignment.slots)
    pool = GradientPool(shape)
    tree = SliceTree(slices: assignment.slices, owned: assignment.ownedSlices, pool: pool)
    pushes = NodePushes(homes: homes, blocks: DenseBlocks(count: shape.denseCount, homes: homes))
    takesNodes = assignment.staleness.map { $0 != nil }
  }

  /// A buffer for a slice's gradients.
  func take() -> GradientSum { pool.take() }

  /// Takes a slice's gradients, and the buffer with them.
  func add(_ sum: GradientSum, slice: Int, of work: StepWork, step: UInt64) -> SliceGradient {
    var gradient = SliceGradient(lossSum: sum.lossSum, pushes: [])
    if takesNodes.contains(false) {
      let leaf = SliceNode(level: 0, index: slice)
      gradient.pushes = pushes.make(sum, node: leaf, step: step, ranks: work.ranks, to: takesNodes.map { !$0 })
    }
    guard takesNodes.contains(true) else {
      pool.give(sum)
      return gradient
    }
    guard let (node, total) = tree.add(sum, slice: slice, of: .init(view: work.view, step: step)) else {
      return gradient
    }
    defer { pool.give(total) }
    gradient.pushes += pushes.make(total, node: node, step: step, ranks: work.ranks, to: takesNodes)
    return gradient
  }
}

extension SliceComputation {
  /// Computes one part of a piece of work, whatever it is for.
  ///
  /// - Returns: what the core is to be told.
  package mutating func perform(part: Int, of work: StepWork, into sums: NodeSums) -> WorkerCore.Event {
    let slice = work.parts[part].slice
    switch work.purpose {
    case .training(let step):
      let sum = sums.take()
      train(part: part, of: work, step: step, into: sum)
      return .computed(work, slice: slice, sums.add(sum, slice: slice, of: work, step: step))
    case .scoring(let round, let chunk, let firstRow):
      return .scored(
        work,
        Scores(
          round: round, chunk: chunk, firstRow: firstRow, labels: work.parts[part].batch.labels,
          logits: score(part: part, of: work)))
    }
  }
}
