import Wire

/// What is to happen, in order of virtual time; among equals in the order it was put down.
struct Schedule<Event> {
  /// What the heap moves about: small, whatever an event holds.
  private struct Entry {
    var time: Seconds
    var number: Int
    /// Where the event is.
    var place: Int

    func precedes(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
  }

  /// A binary heap.
  private var entries: [Entry] = []
  private var events: [Event?] = []
  private var free: [Int] = []
  private var next = 0

  mutating func add(_ event: Event, at time: Seconds) {
    let place = free.popLast() ?? events.count
    if place == events.count { events.append(event) } else { events[place] = event }
    var child = entries.count
    entries.append(Entry(time: time, number: next, place: place))
    next += 1
    while child > 0, entries[child].precedes(entries[(child - 1) / 2]) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> (time: Seconds, event: Event)? {
    guard let first = entries.first, let event = events[first.place] else { return nil }
    events[first.place] = nil
    free.append(first.place)
    let last = entries.removeLast()
    guard !entries.isEmpty else { return (first.time, event) }
    entries[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in 2 * parent + 1..<min(2 * parent + 3, max(2 * parent + 1, entries.count))
      where entries[child].precedes(entries[least]) { least = child }
      guard least != parent else { return (first.time, event) }
      entries.swapAt(parent, least)
      parent = least
    }
  }
}
