import Sharding
import Wire

/// A server that goes through a table's steps behind its first home: another home, or one that is to become one and has a copy of
/// some slots. It is sent each step's root, and acknowledges it once it has applied it. An async table's followers are sent
/// each arrival instead: what is said of steps here holds for arrivals then.
struct Follower {
  let server: Int
  /// nil: all of the table's.
  private(set) var slots: SlotSet?
  /// Steps that it has applied.
  private(set) var clock: UInt64
  /// What was sent and its parts are not all acknowledged, by step.
  private var open: [UInt64: Int] = [:]
  /// All before this step was sent.
  private var next: UInt64
  /// Copies of slots that are not acknowledged.
  private var openCopies = 0
  /// Slots that are to be copied still, and the clock at which some were copied last.
  private var left = 0
  private var copiedAt: UInt64?

  /// - Parameter slots: nil for a home.
  init(server: Int, slots: SlotSet? = nil, clock: UInt64) {
    self.server = server
    self.slots = slots
    self.clock = clock
    next = clock
  }

  /// Whether the root of a step is to be sent now: not before the copies that it applies to have arrived. While slots are left,
  /// some are copied between any two steps: else steps that follow each other fast would leave no room for them.
  func wants(_ step: UInt64) -> Bool { next == step && openCopies == 0 && (left == 0 || copiedAt == step) }

  mutating func sent(_ step: UInt64, parts: Int) {
    next = step + 1
    open[step] = parts
  }

  /// Whether the first home may apply a step: its root is on its way, and this one has applied all before.
  func allows(_ step: UInt64) -> Bool { next > step && (clock >= step || Mutant.applyEarly.isActive) }

  /// Takes the acknowledgement of a part of a root.
  mutating func acknowledged(_ step: UInt64) {
    guard let parts = open[step] else { return }
    open[step] = parts > 1 ? parts - 1 : nil
    while clock < next, open[clock] == nil { clock += 1 }
  }

  // MARK: Copies

  /// Whether a slot can be copied as it is after `clock` steps: the copy is there too, and has not been sent more.
  func isAt(_ clock: UInt64) -> Bool { self.clock == clock && next == clock }

  /// Is to get as many slots more.
  mutating func expect(_ slots: Int) { left += slots }

  /// - Parameter parts: none for an empty slot, which is followed from now on.
  mutating func copying(_ slot: Int, parts: Int) {
    slots?.insert(slot)
    openCopies += parts
    left -= 1
    copiedAt = clock
  }

  mutating func copied() { openCopies -= 1 }

  var hasOpenCopies: Bool { openCopies > 0 }
}

extension ServedTable {
  /// Says that a server is to get copies of more slots, if it follows.
  func expect(_ slots: Int, at server: Int) {
    for index in followers.indices where followers[index].server == server { followers[index].expect(slots) }
  }
}

/// A step's root, or one slice of it, as it is sent to those who follow.
enum Forwarding {
  /// - Parameters:
  ///   - arrival: its number, if the table is async.
  ///   - slots: those that the follower has; nil: all.
  static func pushes(
    _ total: NodeSum, of node: SliceNode, step: UInt64, arrival: UInt64 = 0, slots: SlotSet?, group: Int, table: Int,
    width: Int
  ) -> [Push] {
    var ranks: [UInt64] = []
    var rows: [UnsafePointer<Float>] = []
    ranks.reserveCapacity(total.rows.count)
    rows.reserveCapacity(total.rows.count)
    total.rows.forEach { rank, row in
      if slots.map({ $0.contains(Rank.slot(of: rank)) }) ?? true {
        ranks.append(rank)
        rows.append(row)
      }
    }
    let sighted = total.sightings.ranks.indices.filter { place in
      slots.map { $0.contains(Rank.slot(of: total.sightings.ranks[place])) } ?? true
    }
    let rowParts = Parts(rows: ranks.count, width: width)
    let sightedParts = Parts(rows: sighted.count, width: width)
    let parts = max(rowParts.count, sightedParts.count)
    return withExtendedLifetime(total) {
      (0..<parts).map { part in
        let range = rowParts[part]
        let rankFrame = Frame(count: range.count * 8)
        let valueFrame = Frame(count: range.count * width * 4)
        withExtendedLifetime((rankFrame, valueFrame)) {
          let rankTarget = rankFrame.mutableElements(as: UInt64.self)
          if var target = valueFrame.mutableElements(as: Float.self).baseAddress {
            for (place, row) in range.enumerated() {
              rankTarget[place] = ranks[row]
              target.update(from: rows[row], count: width)
              target += width
            }
          }
        }
        let met = sightedParts[part].map { sighted[$0] }
        return Push(
          group: group, table: table, clock: step, arrival: arrival, node: node, part: part, parts: parts,
          samples: total.samples, lossSum: total.lossSum, ranks: rankFrame, values: valueFrame,
          sightedRanks: met.map { total.sightings.ranks[$0] }.withUnsafeBufferPointer(Frame.init(copying:)),
          sightings: met.map { total.sightings.counts[$0] }.withUnsafeBufferPointer(Frame.init(copying:)))
      }
    }
  }
}
