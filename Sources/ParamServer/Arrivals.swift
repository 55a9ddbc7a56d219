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

  let slices: Int
  private let width: Int
  /// By slice, parts of the one that is coming.
  private var coming: [Int: GradientTree] = [:]
  /// By slice, the step that comes next.
  private var next: [UInt64]
  /// Whole, and not applied: as many at most as workers may leave unanswered.
  private var queue: [Leaf] = []
  /// How many were applied: the number of the next.
  private(set) var applied: UInt64
  /// Pushes that are applied here and answered once all homes have applied the arrival of that number.
  private var unanswered: [(number: UInt64, asker: Asker)] = []

  struct Asker: Equatable {
    var worker: UInt64
    var request: UInt64
  }

  /// - Parameters:
  ///   - clock: of the view.
  ///   - applied: before; of a copy, which is of after so many.
  init(slices: Int, width: Int, clock: UInt64, applied: UInt64 = 0) {
    self.slices = slices
    self.width = width
    self.applied = applied
    next = Array(repeating: clock, count: slices)
  }

  func turn(of slice: Int, step: UInt64) -> Turn {
    step < next[slice] ? .repetition : step == next[slice] ? .due : .early
  }

  /// Takes a part of a slice's gradients, whose turn it is.
  ///
  /// - Returns: whether the slice is whole with it: it is at the end of the queue then.
  /// - Throws: `Refusal.malformed`.
  mutating func add(_ push: Push, of asker: Asker?) throws(Refusal) -> Bool {
    let slice = Int(push.node.index)
    var part = GradientPart(push)
    part.node = SliceNode(level: 0, index: 0)
    let verdict = coming[slice, default: GradientTree(slices: 1, width: width)].add(part)
    if case .malformed(let reason) = verdict { throw .malformed(reason) }
    guard let sum = coming[slice]!.total else { return false }
    queue.append(Leaf(slice: slice, step: push.clock, sum: sum, asker: asker))
    next[slice] = push.clock + 1
    coming[slice] = nil
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
