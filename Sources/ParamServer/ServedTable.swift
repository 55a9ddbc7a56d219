import Sharding
import Wire

/// One table with its clock: who may pull when, and when a step is applied.
///
/// A pull at clock c is answered once all steps before c are applied (ARCHITECTURE.md, promise 2; lag 0), from the undo log
/// where the table is past it. A class only because arrays hold no noncopyable values: one shard owns it, nobody shares it.
final class ServedTable {
  private(set) var table: Table
  private let slices: Int
  private var tree: GradientTree
  private var parked: [Parked] = []

  /// A pull that came before its clock.
  private struct Parked {
    var pull: Pull
    var request: UInt64
    var worker: UInt64
  }

  /// A worker asks for one step ahead, in parts; whoever asks for more than there is room for asks again.
  static let mostParked = 4096

  init(_ table: consuming Table, slices: Int) {
    tree = GradientTree(slices: slices, width: table.width)
    self.table = table
    self.slices = slices
  }

  /// Steps applied.
  var clock: UInt64 { table.clock }

  var parkedPulls: Int { parked.count }

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

  /// Takes a push, and applies the step if it was the last that was missing.
  ///
  /// A push for a step that is applied, or a node that is summed already, is a repetition: acknowledged, and nothing
  /// else. No push can be ahead: its worker has been answered by every server for the step, if only for no rows.
  func push(_ push: Push) -> Message {
    if push.clock < clock, !Mutant.applyLatePush.isActive { return .pushed }
    guard push.clock <= clock else { return .refusal(.notYet) }
    switch tree.add(GradientPart(push)) {
    case .malformed(let reason): return .refusal(.malformed(reason))
    case .taken, .duplicate, .covered: break
    }
    if let total = tree.total {
      table.apply(
        step: clock, gradients: total.rows, sightings: total.sightings, samples: total.samples,
        lossSum: total.lossSum)
      tree.clear()
    }
    return .pushed
  }

  /// The pulls that waited for a clock that has come, and their answers.
  func release() -> [(worker: UInt64, request: UInt64, answer: Message)] {
    guard parked.contains(where: { $0.pull.clock <= clock }) else { return [] }
    let ready = parked.filter { $0.pull.clock <= clock }
    parked.removeAll { $0.pull.clock <= clock }
    return ready.map { ($0.worker, $0.request, rows($0.pull)) }
  }

  /// Slices of the open step that no push stands for yet.
  var missingSlices: [Int] { tree.missingSlices }

  /// - Throws: `SnapshotError` where the bytes are not a slot of this table.
  func restore(_ bytes: [UInt8], slot: Int, isDirty: Bool, onlyParameters: Bool) throws {
    try table.restore(bytes, slot: slot, isDirty: isDirty, onlyParameters: onlyParameters)
  }

  func markClean(slot: Int) { table.markClean(slot: slot) }
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
