import ParamServer
import Sharding
import Testing
import Wire

/// A checkpoint of a life, as a coordinator sees it.
struct LifeCheckpoint {
  let number: Int
  let clock: UInt64
  let since: UInt64?
  /// First homes that have not answered.
  var waiting: Set<Int>
  private(set) var isMissed = false
  private(set) var parts: [WrittenPart] = []
  private(set) var settled: [Int: StepTotals] = [:]

  init(number: Int, clock: UInt64, since: UInt64?, waiting: Set<Int>) {
    self.number = number
    self.clock = clock
    self.since = since
    self.waiting = waiting
  }

  var isAnswered: Bool { waiting.isEmpty }
  var totals: StepTotals { parts[0].totals }

  mutating func written(_ part: WrittenPart, by server: Int) {
    waiting.remove(server)
    parts.append(part)
  }

  mutating func missed(by server: Int) {
    waiting.remove(server)
    isMissed = true
  }

  mutating func settled(_ totals: StepTotals, by server: Int) { settled[server] = totals }

  /// What was written, and which of it counts.
  final class Disk {
    private var written: [Int: [SlotBytes]] = [:]
    private(set) var committed: [LifeCheckpoint] = []

    var since: UInt64? { committed.last?.clock }

    func write(_ slots: [SlotBytes], checkpoint: Int) { written[checkpoint, default: []] += slots }

    /// Makes a checkpoint exist, after a look at what is in it: the slots that changed, as they are in the past of the one
    /// that nothing befell. Slots that moved may be there without a change.
    func commit(_ checkpoint: LifeCheckpoint, against past: Past) {
      committed.append(checkpoint)
      let slots = written[checkpoint.number] ?? []
      #expect(checkpoint.parts.reduce(0) { $0 + $1.slots } == slots.count)
      #expect(checkpoint.parts.allSatisfy { $0.totals == past.totals[Int(checkpoint.clock)] })
      for slot in slots { #expect(slot == past.slot(slot, at: checkpoint.clock), "slot \(slot.slot)") }
      // Whatever is not there must be on the disk as it is.
      let newest = newest()
      #expect(newest.count == past.slots[Int(checkpoint.clock)].count)
      for slot in past.slots[Int(checkpoint.clock)] {
        let found = newest.first { $0.table == slot.table && $0.slot == slot.slot }
        #expect(found.map { $0.rows() } == slot.rows(), "slot \(slot.slot) of table \(slot.table)")
      }
    }

    private func newest() -> [SlotBytes] {
      var newest: [[Int]: SlotBytes] = [:]
      for slot in committed.flatMap({ written[$0.number] ?? [] }) { newest[[slot.table, slot.slot]] = slot }
      return newest.values.sorted { ($0.table, $0.slot) < ($1.table, $1.slot) }
    }

    func slots(heldBy server: Int, in map: SlotMap) -> [ServerCore.StoredSlot] {
      let wanted = map.runs(heldBy: server)
      return newest().filter { slot in wanted.contains { $0.contains(slot.slot) } }
        .map { .init(path: "disk", table: $0.table, slot: $0.slot, bytes: $0.bytes) }
    }
  }
}
