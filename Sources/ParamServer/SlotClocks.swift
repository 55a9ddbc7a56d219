import Glibc
import Sharding

/// When each slot changed last: the clock after the step that did it; 0 for one that has not changed since it was there.
/// What a checkpoint has to write follows from this and from the clock of the one it stands on.
///
/// Slots that never changed cost no more than the system's promise of zeros: a simulation makes thousands of tables.
struct SlotClocks: ~Copyable {
  private let clocks: UnsafeMutablePointer<UInt64>

  init() {
    guard let memory = calloc(Rank.slots, MemoryLayout<UInt64>.stride) else {
      // No caller could go on without it.
      fatalError("out of memory for a table")
    }
    clocks = memory.bindMemory(to: UInt64.self, capacity: Rank.slots)
  }

  deinit { free(clocks) }

  subscript(slot: Int) -> UInt64 {
    @inline(__always) get { clocks[slot] }
    @inline(__always) nonmutating set { clocks[slot] = newValue }
  }
}
