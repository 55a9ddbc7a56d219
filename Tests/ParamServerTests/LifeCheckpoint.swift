import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

/// A checkpoint of a life, as a coordinator sees it.
struct LifeCheckpoint {
  let number: Int
  let clock: UInt64
  let base: CheckpointOrder.Base?
  /// First homes that have not answered.
  private(set) var waiting: Set<Int>
  private let firsts: Set<Int>
  private(set) var isMissed = false
  private(set) var isHeld = false
  private(set) var totals: [StepTotals] = []
  private(set) var parts: [CheckpointPart] = []
  private(set) var settled: [Int: StepTotals] = [:]

  init(number: Int, clock: UInt64, base: CheckpointOrder.Base?, firsts: Set<Int>) {
    self.number = number
    self.clock = clock
    self.base = base
    self.firsts = firsts
    waiting = firsts
  }

  var isWritten: Bool { isHeld && waiting.isEmpty }

  /// - Returns: whether all hold it by now.
  mutating func held(_ totals: StepTotals, by server: Int) -> Bool {
    waiting.remove(server)
    self.totals.append(totals)
    guard waiting.isEmpty, !isMissed else { return false }
    isHeld = true
    waiting = firsts
    return true
  }

  mutating func written(_ part: CheckpointPart, by server: Int) {
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
    private var written: [Int: [SlotSnapshot]] = [:]
    private(set) var committed: [LifeCheckpoint] = []

    var base: CheckpointOrder.Base? { committed.last.map { .init(number: $0.number, clock: $0.clock) } }

    func write(_ slots: [SlotSnapshot], checkpoint: Int) { written[checkpoint, default: []] += slots }

    /// Makes a checkpoint exist, after a look at what is in it: with what it stands on, the slots as they are in the past of
    /// the one that nothing befell.
    func commit(_ checkpoint: LifeCheckpoint, against past: Past) throws {
      committed.append(checkpoint)
      let slots = written[checkpoint.number] ?? []
      #expect(checkpoint.parts.reduce(0) { $0 + $1.slots } == slots.count)
      #expect(checkpoint.totals.allSatisfy { $0 == past.totals[Int(checkpoint.clock)] })
      let whole = try whole()
      for slot in slots {
        let found = whole.first { $0.table == slot.table && $0.slot == slot.slot }
        let expected = past.slot(SlotBytes(slot), at: checkpoint.clock)
        #expect(found?.withoutEvicted == expected?.withoutEvicted, "slot \(slot.slot)")
        slot.forEachRow { _, row in
          let changed = UInt64(row[slot.stride - 1].bitPattern)
          #expect(changed > checkpoint.base?.clock ?? 0 && changed <= checkpoint.clock, "a row of slot \(slot.slot)")
        }
      }
      // Whatever is not there must be on the disk as it is.
      let found = whole.compactMap(\.withoutEvicted)
      let expected = past.slots[Int(checkpoint.clock)].compactMap(\.withoutEvicted)
      #expect(found.map { $0.rows() } == expected.map { $0.rows() })
    }

    private func whole() throws -> [SlotBytes] {
      var whole: [[Int]: SlotSnapshot] = [:]
      for slot in committed.flatMap({ written[$0.number] ?? [] }) {
        let place = [slot.table, slot.slot]
        whole[place] = try whole[place].map { try slot.laid(over: $0) } ?? slot
      }
      return whole.values.map(SlotBytes.init).sorted {
        ($0.table, $0.slot) < ($1.table, $1.slot)
      }
    }

    func slots(heldBy server: Int, in map: SlotMap) throws -> [ServerCore.StoredSlot] {
      let wanted = map.runs(heldBy: server)
      return try whole().filter { slot in wanted.contains { $0.contains(slot.slot) } }
        .map { .init(path: "disk", table: $0.table, slot: $0.slot, bytes: $0.bytes) }
    }
  }
}
