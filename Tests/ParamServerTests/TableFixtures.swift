import Checkpoint
import Sharding
import Testing

@testable import ParamServer

/// SplitMix64 (Steele et al. 2014): tests that fail do so again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: Int) { state = UInt64(seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

func describeTable(width: Int = 3, l2: Double = 0.01) -> TableDescription {
  TableDescription(
    name: "sparse",
    regions: [
      .init(
        firstKey: 0,
        columns: [
          .init(name: "weight", width: 1, initializer: .zero),
          .init(name: "vector", width: width - 1, initializer: .normal(deviation: 0.1), l2: l2),
        ])
    ], optimizer: .adam(learningRate: 0.01))
}

extension TableDescription.Eviction {
  /// No rule, and one of each kind, that take some rows of tables which live for tens of steps.
  static func sample(_ number: Int) -> Self? {
    switch number % 4 {
    case 1: Self(.unseen(steps: 3), every: 2)
    case 2: Self(.norm(below: 0.12), every: 3)
    case 3:
      Self(
        .score(.init(below: 0.5, showWeight: 0.1, clickWeight: 1, decay: 0.9, steps: 2, unseen: 6)), every: 1)
    default: nil
    }
  }
}

/// A step's gradients and sightings.
struct Step {
  var ranks: [UInt64] = []
  var values: [Float] = []
  var sightings = Sightings()
  var samples: UInt64 = 3
  var lossSum = 0.0

  /// Some of `pool`, which ascends, in both lists.
  static func random(_ pool: [UInt64], width: Int, using generator: inout SeededGenerator) -> Step {
    var step = Step()
    let share = Double.random(in: 0...1, using: &generator)
    for rank in pool {
      if .random(in: 0...1, using: &generator) < share { step.ranks.append(rank) }
      if .random(in: 0..<10, using: &generator) < 3 {
        step.sightings.append(rank: rank, count: .random(in: 0...2, using: &generator))
      }
    }
    step.values = (0..<step.ranks.count * width).map { _ in .random(in: -1...1, using: &generator) }
    step.samples = .random(in: 0..<10, using: &generator) == 0 ? 0 : .random(in: 1...100, using: &generator)
    step.lossSum = step.samples == 0 ? 0 : .random(in: 0...50, using: &generator)
    return step
  }
}

extension Table {
  mutating func apply(_ step: Step) {
    apply(
      step: clock, gradients: SortedRows(copying: step.ranks, values: step.values, width: gradientWidth),
      sightings: step.sightings, samples: step.samples, lossSum: step.lossSum)
  }

  /// One sample's gradients.
  mutating func apply(_ ranks: [UInt64], _ values: [Float], sightings: Sightings = Sightings()) {
    apply(Step(ranks: ranks, values: values, sightings: sightings, samples: 1))
  }

  func read(_ ranks: [UInt64], absent: Absent = .start) -> [Float] {
    var values = [Float](repeating: .nan, count: ranks.count * width)
    ranks.withUnsafeBufferPointer { ranks in
      values.withUnsafeMutableBufferPointer { gather(ranks, absent: absent, into: $0.baseAddress!) }
    }
    return values
  }

  func read(_ ranks: [UInt64], at clock: UInt64, absent: Absent = .start) throws(UndoError) -> [Float] {
    var values = [Float](repeating: .nan, count: ranks.count * width)
    let error: UndoError? = ranks.withUnsafeBufferPointer { ranks in
      values.withUnsafeMutableBufferPointer { values in
        do throws(UndoError) {
          try gather(ranks, at: clock, absent: absent, into: values.baseAddress!)
          return nil
        } catch { return error }
      }
    }
    if let error { throw error }
    return values
  }

  func isAbsent(_ rank: UInt64) -> Bool { TableDescription.Admission.isAbsent(read([rank])) }

  /// All that a table is, to the bit: each slot's snapshot, when it changed, what is filled, totals and clock.
  var state: TableState {
    var held = rows.filled
    held.formUnion(candidates.filled)
    return TableState(
      slots: held.slots.map { snapshot(slot: $0) },
      changes: slots.map { changes[$0] }, filled: filledSlots, rows: rowCount, candidates: candidateCount,
      evicted: evicted, totals: totals, clock: clock)
  }
}

struct TableState: Equatable {
  var slots: [SlotSnapshot]
  var changes: [UInt64]
  var filled: [Int]
  var rows: Int
  var candidates: Int
  var evicted: Int
  var totals: StepTotals
  var clock: UInt64
}

/// Ranks that share few slots, so that slots hold many.
func crowdedRanks(_ count: Int, slots: Int, using generator: inout SeededGenerator) -> [UInt64] {
  Set(
    (0..<count).map { _ in
      Rank.first(ofSlot: .random(in: 0..<slots, using: &generator) * 100)
        | .random(
          in: 0..<1 << 50, using: &generator)
    }
  ).sorted()
}
