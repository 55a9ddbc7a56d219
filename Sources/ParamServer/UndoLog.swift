import Checkpoint
import Sharding
import Wire

/// What the latest steps changed in a table, as it was before them. Its memory is used again from step to step.
struct UndoLog {
  /// Steps that can be undone at most; the oldest is dropped when a newer one begins.
  let depth: Int
  /// The oldest first.
  private(set) var steps: [UndoStep] = []
  /// Steps before this one can be read through, but not undone: a checkpoint holds no more of them.
  private(set) var floor: UInt64 = 0
  private var spare: [UndoStep] = []

  init(depth: Int) { self.depth = depth }

  var bytes: Int { (steps + spare).reduce(0) { $0 + $1.bytes } }

  /// Begins a step; nil where none is kept.
  mutating func begin(
    clock: UInt64, totals: StepTotals, evicted: Int = 0, rows: Int, stride: Int
  ) -> UndoStep? {
    guard depth > 0 else { return nil }
    var step = steps.count == depth ? steps.removeFirst() : spare.popLast() ?? UndoStep()
    // A checkpoint may hold it yet.
    if !isKnownUniquelyReferenced(&step) { step = UndoStep() }
    step.begin(clock: clock, totals: totals, evicted: evicted, rows: rows, stride: stride)
    steps.append(step)
    return step
  }

  /// Takes over what other tables' logs knew, step by step: the latest are of the same clocks.
  mutating func replace(_ steps: [UndoStep], floor: UInt64) {
    removeAll()
    self.steps = Array(steps.suffix(depth))
    self.floor = floor
  }

  // MARK: Restoring

  /// Begins with steps that changed nothing.
  mutating func assumePast(before clock: UInt64, steps count: Int) {
    removeAll()
    floor = clock
    for step in clock - min(clock, UInt64(min(count, depth)))..<clock {
      _ = begin(clock: step, totals: StepTotals(), rows: 0, stride: 0)
    }
  }

  /// Takes a slot's part of those steps from a checkpoint. What it does not know of is not known of the table.
  ///
  /// - Throws: `SnapshotError` where slots do not ascend; nothing has changed then.
  mutating func restore(_ snapshot: SlotSnapshot, stride: Int) throws(SnapshotError) {
    let history = snapshot.history.filter { part in steps.contains { $0.clock == part.clock } }
    for part in history {
      let step = steps.first { $0.clock == part.clock }!
      guard step.isBelow(slot: snapshot.slot) else { throw .malformed("slots before it have come already") }
    }
    for part in history { steps.first { $0.clock == part.clock }!.add(part, width: snapshot.width, stride: stride) }
    while let first = steps.first, first.clock < snapshot.earliest { spare.append(steps.removeFirst()) }
  }

  mutating func removeLast() -> UndoStep {
    let step = steps.removeLast()
    spare.append(step)
    return step
  }

  mutating func removeAll() {
    spare += steps
    steps.removeAll(keepingCapacity: true)
  }
}

/// What one step changed, as it was before it. All lists ascend.
final class UndoStep {
  private(set) var clock: UInt64 = 0
  private(set) var totals = StepTotals()
  private(set) var evictedBefore = 0
  /// Slots that it changed, and when they had been changed before.
  var changed: [(slot: Int, before: UInt64)] = []
  /// Ranks that had rows, and the rows with their optimizer state, `[(saved + evicted) x stride]`: first those that stayed,
  /// then those that went. Ranks ascend in either.
  private(set) var ranks: UnsafeMutablePointer<UInt64>
  private(set) var rows: UnsafeMutablePointer<Float>
  private(set) var saved = 0
  private(set) var evicted = 0
  private var rankCapacity = 1
  private var rowCapacity = 1
  /// Ranks that got their rows with their first gradients, and those that were met often enough.
  var inserted: [UInt64] = []
  var admitted: [UInt64] = []
  /// Candidates' sightings, 0 for one that was not known, and when these had changed before.
  var candidates: [UInt64] = []
  var sightings: [UInt32] = []
  var sightedAt: [UInt64] = []

  init() {
    ranks = .allocate(capacity: rankCapacity)
    rows = .allocate(capacity: rowCapacity)
  }

  deinit {
    ranks.deallocate()
    rows.deallocate()
  }

  var bytes: Int {
    rankCapacity * 8 + rowCapacity * 4 + (inserted.capacity + admitted.capacity) * 8 + candidates.capacity * 20
  }

  /// Forgets what was here; makes room for `rows` rows.
  func begin(clock: UInt64, totals: StepTotals, evicted: Int, rows count: Int, stride: Int) {
    (self.clock, self.totals, evictedBefore) = (clock, totals, evicted)
    changed.removeAll(keepingCapacity: true)
    (saved, self.evicted) = (0, 0)
    inserted.removeAll(keepingCapacity: true)
    admitted.removeAll(keepingCapacity: true)
    candidates.removeAll(keepingCapacity: true)
    sightings.removeAll(keepingCapacity: true)
    sightedAt.removeAll(keepingCapacity: true)
    if count > rankCapacity {
      ranks.deallocate()
      rankCapacity = count + count / 4
      ranks = .allocate(capacity: rankCapacity)
    }
    if count * stride > rowCapacity {
      rows.deallocate()
      rowCapacity = count * stride + count * stride / 4
      rows = .allocate(capacity: rowCapacity)
    }
  }

  /// Slots of rows that it changed; some more than once.
  var slots: [Int] { UnsafeBufferPointer(start: ranks, count: saved + evicted).map { Rank.slot(of: $0) } }

  /// What it changed in a slot; nil for one that it did not.
  func part(of slot: Int, width: Int, stride: Int) -> SlotSnapshot.Step? {
    let ranks = UnsafeBufferPointer(start: ranks, count: saved + evicted)
    var places = Array(ranks[..<saved].positions(ofSlots: slot..<slot + 1))
    if evicted > 0 {
      places += ranks[saved...].positions(ofSlots: slot..<slot + 1)
      places.sort { ranks[$0] < ranks[$1] }
    }
    let absent = [inserted, admitted].flatMap { $0[$0.positions(ofSlots: slot..<slot + 1)] }.sorted()
    guard !places.isEmpty || !absent.isEmpty else { return nil }
    return SlotSnapshot.Step(
      clock: clock, ranks: places.map { ranks[$0] },
      rows: places.flatMap { UnsafeBufferPointer(start: rows + $0 * stride, count: width) }, absent: absent)
  }

  /// Whether all that is here is of slots below.
  fileprivate func isBelow(slot: Int) -> Bool {
    (saved == 0 || Rank.slot(of: ranks[saved - 1]) < slot) && (inserted.last.map { Rank.slot(of: $0) < slot } ?? true)
  }

  /// Adds what it changed in one more slot, whose optimizer's state nobody knows: what went is what stayed, to a reader.
  fileprivate func add(_ part: SlotSnapshot.Step, width: Int, stride: Int) {
    reserve(rows: saved + part.ranks.count, stride: stride)
    for (place, rank) in part.ranks.enumerated() {
      ranks[saved] = rank
      let row = rows + saved * stride
      for column in 0..<width { row[column] = part.rows[place * width + column] }
      (row + width).update(repeating: 0, count: stride - width)
      saved += 1
    }
    inserted += part.absent
  }

  /// Makes room, and keeps what is here.
  private func reserve(rows count: Int, stride: Int) {
    if count > rankCapacity {
      let old = ranks
      rankCapacity = count + count / 2
      ranks = .allocate(capacity: rankCapacity)
      ranks.update(from: old, count: saved + evicted)
      old.deallocate()
    }
    if count * stride > rowCapacity {
      let old = rows
      rowCapacity = count * stride + count * stride / 2
      rows = .allocate(capacity: rowCapacity)
      rows.update(from: old, count: (saved + evicted) * stride)
      old.deallocate()
    }
  }

  @inline(__always)
  func save(_ rank: UInt64, _ row: UnsafeMutablePointer<Float>, stride: Int) {
    ranks[saved] = rank
    (rows + saved &* stride).update(from: row, count: stride)
    saved &+= 1
  }

  /// Keeps a row that goes. What stays has been saved.
  func saveEvicted(_ rank: UInt64, _ row: UnsafePointer<Float>, stride: Int) {
    reserve(rows: saved + evicted + 1, stride: stride)
    ranks[saved + evicted] = rank
    (rows + (saved + evicted) * stride).update(from: row, count: stride)
    evicted += 1
  }
}

/// Walks the steps since a clock along ascending ranks: what was there before them?
struct UndoCursor {
  enum Past {
    case row(UnsafePointer<Float>)
    /// The row came later.
    case absent
    /// No step has changed it.
    case unchanged
  }

  private struct Place {
    let step: UndoStep
    var row = 0
    var evicted = 0
    var inserted = 0
    var admitted = 0
  }

  private var places: [Place]
  private let stride: Int

  /// - Parameter steps: the oldest first.
  init(_ steps: some Sequence<UndoStep>, stride: Int) {
    places = steps.map { Place(step: $0) }
    self.stride = stride
  }

  /// What the first of the steps that changed a rank found; ranks must ascend from call to call.
  mutating func past(of rank: UInt64) -> Past {
    for index in places.indices {
      let step = places[index].step
      let ranks = UnsafeBufferPointer(start: step.ranks, count: step.saved)
      if Self.advance(&places[index].row, in: ranks, to: rank) {
        return .row(step.rows + places[index].row * stride)
      }
      if step.evicted > 0 {
        let ranks = UnsafeBufferPointer(start: step.ranks + step.saved, count: step.evicted)
        if Self.advance(&places[index].evicted, in: ranks, to: rank) {
          return .row(step.rows + (step.saved + places[index].evicted) * stride)
        }
      }
      if Self.advance(&places[index].inserted, in: step.inserted, to: rank)
        || Self.advance(&places[index].admitted, in: step.admitted, to: rank)
      {
        return .absent
      }
    }
    return .unchanged
  }

  /// Moves a position on to `rank`, in leaps that double (Bentley and Yao 1976). Returns whether it is there.
  private static func advance<Ranks: RandomAccessCollection<UInt64>>(
    _ position: inout Int, in ranks: Ranks, to rank: UInt64
  ) -> Bool where Ranks.Index == Int, Ranks.SubSequence.Index == Int {
    var leap = 1
    while position + leap < ranks.endIndex, ranks[position + leap] < rank {
      position += leap
      leap *= 2
    }
    let end = min(ranks.endIndex, position + leap + 1)
    position = ranks[position..<end].position(ofFirstAtLeast: rank)
    return position < ranks.endIndex && ranks[position] == rank
  }
}
