import Sharding
import Testing

@testable import ParamServer

@Suite("The ledger of an async table")
struct LedgerTests {
  private let epochs = EpochClock(steps: 4)

  private func ledger(clock: UInt64 = 0) -> Ledger {
    Ledger(slices: 3, epochs: epochs, clock: clock, totals: StepTotals())
  }

  private func slots(_ range: Range<Int>) -> SlotSet {
    var slots = SlotSet()
    for slot in range { slots.insert(slot) }
    return slots
  }

  @Test("A slice counts once, and the clock is that of the slice that is furthest behind")
  func once() throws {
    var ledger = ledger()
    for step in 0..<UInt64(3) {
      guard case .all = ledger.note(1, step: step, samples: 5, lossSum: 1) else { throw Missing("not new") }
      guard case .none = ledger.note(1, step: step, samples: 5, lossSum: 1) else { throw Missing("new twice") }
    }
    #expect(ledger.applied == [0, 3, 0] && ledger.clock == 0 && ledger.foremost == 3)
    #expect(ledger.totals == StepTotals(rows: 15, lossSum: 3))
    for slice in [0, 2] { _ = ledger.note(slice, step: 0, samples: 1, lossSum: 0) }
    #expect(ledger.clock == 1)
  }

  @Test("Totals begin anew with the epoch's first slice")
  func epoch() {
    var ledger = ledger(clock: 3)
    for slice in 0..<3 { _ = ledger.note(slice, step: 3, samples: 7, lossSum: 1) }
    #expect(ledger.totals.rows == 21)
    for slice in 0..<2 { _ = ledger.note(slice, step: 4, samples: 2, lossSum: 0.5) }
    #expect(ledger.totals == StepTotals(rows: 4, lossSum: 1))
  }

  @Test("Slots of different homes are apart until the slices that some had missed have come again")
  func runs() throws {
    var (ahead, behind) = (ledger(), ledger())
    for slice in 0..<3 { _ = ahead.note(slice, step: 0, samples: 4, lossSum: 1) }
    _ = behind.note(1, step: 0, samples: 4, lossSum: 1)
    var both = Ledger(slices: 3, epochs: epochs)
    both.take(slots(0..<100), from: ahead)
    both.take(slots(100..<Rank.slots), from: behind)
    #expect(!both.isEven && both.applied == [0, 1, 0] && both.foremost == 1)
    #expect(both.account(of: 99).applied == [1, 1, 1] && both.account(of: 100).applied == [0, 1, 0])
    // Of no more have all rows been applied everywhere.
    #expect(both.totals.rows == 4)
    guard case .none = both.note(1, step: 0, samples: 4, lossSum: 1) else { throw Missing("new twice") }
    for slice in [0, 2] {
      guard case .some(let due) = both.note(slice, step: 0, samples: 4, lossSum: 1) else {
        throw Missing("not new to those that were behind, or new to all")
      }
      #expect(due == slots(100..<Rank.slots))
    }
    #expect(both.isEven && both.clock == 1 && both.totals.rows == 12)
    guard case .all = both.note(0, step: 1, samples: 4, lossSum: 1) else { throw Missing("not new") }
  }

  @Test("A copy's first slot stands for those that hold nothing")
  func copies() {
    var ledger = Ledger(slices: 3, epochs: epochs)
    ledger.set(7, applied: [2, 1, 1], totals: StepTotals(rows: 9, lossSum: 2))
    #expect(ledger.isEven && ledger.account(of: 4000).applied == [2, 1, 1] && ledger.totals.rows == 9)
    _ = ledger.note(1, step: 1, samples: 1, lossSum: 0)
    ledger.set(8, applied: [2, 2, 1], totals: StepTotals(rows: 10, lossSum: 2))
    #expect(ledger.isEven && ledger.clock == 1 && ledger.totals.rows == 10)
    // What is not of as many slices is not taken.
    ledger.set(9, applied: [5], totals: StepTotals())
    #expect(ledger.account(of: 9).applied == [2, 2, 1])
  }
}
