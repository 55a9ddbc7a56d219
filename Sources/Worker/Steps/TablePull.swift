import Sharding
import Wire

/// The rows of one table that a step needs, on their way: what was asked of whom, and where the answers lie.
///
/// Answers are used in the frames they came in: `rows` points into them.
struct TablePull {
  private struct Open {
    let group: Int
    let server: Int
    let request: UInt64
    /// Of the group's share.
    let part: Range<Int>
  }

  private var shares: [RankShare] = []
  /// By place among the ranks, where its row's `width` parameters are.
  private(set) var rows: [UnsafePointer<Float>?] = []
  private var frames: [Frame] = []
  private var open: [Open] = []
  private var width = 0
  private var isAsked = false

  var isComplete: Bool { isAsked && open.isEmpty }
  /// Servers that have not answered all.
  var waitsFor: Set<Int> { Set(open.map(\.server)) }

  /// Forgets the rows; memory stays.
  mutating func reset() {
    frames.removeAll(keepingCapacity: true)
    open.removeAll(keepingCapacity: true)
    isAsked = false
  }

  /// Takes rows that nobody has to be asked for.
  mutating func fill(_ ranks: [UInt64], row: (UInt64) -> UnsafePointer<Float>) {
    if rows.count < ranks.count { rows.append(contentsOf: repeatElement(nil, count: ranks.count - rows.count)) }
    for (place, rank) in ranks.enumerated() { rows[place] = row(rank) }
    isAsked = true
  }

  /// Asks the first home of every group for its rows, in parts: where there are none of them it still answers only at the
  /// clock asked for, so that no worker runs ahead of any server.
  ///
  /// - Parameters:
  ///   - shares: by group of `homes`.
  ///   - pull: without group and ranks.
  mutating func ask(
    for ranks: [UInt64], shares: [RankShare], at homes: FirstHomes, width: Int, _ pull: Pull,
    of servers: inout ServerSessions, time: Seconds
  ) -> [WorkerCore.Effect] {
    self.shares = shares
    self.width = width
    isAsked = true
    if rows.count < ranks.count { rows.append(contentsOf: repeatElement(nil, count: ranks.count - rows.count)) }
    var effects: [WorkerCore.Effect] = []
    for group in homes.groups {
      let share = shares[group.number]
      let parts = Parts(rows: share.count, width: width)
      for part in 0..<parts.count {
        var pull = pull
        pull.group = group.number
        pull.ranks = share.frame(of: parts[part], from: ranks)
        let envelope = servers.ask(.pull(pull), of: group.first, at: time)
        open.append(
          Open(group: group.number, server: group.first, request: envelope.preamble.request, part: parts[part]))
        effects.append(.send(envelope, to: .server(group.first)))
      }
    }
    return effects
  }

  /// Takes one answer. Returns false if it answers no question of this pull.
  mutating func accept(_ answer: Rows, to request: UInt64, from server: Int) throws(WorkerError) -> Bool {
    guard let index = open.firstIndex(where: { $0.server == server && $0.request == request }) else { return false }
    let (group, part) = (open[index].group, open[index].part)
    guard answer.values.count == part.count * width * 4 else {
      throw .unexpected(from: .server(server), what: "\(answer.values.count) bytes for \(part.count) rows of \(width)")
    }
    if var taken = UnsafePointer(answer.values.elements(as: Float.self).baseAddress), !part.isEmpty {
      shares[group].forEachRun(of: part) { run in
        for place in run {
          rows[place] = taken
          taken += width
        }
      }
      // It stays with the pull: `rows` points into it.
      frames.append(answer.values)
    }
    open.remove(at: index)
    return true
  }
}
