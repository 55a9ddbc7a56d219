import Sharding
import Testing

@testable import ParamServer

@Suite("Summing a step's gradients")
struct GradientTreeTests {
  private let width = 3

  private func bits(_ sum: NodeSum) -> ([UInt64], [UInt32]) {
    var ranks: [UInt64] = []
    var values: [UInt32] = []
    sum.rows.forEach { rank, row in
      ranks.append(rank)
      for column in 0..<sum.rows.width { values.append(row[column].bitPattern) }
    }
    return (ranks, values)
  }

  private func expect(_ total: NodeSum?, equals expected: Push) throws {
    let total = try #require(total)
    let (ranks, values) = bits(total)
    #expect(ranks == expected.ranks && values == expected.values.map(\.bitPattern))
    #expect(total.samples == expected.samples && total.lossSum.bitPattern == expected.lossSum.bitPattern)
    #expect(total.sightings == expected.sightings)
  }

  @Test(
    "The sum's bits depend on neither the order of arrival, the workers, the parts, nor repetitions",
    arguments: [1, 3, 5, 6, 8], 1...8)
  func sameBits(slices: Int, workers: Int) throws {
    var generator = SeededGenerator(slices * 100 + workers)
    let pool = Set((0..<60).map { _ in UInt64.random(in: 0 ... .max, using: &generator) }).sorted()
    var tree = GradientTree(slices: slices, width: width)
    for _ in 0..<10 {
      let pushes = (0..<slices).map { _ in Push.random(pool, width: width, using: &generator) }
      let root = SliceNode.root(of: slices)
      // Slices are dealt at random, twice: some nodes come from two workers, at different heights.
      var parts = (0..<2).flatMap { _ -> [GradientPart] in
        let owners = (0..<slices).map { _ in Int.random(in: 0..<workers, using: &generator) }
        return (0..<workers).flatMap { worker in
          SliceNode.cover(of: (0..<slices).filter { owners[$0] == worker }, among: slices).flatMap { node in
            Push.sum(pushes, at: node).parts(of: node, count: node.level == 0 ? 3 : 2)
          }
        }
      }
      parts += parts.filter { _ in Bool.random(using: &generator) }
      parts.shuffle(using: &generator)
      for part in parts {
        let isOver = tree.total != nil
        let verdict = tree.add(part)
        #expect(verdict == .covered || !isOver && (verdict == .taken || verdict == .duplicate))
      }
      try expect(tree.total, equals: Push.sum(pushes, at: root))
      tree.clear()
      #expect(tree.total == nil)
    }
  }

  @Test("A part that was here is a duplicate, one of a node that is summed is covered, a node above supersedes")
  func verdicts() throws {
    var generator = SeededGenerator(2)
    let pool = (0..<40).map { UInt64($0) << 50 }
    let pushes = (0..<4).map { _ in Push.random(pool, width: width, using: &generator) }
    var tree = GradientTree(slices: 4, width: width)
    func parts(_ level: Int, _ index: Int) -> [GradientPart] {
      let node = SliceNode(level: level, index: index)
      return Push.sum(pushes, at: node).parts(of: node, count: 2)
    }
    let (first, third) = (parts(0, 0), parts(0, 2))
    #expect(tree.add(first[1]) == .taken && tree.add(first[1]) == .duplicate)
    #expect(tree.add(first[0]) == .taken && tree.add(first[0]) == .covered)
    #expect(tree.add(third[0]) == .taken)
    let left = parts(1, 0)
    #expect(tree.add(left[0]) == .taken && tree.total == nil)
    #expect(tree.add(left[1]) == .taken, "supersedes slice 0")
    #expect(tree.add(parts(0, 1)[0]) == .covered)
    let whole = parts(2, 0)
    #expect(tree.add(whole[1]) == .taken && tree.add(whole[0]) == .taken)
    #expect(tree.add(third[1]) == .covered)
    try expect(tree.total, equals: Push.sum(pushes, at: .init(level: 2, index: 0)))
  }

  @Test("What no worker would send is malformed, and the node may still come whole")
  func malformed() throws {
    let node = SliceNode(level: 0, index: 1)
    let good = Push(ranks: [1, 5, 9], values: Array(repeating: 1, count: 9), samples: 2, lossSum: 1)
    var tree = GradientTree(slices: 3, width: width)
    func refuse(_ change: (inout GradientPart) -> Void) {
      var part = good.parts(of: node, count: 2)[0]
      change(&part)
      guard case .malformed(let reason) = tree.add(part) else {
        Issue.record("was taken")
        return
      }
      #expect(!reason.isEmpty)
    }
    refuse { $0.node = .init(level: 0, index: 3) }
    refuse { $0.node = .init(level: 3, index: 0) }
    refuse { $0.node = .init(level: 65_535, index: 65_535) }
    refuse { $0.part = 2 }
    refuse { $0.part = -1 }
    refuse { $0.parts = 0 }
    refuse { $0.parts = .max }
    refuse { $0.samples = .max }
    refuse { $0.samples = 0 }
    refuse { $0.lossSum = .nan }
    refuse { $0.values = .init(rebasing: $0.values.dropLast()) }
    refuse { $0.sightingRanks = $0.ranks }
    #expect(tree.add(good.parts(of: node, count: 2)[0]) == .taken)
    refuse { $0.parts = 3 }
    refuse { ($0.part, $0.samples) = (1, 3) }
    refuse { ($0.part, $0.lossSum) = (1, 2) }

    // Parts that fit each other by all but their ranks.
    let fallen = Push(ranks: [9, 5, 1], values: good.values, samples: 2, lossSum: 1)
    refuse { $0 = fallen.parts(of: node, count: 2)[1] }
    var twice = good
    twice.sightings = Sightings(ranks: [4, 4], counts: [1, 1])
    refuse { $0 = twice.parts(of: node, count: 1)[0] }

    for part in good.parts(of: node, count: 3).reversed() { #expect(tree.add(part) == .taken) }
    for index in [0, 2] {
      #expect(
        tree.add(
          Push(ranks: [], values: [], samples: 0, lossSum: 0).parts(of: .init(level: 0, index: index), count: 1)[0])
          == .taken)
    }
    try expect(tree.total, equals: good)
  }

  @Test("Slices without samples add nothing, not even a zero")
  func absent() throws {
    let negative = Push(ranks: [3], values: [-0.0, -0.0, -0.0], samples: 1, lossSum: -0.0)
    let none = Push(ranks: [], values: [], samples: 0, lossSum: 0)
    for pushes in [[none, negative], [negative, none], [none, none]] {
      var tree = GradientTree(slices: 2, width: width)
      for (index, push) in pushes.enumerated() {
        #expect(tree.add(push.parts(of: .init(level: 0, index: index), count: 1)[0]) == .taken)
      }
      try expect(tree.total, equals: pushes.first { $0.samples > 0 } ?? none)
    }
  }
}

/// What a node's push holds, and its sum by definition.
struct Push {
  var ranks: [UInt64]
  var values: [Float]
  var sightings = Sightings()
  var samples: UInt64
  var lossSum: Double

  static func random(_ pool: [UInt64], width: Int, using generator: inout SeededGenerator) -> Push {
    let step = Step.random(pool, width: width, using: &generator)
    guard step.samples > 0 else { return Push(ranks: [], values: [], samples: 0, lossSum: 0) }
    return Push(
      ranks: step.ranks, values: step.values, sightings: step.sightings, samples: step.samples, lossSum: step.lossSum)
  }

  static func + (left: Push, right: Push) -> Push {
    guard left.samples > 0, right.samples > 0 else { return left.samples > 0 ? left : right }
    var rows: [UInt64: [Float]] = [:]
    var counts: [UInt64: UInt32] = [:]
    for push in [left, right] {
      let width = push.ranks.isEmpty ? 0 : push.values.count / push.ranks.count
      for (i, rank) in push.ranks.enumerated() {
        let row = Array(push.values[i * width..<(i + 1) * width])
        rows[rank] = rows[rank].map { zip($0, row).map { $0 + $1 } } ?? row
      }
      for (rank, count) in zip(push.sightings.ranks, push.sightings.counts) { counts[rank, default: 0] += count }
    }
    let met = counts.keys.sorted()
    return Push(
      ranks: rows.keys.sorted(), values: rows.keys.sorted().flatMap { rows[$0]! },
      sightings: Sightings(ranks: met, counts: met.map { counts[$0]! }), samples: left.samples + right.samples,
      lossSum: left.lossSum + right.lossSum)
  }

  /// The sum below a node, along the tree.
  static func sum(_ slices: [Push], at node: SliceNode) -> Push {
    guard node.level > 0 else { return slices[Int(node.index)] }
    let left = SliceNode(level: Int(node.level) - 1, index: Int(node.index) * 2)
    guard !left.sibling.slices(of: slices.count).isEmpty else { return sum(slices, at: left) }
    return sum(slices, at: left) + sum(slices, at: left.sibling)
  }

  private final class Memory {
    let ranks: UnsafeMutableBufferPointer<UInt64>
    let values: UnsafeMutableBufferPointer<Float>
    let met: UnsafeMutableBufferPointer<UInt64>
    let counts: UnsafeMutableBufferPointer<UInt32>

    init(_ push: Push) {
      func copy<Element>(_ array: [Element]) -> UnsafeMutableBufferPointer<Element> {
        let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: array.count)
        _ = copy.initialize(from: array)
        return copy
      }
      ranks = copy(push.ranks)
      values = copy(push.values)
      met = copy(push.sightings.ranks)
      counts = copy(push.sightings.counts)
    }

    deinit {
      // What is read after its owner is gone is not what it was.
      ranks.update(repeating: 0xDEAD)
      values.update(repeating: .nan)
      ranks.deallocate()
      values.deallocate()
      met.deallocate()
      counts.deallocate()
    }
  }

  /// The push in `count` parts, each in memory of its own.
  func parts(of node: SliceNode, count: Int) -> [GradientPart] {
    let width = ranks.isEmpty ? 1 : values.count / ranks.count
    return (0..<count).map { part in
      let rows = part * ranks.count / count..<(part + 1) * ranks.count / count
      let met = part * sightings.count / count..<(part + 1) * sightings.count / count
      let memory = Memory(
        Push(
          ranks: Array(ranks[rows]), values: Array(values[rows.lowerBound * width..<rows.upperBound * width]),
          sightings: Sightings(ranks: Array(sightings.ranks[met]), counts: Array(sightings.counts[met])),
          samples: samples, lossSum: lossSum))
      return GradientPart(
        node: node, part: part, parts: count, samples: samples, lossSum: lossSum, ranks: .init(memory.ranks),
        values: .init(memory.values), sightingRanks: .init(memory.met), sightingCounts: .init(memory.counts),
        owner: memory)
    }
  }
}
