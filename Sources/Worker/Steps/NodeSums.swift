import Job
import Wire

/// Where a worker's threads add up what they compute in one view, and what becomes of complete nodes.
package struct NodeSums: Sendable {
  private let pool: GradientPool
  private let tree: SliceTree
  private let pushes: NodePushes

  package init(_ assignment: WorkerAssignment, shape: GradientSum.Shape) {
    let homes = FirstHomes(assignment.slots)
    pool = GradientPool(shape)
    tree = SliceTree(slices: assignment.slices, owned: assignment.ownedSlices, pool: pool)
    pushes = NodePushes(homes: homes, blocks: DenseBlocks(count: shape.denseCount, homes: homes))
  }

  /// A buffer for a slice's gradients.
  func take() -> GradientSum { pool.take() }

  /// Takes a slice's gradients, and the buffer with them. Returns what is to be pushed, if this completed a node.
  func add(_ sum: GradientSum, slice: Int, of work: StepWork, step: UInt64) -> NodeGradient? {
    guard let (node, total) = tree.add(sum, slice: slice, of: .init(view: work.view, step: step)) else { return nil }
    defer { pool.give(total) }
    return pushes.make(total, node: node, step: step, ranks: work.ranks)
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
