import Glibc
import Sharding

/// A store for every slot, and which of them hold something. An empty one costs no more than the system's promise of
/// zeros: a simulation makes thousands.
struct SlotStores: ~Copyable {
  /// Floats of a row.
  let stride: Int
  private let stores: UnsafeMutablePointer<SlotStore>
  /// Slots that hold rows.
  private(set) var filled = SlotSet()
  /// Slots that have memory, though they may be empty now.
  private var allocated = SlotSet()
  /// Rows in all slots.
  private(set) var count = 0
  /// Bytes allocated for them.
  private(set) var bytes = Rank.slots * MemoryLayout<SlotStore>.stride

  init(stride: Int) {
    self.stride = stride
    guard let memory = calloc(Rank.slots, MemoryLayout<SlotStore>.stride) else {
      // No caller could go on without it.
      fatalError("out of memory for a table")
    }
    stores = memory.bindMemory(to: SlotStore.self, capacity: Rank.slots)
  }

  deinit {
    let stores = stores
    allocated.forEach { stores[$0].deallocate() }
    free(stores)
  }

  subscript(slot: Int) -> SlotStore {
    @inline(__always) get { stores[slot] }
  }

  /// The row of a rank, nil if it has none.
  @inline(__always)
  func row(of rank: UInt64) -> UnsafeMutablePointer<Float>? {
    let store = stores + Rank.slot(of: rank)
    let position = store.pointee.find(rank)
    return position < 0 ? nil : store.pointee.row(at: position, stride: stride)
  }

  /// Adds a row for a rank that has none. It is not initialised.
  mutating func insert(_ rank: UInt64) -> UnsafeMutablePointer<Float> {
    let slot = Rank.slot(of: rank)
    let isFull = stores[slot].count == stores[slot].capacity
    if isFull { bytes -= stores[slot].bytes(stride: stride) }
    let position = stores[slot].insert(rank, stride: stride)
    if isFull { bytes += stores[slot].bytes(stride: stride) }
    filled.insert(slot)
    allocated.insert(slot)
    count += 1
    return stores[slot].row(at: position, stride: stride)
  }

  /// Takes out a row that is there.
  mutating func remove(_ rank: UInt64) {
    let slot = Rank.slot(of: rank)
    stores[slot].remove(rank, stride: stride)
    if stores[slot].count == 0 { filled.remove(slot) }
    count -= 1
  }

  /// Takes a slot with all its rows from another table's stores, where it is empty then. Nothing is copied.
  mutating func take(_ slot: Int, from other: inout SlotStores) {
    guard other.allocated.contains(slot) else { return }
    clear(slot)
    stores[slot] = other.stores[slot]
    other.stores[slot] = SlotStore()
    let size = stores[slot].bytes(stride: stride)
    (bytes, other.bytes) = (bytes + size, other.bytes - size)
    (count, other.count) = (count + stores[slot].count, other.count - stores[slot].count)
    other.allocated.remove(slot)
    other.filled.remove(slot)
    allocated.insert(slot)
    if stores[slot].count > 0 { filled.insert(slot) }
  }

  /// Forgets a slot's rows.
  mutating func clear(_ slot: Int) {
    guard allocated.contains(slot) else { return }
    count -= stores[slot].count
    bytes -= stores[slot].bytes(stride: stride)
    stores[slot].deallocate()
    allocated.remove(slot)
    filled.remove(slot)
  }

  /// Calls `body` with each rank of a slot, ascending, and its row.
  func forEach(in slot: Int, _ body: (UInt64, UnsafeMutablePointer<Float>) -> Void) {
    let store = stores[slot]
    for position in store.ascendingPositions() {
      body(store.rank(at: position), store.row(at: position, stride: stride))
    }
  }
}
