import Sharding

/// Some of the slots, as bits: listing them costs nothing for those that are not in it.
package struct SlotSet: Equatable, Sendable {
  private var words = [UInt64](repeating: 0, count: Rank.slots / 64)

  package init() {}

  package static let all: SlotSet = {
    var set = SlotSet()
    for word in set.words.indices { set.words[word] = .max }
    return set
  }()

  @inline(__always)
  package mutating func insert(_ slot: Int) { words[slot >> 6] |= 1 << UInt64(slot & 63) }

  package mutating func remove(_ slot: Int) { words[slot >> 6] &= ~(1 << UInt64(slot & 63)) }

  package func contains(_ slot: Int) -> Bool { words[slot >> 6] >> UInt64(slot & 63) & 1 == 1 }

  package mutating func formUnion(_ other: SlotSet) {
    for word in words.indices { words[word] |= other.words[word] }
  }

  package mutating func removeAll() {
    for word in words.indices { words[word] = 0 }
  }

  /// Makes this a copy of `other` in the memory it has.
  mutating func copy(_ other: SlotSet) {
    for word in words.indices { words[word] = other.words[word] }
  }

  package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
  package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  package func forEach(_ body: (Int) -> Void) {
    for (place, word) in words.enumerated() where word != 0 {
      var bits = word
      while bits != 0 {
        body(place << 6 | bits.trailingZeroBitCount)
        bits &= bits - 1
      }
    }
  }

  /// The slots, ascending.
  package var slots: [Int] {
    var slots: [Int] = []
    forEach { slots.append($0) }
    return slots
  }
}
