import DeepFM
import Job
import Sharding
import Wire

/// Turns a node's gradient sum into the messages that carry it: for each server and table at least one, so that a
/// server knows the node is complete, and more where there is more than a message should hold.
struct PushMessages {
  let view: UInt32
  let width: Int
  let blocks: DenseBlocks

  func make(_ sum: GradientSum, node: SliceNode, step: UInt64, work: StepWork) -> [(server: Int, message: Message)] {
    var header = Header(.push)
    header.view = view
    header.clock = step
    header.node = node
    header.samples = UInt64(sum.samples)
    var messages: [(Int, Message)] = []
    for (sparseShare, denseShare) in zip(work.sparse.shares, blocks.shares) {
      header.table = UInt16(ParameterTables.sparse)
      messages += sparse(sum, share: sparseShare, keys: work.keys, header: header)
      header.table = UInt16(ParameterTables.dense)
      messages += dense(sum, share: denseShare, header: header)
    }
    return messages
  }

  private func sparse(_ sum: GradientSum, share: KeyShare, keys: [UInt64], header: Header) -> [(Int, Message)] {
    // The node's rows of this server: its uniques within the share's places, ascending in both.
    let rows =
      sum.samples == 0
      ? [] : share.ranges.map { sum.uniques.position(of: $0.lowerBound)..<sum.uniques.position(of: $0.upperBound) }
    let owned = KeyShare(server: share.server, ranges: rows)
    return parts(of: owned, width: width, header: header) { first, last, keyFrame, valueFrame in
      let targetKeys = keyFrame.mutableElements(as: UInt64.self)
      var target = valueFrame.mutableElements(as: Float.self).baseAddress!
      var filled = 0
      owned.forEachRun(from: first, to: last) { run in
        for row in run {
          targetKeys[filled] = Rank.of(keys[Int(sum.uniques[row])])
          filled += 1
        }
        target.update(from: sum.sparse + run.lowerBound * width, count: run.count * width)
        target += run.count * width
      }
    }
  }

  private func dense(_ sum: GradientSum, share: KeyShare, header: Header) -> [(Int, Message)] {
    let owned = sum.samples == 0 ? KeyShare(server: share.server) : share
    return parts(of: owned, width: DenseLayout.blockSize, header: header) { first, last, keyFrame, valueFrame in
      let targetKeys = keyFrame.mutableElements(as: UInt64.self)
      let target = valueFrame.mutableElements(as: Float.self).baseAddress!
      var filled = 0
      owned.forEachRun(from: first, to: last) { run in
        for place in run {
          let key = blocks.keys[place]
          targetKeys[filled] = Rank.of(key)
          (target + filled * DenseLayout.blockSize)
            .update(from: sum.dense + Int(key) * DenseLayout.blockSize, count: DenseLayout.blockSize)
          filled += 1
        }
      }
    }
  }

  private func parts(
    of share: KeyShare, width: Int, header: Header, fill: (Int, Int, Frame, Frame) -> Void
  ) -> [(Int, Message)] {
    let rowsPerPart = Parts.rowsPerPart(width: width)
    let parts = max(1, (share.count + rowsPerPart - 1) / rowsPerPart)
    return (0..<parts).map { part in
      let first = part * rowsPerPart
      let last = min(share.count, first + rowsPerPart)
      var header = header
      header.part = UInt32(part)
      header.parts = UInt32(parts)
      header.count = UInt64(last - first)
      let keys = Frame(count: (last - first) * 8)
      let values = Frame(count: (last - first) * width * 4)
      withExtendedLifetime((keys, values)) {
        if first < last { fill(first, last, keys, values) }
      }
      return (share.server, Message(header, [keys, values]))
    }
  }
}

extension [UInt32] {
  /// The first position whose element is `value` or more; the array is ascending.
  fileprivate func position(of value: Int) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if Int(self[middle]) < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
