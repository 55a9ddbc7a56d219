import Wire

/// One table with its clock: who may pull when, and when a step is applied.
///
/// A pull at clock c waits until every slice has pushed all steps before c, less the staleness (DESIGN.md, promise 2).
/// Only staleness 0 is served so far, in which a step is applied once, averaged over all its samples.
struct ServedTable {
  let table: Table
  private var tree: GradientTree
  /// Steps applied: the clock that pulls are held against.
  private(set) var applied: UInt64
  private var parked: [(message: Message, peer: Socket.Peer)] = []

  /// A worker asks for one step ahead, in parts; more would be a fault or an attack.
  static let mostParked = 4096

  init(_ table: Table, slices: Int, applied: UInt64) {
    self.table = table
    self.applied = applied
    tree = GradientTree(slices: slices, width: table.width)
  }

  /// Whether a pull may be answered now. If not, it is kept until it may.
  ///
  /// - Returns: the rows, nil if the pull waits.
  mutating func pull(_ message: Message, keys: UnsafeBufferPointer<UInt64>, from peer: Socket.Peer) -> Result<
    Message?, Refusal
  > {
    guard message.header.clock <= applied else {
      guard parked.count < Self.mostParked else { return .failure(Refusal("too many pulls wait")) }
      parked.append((message, peer))
      return .success(nil)
    }
    return .success(rows(message, keys: keys))
  }

  private func rows(_ message: Message, keys: UnsafeBufferPointer<UInt64>) -> Message {
    let frame = Frame(count: keys.count * table.width * 4)
    withExtendedLifetime((frame, message)) {
      if let target = frame.mutableElements(as: Float.self).baseAddress {
        table.pull(keys, readOnly: message.header.flags & Header.readOnly != 0, into: target)
      }
    }
    var header = message.header
    header.kind = .rows
    return Message(header, [frame])
  }

  /// Takes a push and, when it is the step's last, applies the step.
  ///
  /// - Returns: the answers to pulls that waited for it.
  mutating func push(
    _ message: Message, count: Int, ranks: (lower: UInt64, upper: UInt64)?
  ) -> Result<[(message: Message, peer: Socket.Peer)], Refusal> {
    let header = message.header
    // Applied already: a repetition, which must change nothing.
    guard header.clock >= applied else { return .success([]) }
    // No worker is ahead: each asks every server for the rows of a step, if only for none, before it pushes.
    guard header.clock == applied else {
      return .failure(Refusal("a push for step \(header.clock) came while step \(applied) is open"))
    }
    if let reason = tree.add(header, keys: message.payload[0], values: message.payload[1], count: count, ranks: ranks) {
      return .failure(Refusal(reason))
    }
    guard let total = tree.total else { return .success([]) }
    if total.samples > 0 {
      let scale = 1 / Float(total.samples)
      withExtendedLifetime(total) {
        for segment in total.segments {
          table.apply(segment.keys, sums: segment.values, count: segment.count, scale: scale, step: applied)
        }
      }
    }
    tree.clear()
    applied += 1
    let ready = parked.filter { $0.message.header.clock <= applied }
    parked.removeAll { $0.message.header.clock <= applied }
    return .success(
      ready.map { (rows($0.message, keys: $0.message.payload[0].elements(as: UInt64.self)), $0.peer) })
  }
}

/// Why a message is not served.
struct Refusal: Error {
  let sentence: String

  init(_ sentence: String) { self.sentence = sentence }
}
