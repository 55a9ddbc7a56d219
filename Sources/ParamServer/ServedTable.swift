import Checkpoint
import Sharding
import Wire

/// One table of a group of slots, with its clock: who may pull when, and when a step is applied.
///
/// A pull at clock c is answered once all steps before c are applied (ARCHITECTURE.md, promise 2), from the undo log where the
/// table is past it. A step is applied once its tree is complete, its root is on its way to all followers, and they have
/// applied the step before. A class only because arrays hold no noncopyable values: one holding owns it, nobody shares it.
final class ServedTable {
  private(set) var table: Table
  private let slices: Int
  /// Of the open step and those that the lag lets come before it is applied.
  private var trees: [GradientTree]
  private var parked: [Parked] = []
  /// Servers that go through the same steps, one behind.
  var followers: [Follower] = []
  /// The clock that a checkpoint holds the table at; nil: none does.
  var heldAt: UInt64?

  /// A pull that came before its clock.
  private struct Parked {
    var pull: Pull
    var request: UInt64
    var worker: UInt64
  }

  /// A worker asks for one step ahead, in parts; whoever asks for more than there is room for asks again.
  static let mostParked = 4096

  /// - Parameter lag: steps that a push may be ahead.
  init(_ table: consuming Table, slices: Int, lag: Int) {
    let width = table.width
    trees = (0...lag).map { _ in GradientTree(slices: slices, width: width) }
    self.table = table
    self.slices = slices
  }

  /// Steps applied.
  var clock: UInt64 { table.clock }
  var width: Int { table.width }
  var parkedPulls: Int { parked.count }

  // MARK: Pulls

  /// What became of a question, beside pulls that it lets go.
  enum Reply {
    case answer(Message)
    /// It is kept until its clock.
    case later
  }

  func pull(_ pull: Pull, request: UInt64, from worker: UInt64) -> Reply {
    if pull.clock <= clock {
      var asked = pull
      if Mutant.answerLaterState.isActive { asked.clock = clock }
      return .answer(rows(asked))
    }
    let place = parked.firstIndex { $0.worker == worker && $0.request == request }
    guard place == nil else { return .later }
    guard parked.count < Self.mostParked else { return .answer(.refusal(.notYet)) }
    parked.append(Parked(pull: pull, request: request, worker: worker))
    return .later
  }

  private func rows(_ pull: Pull) -> Message {
    guard pull.clock >= table.earliestClock else { return .refusal(.gone) }
    let frame = Frame(count: pull.count * table.width * 4)
    defer { withExtendedLifetime((frame, pull)) {} }
    if let target = frame.mutableElements(as: Float.self).baseAddress {
      do {
        try table.gather(
          pull.ranks.elements(as: UInt64.self), at: pull.clock, absent: pull.purpose == .training ? .start : .zeros,
          into: target)
      } catch { return .refusal(.gone) }
    }
    return .rows(Rows(values: frame))
  }

  /// The pulls that waited for a clock that has come, and their answers.
  func release() -> [(worker: UInt64, request: UInt64, answer: Message)] {
    guard parked.contains(where: { $0.pull.clock <= clock }) else { return [] }
    let ready = parked.filter { $0.pull.clock <= clock }
    parked.removeAll { $0.pull.clock <= clock }
    return ready.map { ($0.worker, $0.request, rows($0.pull)) }
  }

  // MARK: Steps

  /// Takes a push. `advance` applies what is complete.
  ///
  /// A push for a step that is applied, or a node that is summed already, is a repetition: acknowledged, and nothing
  /// else. A worker that pushes a step has been answered by every group for what the step reads, so it is ahead by the lag
  /// at most.
  func push(_ push: Push) -> Message {
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
    var forwards: [Forward] = []
    while let total = trees[0].total {
      let step = clock
      for index in followers.indices where followers[index].wantsRoot(of: step) {
        let pushes = Roots.pushes(
          total, slots: followers[index].slots, group: group, table: number, step: step, slices: slices,
          width: table.width)
        followers[index].sent(step, parts: pushes.count)
        forwards.append((followers[index].server, pushes))
      }
      guard heldAt.map({ step < $0 }) ?? true, followers.allSatisfy({ $0.allows(step) }) else { break }
      table.apply(
        step: step, gradients: total.rows, sightings: total.sightings, samples: total.samples, lossSum: total.lossSum)
      trees[0].clear()
      if trees.count > 1 { trees.append(trees.removeFirst()) }
    }
    return forwards
  }

  /// Slices of the open step that no push stands for yet.
  var missingSlices: [Int] { trees[0].missingSlices }

  /// The server whose acknowledgement keeps a complete step from being applied.
  var waitsFor: Int? {
    guard trees[0].total != nil else { return nil }
    let step = clock
    return followers.first { !$0.allows(step) }?.server
  }

  /// Forgets half-summed steps, parked pulls and followers: a view is over.
  func leaveView() {
    if !Mutant.keepTree.isActive { for index in trees.indices { trees[index].clear() } }
    parked = []
    followers = []
    heldAt = nil
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

  func take(_ slots: [Range<Int>], from other: ServedTable) { table.take(slots, from: &other.table) }
  func takeHistory(_ parts: [(log: UndoLog, slots: [Range<Int>])]) { table.takeHistory(parts) }
}

extension GradientPart {
  /// A push's arrays, used where they were received.
  init(_ push: Push) {
    self.init(
      node: push.node, part: push.part, parts: push.parts, samples: push.samples, lossSum: push.lossSum,
      ranks: push.ranks.elements(as: UInt64.self), values: push.values.elements(as: Float.self),
      sightingRanks: push.sightedRanks.elements(as: UInt64.self),
      sightingCounts: push.sightings.elements(as: UInt32.self),
      owner: Frames([push.ranks, push.values, push.sightedRanks, push.sightings]))
  }
}

/// Keeps frames while something points into them.
private final class Frames {
  let frames: [Frame]
  init(_ frames: [Frame]) { self.frames = frames }
}
