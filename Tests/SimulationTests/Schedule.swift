import Wire

/// What is to happen, in order of virtual time; among equals in the order it was put down.
struct Schedule<Event> {
  private struct Entry {
    var time: Seconds
    var number: Int
    var event: Event

    func precedes(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
  }

  /// A binary heap.
  private var entries: [Entry] = []
  private var next = 0

  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }

  mutating func add(_ event: Event, at time: Seconds) {
    entries.append(Entry(time: time, number: next, event: event))
    next += 1
    var child = entries.count - 1
    while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> (time: Seconds, event: Event)? {
    guard let first = entries.first else { return nil }
    let last = entries.removeLast()
    if !entries.isEmpty {
      entries[0] = last
      var parent = 0
      while true {
        var least = parent
        for child in [2 * parent + 1, 2 * parent + 2]
        where child < entries.count && entries[child].precedes(entries[least]) { least = child }
        guard least != parent else { break }
        entries.swapAt(parent, least)
        parent = least
      }
    }
    return (first.time, first.event)
  }
}
