import Sharding

/// What an async table has applied: by slice, how many steps.
///
/// A slice's steps come in their order, so a number says which. Slots that have gone through the same are one run: as a rule
/// there is one, and several only where slots have come from different homes, until the slices that some had missed have
/// come again.
package struct Ledger {
  private struct Run {
    var slots: SlotSet
    var applied: [UInt64]
    /// Of what these slots have applied since the epoch began.
    var totals: StepTotals
  }

  let slices: Int
  private let epochs: EpochClock
  private var runs: [Run] = []

  /// Of no slots.
  init(slices: Int, epochs: EpochClock) {
    self.slices = slices
    self.epochs = epochs
  }

  /// Of all slots, after as many steps of every slice.
  init(slices: Int, epochs: EpochClock, clock: UInt64, totals: StepTotals) {
    self.init(slices: slices, epochs: epochs)
    runs = [Run(slots: .all, applied: Array(repeating: clock, count: slices), totals: totals)]
  }

  /// Whether all slots have gone through the same.
  var isEven: Bool { runs.count == 1 }

  /// By slice, steps that all slots have applied.
  var applied: [UInt64] {
    (0..<slices).map(applied(of:))
  }

  func applied(of slice: Int) -> UInt64 { runs.reduce(.max) { min($0, $1.applied[slice]) } }

  /// Steps that all slots have applied of all slices.
  var clock: UInt64 { runs.reduce(.max) { min($0, $1.applied.min() ?? .max) } }
  /// Steps that some slot has applied of some slice.
  var foremost: UInt64 { runs.reduce(0) { max($0, $1.applied.max() ?? 0) } }
  /// Of the slots that are furthest behind: of no other has all that they count been applied everywhere.
  var totals: StepTotals { runs.min { $0.totals.rows < $1.totals.rows }?.totals ?? StepTotals() }

  /// Slots that a slice's step is new to.
  enum Due {
    /// All slots have it.
    case none
    case all
    case some(SlotSet)
  }

  /// A slice's step is applied wherever its turn has come and it is new.
  mutating func note(_ slice: Int, step: UInt64, samples: UInt64, lossSum: Double) -> Due {
    var due = isEven ? nil : SlotSet()
    var count = 0
    for index in runs.indices where runs[index].applied[slice] == step {
      if epochs.begins(at: step), runs[index].applied.allSatisfy({ $0 <= step }) { runs[index].totals = StepTotals() }
      runs[index].applied[slice] = step + 1
      runs[index].totals.rows += samples
      runs[index].totals.lossSum += lossSum
      due?.formUnion(runs[index].slots)
      count += 1
    }
    guard count < runs.count else { return .all }
    unite()
    return count == 0 ? .none : .some(due ?? .all)
  }

  private mutating func unite() {
    var united: [Run] = []
    for run in runs where !run.slots.isEmpty {
      if let place = united.firstIndex(where: { $0.applied == run.applied }) {
        united[place].slots.formUnion(run.slots)
      } else {
        united.append(run)
      }
    }
    runs = united
  }

  // MARK: Slots

  /// Takes over what another ledger says of slots, which this one says nothing of.
  mutating func take(_ slots: SlotSet, from other: Ledger) {
    for run in other.runs {
      var common = SlotSet()
      run.slots.forEach { if slots.contains($0) { common.insert($0) } }
      if !common.isEmpty { runs.append(Run(slots: common, applied: run.applied, totals: run.totals)) }
    }
    unite()
  }

  /// What has been applied to one slot, by slice, and what that came to.
  func account(of slot: Int) -> (applied: [UInt64], totals: StepTotals) {
    let run = runs.first { $0.slots.contains(slot) }
    return (run?.applied ?? [], run?.totals ?? StepTotals())
  }

  /// Takes a copied slot that has gone through as much. The first stands for all others, until they come too: slots that hold
  /// nothing are not copied.
  mutating func set(_ slot: Int, applied: [UInt64], totals: StepTotals) {
    guard applied.count == slices else { return }
    var slots = SlotSet()
    if runs.isEmpty { slots = .all } else { slots.insert(slot) }
    for place in runs.indices { runs[place].slots.remove(slot) }
    runs.append(Run(slots: slots, applied: applied, totals: totals))
    unite()
  }
}
