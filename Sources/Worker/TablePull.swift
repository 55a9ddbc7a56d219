import Sharding
import Wire

/// The rows of one table that a step needs, on their way: what was asked of whom, and where the answers lie.
///
/// Answers are used in the frames they came in: `rows` points into them.
struct TablePull {
  private(set) var shares: [KeyShare] = []
  /// Per key, where its row's `width` parameters are.
  private(set) var rows: [UnsafePointer<Float>?] = []
  private var frames: [Frame] = []
  private var outstanding: Set<UInt64> = []
  private var width = 0
  private(set) var isAsked = false

  var isComplete: Bool { isAsked && outstanding.isEmpty }

  mutating func reset() {
    frames.removeAll(keepingCapacity: true)
    outstanding.removeAll(keepingCapacity: true)
    isAsked = false
  }

  /// The requests for all keys, in parts, at least one for each server: a server that has none of the keys still
  /// answers only at the clock asked for, so that no worker runs ahead of any server. The requests' numbers count up
  /// from `request`.
  mutating func ask(
    for keys: [UInt64], shares: [KeyShare], table: Int, width: Int, clock: UInt64, readOnly: Bool, view: UInt32,
    request: inout UInt64
  ) -> [(server: Int, message: Message)] {
    self.shares = shares
    self.width = width
    isAsked = true
    if rows.count < keys.count { rows.append(contentsOf: repeatElement(nil, count: keys.count - rows.count)) }
    let rowsPerPart = Parts.rowsPerPart(width: width)
    var requests: [(Int, Message)] = []
    for share in shares {
      let parts = max(1, (share.count + rowsPerPart - 1) / rowsPerPart)
      for part in 0..<parts {
        let first = part * rowsPerPart
        let last = min(share.count, first + rowsPerPart)
        var header = Header(.pull)
        header.view = view
        header.table = UInt16(table)
        header.flags = readOnly ? Header.readOnly : 0
        header.clock = clock
        header.request = request
        header.count = UInt64(last - first)
        header.part = UInt32(part)
        header.parts = UInt32(parts)
        let frame = Frame(count: (last - first) * 8)
        let target = frame.mutableElements(as: UInt64.self)
        var filled = 0
        share.forEachRun(from: first, to: last) { run in
          for place in run {
            target[filled] = Rank.of(keys[place])
            filled += 1
          }
        }
        outstanding.insert(request)
        request += 1
        requests.append((share.server, Message(header, [frame])))
      }
    }
    return requests
  }

  /// Takes one answer. Returns false if it answers no question of this pull.
  mutating func accept(_ message: Message, from server: Int) throws -> Bool {
    guard outstanding.contains(message.header.request) else { return false }
    let share = shares[server]
    let first = Int(message.header.part) * Parts.rowsPerPart(width: width)
    let last = min(share.count, first + Parts.rowsPerPart(width: width))
    let count = try message.count()
    guard first <= last, count == last - first else {
      throw WireError.malformed("server \(server) sent \(count) rows where \(last - first) were asked")
    }
    // The frame stays with the pull: `rows` will point into it.
    let values = try message.elements(0, as: Float.self, count: count * width)
    if var taken = values.baseAddress {
      share.forEachRun(from: first, to: last) { run in
        for place in run {
          rows[place] = taken
          taken += width
        }
      }
      frames.append(message.payload[0])
    }
    outstanding.remove(message.header.request)
    return true
  }
}
