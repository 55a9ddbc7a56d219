import Checkpoint
import Sharding
import Wire

/// One table of a group of slots, with its clock: who may pull when, and when a step is applied.
///
/// A pull at clock c is answered once all steps before c are applied (ARCHITECTURE.md, promise 2), from the undo log where the
/// table is past it. A step is applied once its tree is complete, its root is on its way to all followers, and they have
/// applied the step before. An async table answers what training pulls at once, and applies each slice of a step as it
/// arrives, once it is on its way to all followers. A class only because arrays hold no noncopyable values: one holding owns
/// it, nobody shares it.
final class ServedTable {
  var table: Table
  private let slices: Int
  /// Of the open step and those that the lag lets come before it is applied; none of an async table.
  private var trees: [GradientTree]
  /// Of an async table.
  private var arrivals: Arrivals?
  /// How stale what training read from an async table was.
  private(set) var staleness = StalenessCount()
  private var parked: [Parked] = []
  /// Servers that go through the same steps, one behind.
  var followers: [Follower] = []
  /// The clock at which the table's state is to be held, until it is.
  var holdsAt: Hold?

  struct Hold {
    var clock: UInt64
    var since: UInt64?
    var lag: Int
  }

  /// A pull that came before its clock.
  private struct Parked {
    var pull: Pull
    var request: UInt64
    var worker: UInt64
  }

  /// A worker asks for one step ahead, in parts; whoever asks for more than there is room for asks again.
  static let mostParked = 4096

  /// - Parameters:
  ///   - lag: steps that a push may be ahead.
  ///   - clock: of the view.
  ///   - arrived: of an async table, how much its first home had applied in this view when it was copied.
  init(_ table: consuming Table, slices: Int, lag: Int, clock: UInt64, arrived: UInt64 = 0) {
    let width = table.gradientWidth
    let isAsync = table.ledger != nil
    trees = isAsync ? [] : (0...lag).map { _ in GradientTree(slices: slices, width: width) }
    arrivals = isAsync ? Arrivals(slices: slices, width: width, clock: clock, applied: arrived) : nil
    self.table = table
    self.slices = slices
  }

  /// Steps applied.
  var clock: UInt64 { table.clock }
  /// What followers go by: steps applied; of an async table, arrivals.
  var position: UInt64 { arrivals?.applied ?? table.clock }
  /// Steps that are applied of some slice at least.
  var foremost: UInt64 { table.ledger?.foremost ?? clock }
  var isAsync: Bool { arrivals != nil }
  /// Whether no slice is ahead of the clock: a state that is the same wherever the table is.
  var isLevel: Bool { foremost == clock }
  /// An async table only once all of its slots have gone through the same: the copy begins so too, with what is empty.
  var canBeCopied: Bool { table.ledger?.isEven ?? true }
  var width: Int { table.width }
  var gradientWidth: Int { table.gradientWidth }
  var parkedPulls: Int { parked.count }

  // MARK: Questions

  /// What became of a question, beside those that it lets go.
  enum Reply {
    case answer(Message)
    /// It is kept until it can be answered.
    case later
  }

  func pull(_ pull: Pull, request: UInt64, from worker: UInt64) -> Reply {
    if let arrivals, pull.purpose == .training {
      staleness.note(pull.clock, readBy: worker, after: arrivals.applied)
      return .answer(rows(pull, at: clock))
    }
    if pull.clock <= clock { return .answer(rows(pull, at: Mutant.answerLaterState.isActive ? clock : pull.clock)) }
    let place = parked.firstIndex { $0.worker == worker && $0.request == request }
    guard place == nil else { return .later }
    guard parked.count < Self.mostParked else { return .answer(.refusal(.notYet)) }
    parked.append(Parked(pull: pull, request: request, worker: worker))
    return .later
  }

  private func rows(_ pull: Pull, at clock: UInt64) -> Message {
    guard clock >= table.earliestClock, pull.purpose == .training || isLevel else { return .refusal(.gone) }
    let frame = Frame(count: pull.count * table.width * 4)
    defer { withExtendedLifetime((frame, pull)) {} }
    if let target = frame.mutableElements(as: Float.self).baseAddress {
      do {
        try table.gather(
          pull.ranks.elements(as: UInt64.self), at: clock, absent: pull.purpose == .training ? .start : .zeros,
          into: target)
      } catch { return .refusal(.gone) }
    }
    return .rows(Rows(values: frame))
  }

  typealias Answered = (worker: UInt64, request: UInt64, answer: Message)

  /// What waited and can be answered: pulls whose clock has come, and pushes that all homes have applied.
  func release() -> [Answered] {
    let everywhere = followers.reduce(position) { min($0, $1.clock) }
    let pushed = arrivals?.answered(everywhere).map { Answered($0.worker, $0.request, .pushed) } ?? []
    guard parked.contains(where: { $0.pull.clock <= clock }) else { return pushed }
    let ready = parked.filter { $0.pull.clock <= clock }
    parked.removeAll { $0.pull.clock <= clock }
    return pushed + ready.map { ($0.worker, $0.request, rows($0.pull, at: $0.pull.clock)) }
  }

  // MARK: Steps

  /// Takes a worker's push. `advance` applies what is complete.
  ///
  /// A push for a step that is applied, or a node that is summed already, is a repetition: acknowledged, and nothing
  /// else. A worker that pushes a step has been answered by every group for what the step reads, so it is ahead by the lag
  /// at most.
  ///
  /// - Throws: `Refusal`.
  func push(_ push: Push, request: UInt64, from worker: UInt64) throws(Refusal) -> Reply {
    guard isAsync else { return .answer(add(push)) }
    guard push.node.level == 0, Int(push.node.index) < slices else {
      throw .malformed("an async table takes one slice at a time, not node \(push.node.code)")
    }
    let asker = Arrivals.Asker(worker: worker, request: request)
    switch arrivals!.turn(of: Int(push.node.index), step: push.clock) {
    case .repetition: return arrivals!.waits(asker) ? .later : .answer(.pushed)
    case .early: return .answer(.refusal(.notYet))
    case .due: return try arrivals!.add(push, of: asker) ? .later : .answer(.pushed)
    }
  }

  /// Takes what this table's first home sends on: what is acknowledged is applied.
  ///
  /// - Throws: `Refusal`.
  func follow(_ push: Push) throws(Refusal) -> Message {
    guard isAsync else {
      // A root that comes too early is to come again.
      guard push.clock <= clock else { return Mutant.acknowledgeEarly.isActive ? .pushed : .refusal(.notYet) }
      return add(push)
    }
    guard push.node.level == 0, Int(push.node.index) < slices else {
      throw .malformed("another home is sent slices")
    }
    guard push.arrival <= position else { return Mutant.acknowledgeEarly.isActive ? .pushed : .refusal(.notYet) }
    guard push.arrival == position else { return .pushed }
    guard push.clock <= table.ledger?.applied(of: Int(push.node.index)) ?? 0 else {
      throw .malformed("slice \(push.node.index) of step \(push.clock) comes before the step before it")
    }
    _ = try arrivals!.add(push, of: nil)
    return .pushed
  }

  private func add(_ push: Push) -> Message {
    if push.clock < clock, !Mutant.applyLatePush.isActive { return .pushed }
    let ahead = push.clock < clock ? 0 : push.clock - clock
    guard ahead < UInt64(trees.count) else { return .refusal(.notYet) }
    switch trees[Int(ahead)].add(GradientPart(push)) {
    case .malformed(let reason): return .refusal(.malformed(reason))
    case .taken, .duplicate, .covered: return .pushed
    }
  }

  /// What is to be sent to followers.
  typealias Forward = (server: Int, pushes: [Push])

  /// Sends complete roots on, and applies what may be applied.
  ///
  /// - Parameters:
  ///   - group: the number that the table's group has, for pushes.
  ///   - table: its number.
  func advance(group: Int, table number: Int) -> [Forward] {
    guard !isAsync else { return advanceArrivals(group: group, table: number) }
    var forwards: [Forward] = []
    while let total = trees[0].total {
      let step = clock
      for index in followers.indices where followers[index].wants(step) {
        let pushes = Forwarding.pushes(
          total, of: .root(of: slices), step: step, slots: followers[index].slots, group: group, table: number,
          width: table.gradientWidth)
        followers[index].sent(step, parts: pushes.count)
        forwards.append((followers[index].server, pushes))
      }
      guard !isFull, followers.allSatisfy({ $0.allows(step) }) else { break }
      table.apply(
        step: step, gradients: total.rows, sightings: total.sightings, samples: total.samples, lossSum: total.lossSum)
      trees[0].clear()
      if trees.count > 1 { trees.append(trees.removeFirst()) }
      holdIfDue()
    }
    return forwards
  }

  /// Applies what has arrived in its order, once it is on its way to all followers.
  private func advanceArrivals(group: Int, table number: Int) -> [Forward] {
    var forwards: [Forward] = []
    while !isFull, let place = arrivals!.first(before: holdsAt?.clock), followers.allSatisfy({ $0.wants(position) }) {
      let leaf = arrivals![place]
      for index in followers.indices {
        let pushes = Forwarding.pushes(
          leaf.sum, of: SliceNode(level: 0, index: leaf.slice), step: leaf.step, arrival: position,
          slots: followers[index].slots, group: group, table: number, width: table.gradientWidth)
        followers[index].sent(position, parts: pushes.count)
        forwards.append((followers[index].server, pushes))
      }
      count(leaf)
      if !table.apply(slice: leaf.slice, step: leaf.step, leaf.sum) {
        staleness.noteRepetition(samples: leaf.sum.samples)
      }
      arrivals!.apply(place)
      holdIfDue()
    }
    return forwards
  }

  private func count(_ leaf: Arrivals.Leaf) {
    guard let worker = leaf.asker?.worker else { return }
    if table.beginsEpoch(at: leaf.step) { staleness.begin(epochAt: leaf.step) }
    staleness.count(leaf.step, readBy: worker, at: position, slices: slices)
  }

  /// Slices of the open step that have not come.
  var missingSlices: [Int] {
    guard let ledger = table.ledger else { return trees[0].missingSlices }
    let applied = ledger.applied
    return applied.indices.filter { applied[$0] == clock }
  }

  /// The server whose acknowledgement keeps a complete step from being applied.
  var waitsFor: Int? {
    if let arrivals {
      guard arrivals.first(before: holdsAt?.clock) != nil else { return nil }
      return followers.first { !$0.wants(position) }?.server
    }
    guard trees[0].total != nil else { return nil }
    let step = clock
    return followers.first { !$0.allows(step) }?.server
  }

  /// Forgets half-summed steps, parked pulls and followers: a view is over.
  ///
  /// - Parameter clock: of the next.
  func leaveView(for clock: UInt64) {
    if !Mutant.keepTree.isActive { for index in trees.indices { trees[index].clear() } }
    if isAsync { arrivals = Arrivals(slices: slices, width: gradientWidth, clock: clock) }
    staleness.forgetReads()
    parked = []
    followers = []
    dropHeld()
  }

  // MARK: Slots

  /// - Throws: `SnapshotError` where the bytes are not a slot of this table.
  func restore(
    _ bytes: [UInt8], slot: Int, changedAt: UInt64 = 0, onlyParameters: Bool = false, history: Bool = false
  ) throws {
    try table.restore(bytes, slot: slot, changedAt: changedAt, onlyParameters: onlyParameters, history: history)
  }

  /// - Throws: `ServerError.tooFarBack`.
  func rollBack(to clock: UInt64) throws(ServerError) {
    do throws(UndoError) { try table.rollBack(to: clock) } catch { throw .tooFarBack(error) }
  }

  func take(_ slots: [Range<Int>], from other: ServedTable) {
    table.take(slots, from: &other.table)
    staleness.absorb(&other.staleness)
  }

  /// Notes what has been applied to a slot that was copied to an async table.
  func note(_ slot: Int, applied: [UInt64], totals: StepTotals) {
    guard var ledger = table.ledger else { return }
    ledger.set(slot, applied: applied, totals: totals)
    table.keep(ledger)
  }

  func bytes(of slot: Int) -> Int { table.bytes(of: slot) }

  func takeHistory(_ parts: [(log: UndoLog, slots: [Range<Int>])]) { table.takeHistory(parts) }
}
