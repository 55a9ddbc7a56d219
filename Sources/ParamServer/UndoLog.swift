import Sharding
import Wire

/// What the latest steps changed in a table, as it was before them. Its memory is used again from step to step.
struct UndoLog {
  /// Steps that can be undone at most; the oldest is dropped when a newer one begins.
  let depth: Int
  /// The oldest first.
  private(set) var steps: [UndoStep] = []
  private var spare: [UndoStep] = []

  init(depth: Int) { self.depth = depth }

  var bytes: Int { (steps + spare).reduce(0) { $0 + $1.bytes } }

  /// Begins a step; nil where none is kept.
  mutating func begin(clock: UInt64, totals: StepTotals, rows: Int, stride: Int) -> UndoStep? {
    guard depth > 0 else { return nil }
    let step = steps.count == depth ? steps.removeFirst() : spare.popLast() ?? UndoStep()
    step.begin(clock: clock, totals: totals, rows: rows, stride: stride)
    steps.append(step)
    return step
  }

  /// Takes over what another table's log knew, step by step: the latest are of the same clocks.
  mutating func replace(_ steps: [UndoStep]) {
    removeAll()
    self.steps = Array(steps.suffix(depth))
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
  /// Slots that it changed, and when they had been changed before.
  var changed: [(slot: Int, before: UInt64)] = []
  /// Ranks that had rows, and the rows with their optimizer state, `[saved x stride]`.
  private(set) var ranks: UnsafeMutablePointer<UInt64>
  private(set) var rows: UnsafeMutablePointer<Float>
  var saved = 0
  private var rankCapacity = 1
  private var rowCapacity = 1
  /// Ranks that got their rows with their first gradients, and those that were met often enough.
  var inserted: [UInt64] = []
  var admitted: [UInt64] = []
  /// Candidates' sightings; 0 for one that was not known.
  var candidates: [UInt64] = []
  var sightings: [UInt32] = []

  init() {
    ranks = .allocate(capacity: rankCapacity)
    rows = .allocate(capacity: rowCapacity)
  }

  deinit {
    ranks.deallocate()
    rows.deallocate()
  }

  var bytes: Int {
    rankCapacity * 8 + rowCapacity * 4 + (inserted.capacity + admitted.capacity) * 8 + candidates.capacity * 12
  }

  /// Forgets what was here; makes room for `rows` rows.
  func begin(clock: UInt64, totals: StepTotals, rows count: Int, stride: Int) {
    self.clock = clock
    self.totals = totals
    changed.removeAll(keepingCapacity: true)
    saved = 0
    inserted.removeAll(keepingCapacity: true)
    admitted.removeAll(keepingCapacity: true)
    candidates.removeAll(keepingCapacity: true)
    sightings.removeAll(keepingCapacity: true)
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

  @inline(__always)
  func save(_ rank: UInt64, _ row: UnsafeMutablePointer<Float>, stride: Int) {
    ranks[saved] = rank
    (rows + saved &* stride).update(from: row, count: stride)
    saved &+= 1
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
