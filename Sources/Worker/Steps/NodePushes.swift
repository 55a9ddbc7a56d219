import DeepFM
import Job
import Sharding
import Wire

/// What is pushed to the first home of its group.
package typealias NodePush = (server: Int, push: Push)

/// Turns a node's sum into the pushes that carry it: for each group of slots and table that wants it at least one, since
/// nodes, samples and losses are counted there too, and more where there is more than a message should hold.
package struct NodePushes: Sendable {
  private let homes: FirstHomes
  private let blocks: DenseBlocks

  package init(homes: FirstHomes, blocks: DenseBlocks) {
    self.homes = homes
    self.blocks = blocks
  }

  /// - Parameters:
  ///   - ranks: of the step, which the sum's places are positions in.
  ///   - tables: by number, whether it is pushed to.
  package func make(
    _ sum: GradientSum, node: SliceNode, step: UInt64, ranks: [UInt64], to tables: [Bool] = [true, true]
  ) -> [NodePush] {
    var pushes: [NodePush] = []
    let sighted = tables[ParameterTables.sparse] ? homes.shares(of: sum.sightings.ranks) : []
    for group in homes.groups {
      if tables[ParameterTables.sparse] { pushes += sparse(sum, of: group, sighted[group.number], node, step, ranks) }
      if tables[ParameterTables.dense] { pushes += dense(sum, of: group, node, step) }
    }
    return pushes
  }

  private func sparse(
    _ sum: GradientSum, of group: SlotGroup, _ sighted: RankShare, _ node: SliceNode, _ step: UInt64, _ ranks: [UInt64]
  ) -> [NodePush] {
    let (places, sparse, width) = (sum.places, sum.sparse, sum.rowWidth)
    let share = share(of: sum, group, ranks)
    return cut(
      group, table: ParameterTables.sparse, rows: share.count, width: width, sum, sighted, node, step
    ) { part, rankFrame, valueFrame in
      let rankTarget = rankFrame.mutableElements(as: UInt64.self)
      var target = valueFrame.mutableElements(as: Float.self).baseAddress!
      var filled = 0
      share.forEachRun(of: part) { run in
        for row in run {
          rankTarget[filled] = ranks[Int(places[row])]
          filled += 1
        }
        target.update(from: sparse + run.lowerBound * width, count: run.count * width)
        target += run.count * width
      }
    }
  }

  /// The positions in the sum of a group's rows.
  private func share(of sum: GradientSum, _ group: SlotGroup, _ ranks: [UInt64]) -> RankShare {
    RankShare(
      ranges: group.slots.map { slots in
        let places = ranks.positions(ofSlots: slots)
        let first = sum.places.position(ofFirstAtLeast: UInt32(places.lowerBound))
        return first..<sum.places.position(ofFirstAtLeast: UInt32(places.upperBound))
      }.filter { !$0.isEmpty })
  }

  private func dense(_ sum: GradientSum, of group: SlotGroup, _ node: SliceNode, _ step: UInt64) -> [NodePush] {
    let share = blocks.shares[group.number]
    let size = DenseLayout.blockSize
    return cut(
      group, table: ParameterTables.dense, rows: sum.samples > 0 ? share.count : 0, width: size, sum,
      RankShare(ranges: []), node, step
    ) { part, rankFrame, valueFrame in
      let rankTarget = rankFrame.mutableElements(as: UInt64.self)
      let target = valueFrame.mutableElements(as: Float.self).baseAddress!
      var filled = 0
      share.forEachRun(of: part) { run in
        for place in run {
          rankTarget[filled] = blocks.ranks[place]
          (target + filled * size).update(from: sum.dense + blocks.offsets[place], count: size)
          filled += 1
        }
      }
    }
  }

  /// - Parameters:
  ///   - sighted: positions in the sum's sightings; as many travel in a part as rows may.
  ///   - fill: writes the rows of a part, by position in the share.
  private func cut(
    _ group: SlotGroup, table: Int, rows: Int, width: Int, _ sum: GradientSum, _ sighted: RankShare, _ node: SliceNode,
    _ step: UInt64, fill: (Range<Int>, Frame, Frame) -> Void
  ) -> [NodePush] {
    let rowParts = Parts(rows: rows, width: width)
    let sightedParts = Parts(rows: sighted.count, width: width)
    let parts = max(rowParts.count, sightedParts.count)
    return (0..<parts).map { part in
      let range = rowParts[part]
      let ranks = Frame(count: range.count * 8)
      let values = Frame(count: range.count * width * 4)
      withExtendedLifetime((ranks, values)) {
        if !range.isEmpty { fill(range, ranks, values) }
      }
      let push = Push(
        group: group.number, table: table, clock: step, node: node, part: part, parts: parts,
        samples: UInt64(sum.samples), lossSum: sum.lossSum, ranks: ranks, values: values,
        sightedRanks: sighted.frame(of: sightedParts[part], from: sum.sightings.ranks),
        sightings: sighted.frame(of: sightedParts[part], from: sum.sightings.counts))
      return (group.first, push)
    }
  }
}

extension RankShare {
  /// A frame of the share's elements `part` of a list.
  func frame<Element: BitwiseCopyable>(of part: Range<Int>, from list: [Element]) -> Frame {
    let frame = Frame(count: part.count * MemoryLayout<Element>.stride)
    withExtendedLifetime(frame) {
      let target = frame.mutableElements(as: Element.self)
      var filled = 0
      forEachRun(of: part) { run in
        for position in run {
          target[filled] = list[position]
          filled += 1
        }
      }
    }
    return frame
  }
}
