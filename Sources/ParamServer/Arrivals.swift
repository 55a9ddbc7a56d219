import Sharding
import Wire

/// What comes to an async table in one view, in the order in which it is applied: numbered, so that other homes can apply it
/// in the same one.
///
/// A slice's steps come in their order, from the view's clock on. One that has come in this view is a repetition. One that had
/// come in an earlier view is an arrival once more: another home may lack it, and the ledger knows who does.
struct Arrivals {
  /// What one slice of a step comes to.
  struct Leaf {
    var slice: Int
    var step: UInt64
    var sum: NodeSum
    /// Who is to be answered once it is applied everywhere: not so another home's.
    var asker: Asker?
  }

  /// What a push is, before it is taken.
  enum Turn {
    case due
    case repetition
    case early
  }

  private let width: Int
  /// Of which some parts have come.
  private var coming: [Place: GradientTree] = [:]
  /// Whole, but one of an earlier step of the slice has not come.
  private var early: [Place: Leaf] = [:]
  /// By slice, the step that comes next.
  private var next: [UInt64]
  /// Whole, and not applied: as many at most as workers may leave unanswered.
  private var queue: [Leaf] = []
  /// How many were applied: the number of the next.
  private(set) var applied: UInt64
  /// Pushes that are applied here and answered once all homes have applied the arrival of that number.
  private var unanswered: [(number: UInt64, asker: Asker)] = []

  private struct Place: Hashable {
    var slice: Int
    var step: UInt64
  }

  /// Steps that a slice may come too early: a worker leaves fewer unanswered.
  private static let mostEarly: UInt64 = 8

  struct Asker: Equatable {
    var worker: UInt64
    var request: UInt64
  }

  /// - Parameters:
  ///   - clock: of the view.
  ///   - applied: before; of a copy, which is of after so many.
  init(slices: Int, width: Int, clock: UInt64, applied: UInt64 = 0) {
    self.width = width
    self.applied = applied
    next = Array(repeating: clock, count: slices)
  }

  func turn(of slice: Int, step: UInt64) -> Turn {
    if step < next[slice] || early[Place(slice: slice, step: step)] != nil { return .repetition }
    return step < next[slice] + Self.mostEarly ? .due : .early
  }

  /// Takes a part of a slice's gradients, whose turn it is. Once the slice is whole, and all of it that comes before, it is at
  /// the end of the queue.
  ///
  /// - Parameter asker: nil for what a first home sends on, in its order.
  /// - Returns: whether the slice is whole.
  /// - Throws: `Refusal.malformed`.
  mutating func add(_ push: Push, of asker: Asker?) throws(Refusal) -> Bool {
    let place = Place(slice: Int(push.node.index), step: push.clock)
    // Another home is sent one after the other: half of any other that it has is of no use.
    if asker == nil { coming = coming.filter { $0.key == place } }
    var part = GradientPart(push)
    part.node = SliceNode(level: 0, index: 0)
    let verdict = coming[place, default: GradientTree(slices: 1, width: width)].add(part)
    if case .malformed(let reason) = verdict { throw .malformed(reason) }
    guard let sum = coming[place]!.total else { return false }
    coming[place] = nil
    let leaf = Leaf(slice: place.slice, step: place.step, sum: sum, asker: asker)
    guard asker != nil else {
      queue.append(leaf)
      return true
    }
    early[place] = leaf
    while let due = early.removeValue(forKey: Place(slice: place.slice, step: next[place.slice])) {
      queue.append(due)
      next[place.slice] += 1
    }
    return true
  }

  /// The place in the queue of what is to be applied next.
  ///
  /// - Parameter clock: that nothing may pass.
  func first(before clock: UInt64?) -> Int? { queue.firstIndex { $0.step < clock ?? .max } }

  subscript(place: Int) -> Leaf { queue[place] }

  /// It is applied here.
  mutating func apply(_ place: Int) {
    if let asker = queue.remove(at: place).asker { unanswered.append((applied, asker)) }
    applied += 1
  }

  func waits(_ asker: Asker) -> Bool {
    unanswered.contains { $0.asker == asker } || queue.contains { $0.asker == asker }
      || early.values.contains { $0.asker == asker }
  }

  /// Those to be answered by now.
  ///
  /// - Parameter everywhere: arrivals that all homes have applied.
  mutating func answered(_ everywhere: UInt64) -> [Asker] {
    let ready = unanswered.prefix { $0.number < everywhere }.map(\.asker)
    unanswered.removeFirst(ready.count)
    return ready
  }
}
