import Sharding
import Testing

@Suite("Ranks")
struct RankTests {
  @Test("A rank has its key back, so different keys have different ranks")
  func bijection() {
    for key in (0..<100_000).map({ _ in UInt64.random(in: 0 ... .max) }) + [0, 1, .max] {
      #expect(Rank.key(of: Rank.of(key)) == key)
      #expect(Rank.of(Rank.key(of: key)) == key)
    }
  }

  @Test("Ranks of a slot are those from its first to the next slot's")
  func slots() {
    for slot in [0, 1, 77, Rank.slots - 1] {
      let first = Rank.first(ofSlot: slot)
      #expect(Rank.slot(of: first) == slot && Rank.slot(of: first + (1 << 50 - 1)) == slot)
      if slot > 0 { #expect(Rank.slot(of: first - 1) == slot - 1) }
    }
  }

  @Test("Neighbouring keys spread evenly over the slots")
  func spread() {
    var counts = [Int](repeating: 0, count: Rank.slots)
    for key in 0..<UInt64(Rank.slots * 64) { counts[Rank.slot(of: Rank.of(key))] += 1 }
    #expect(counts.min()! > 25 && counts.max()! < 110)
  }

  @Test("Slots' positions in a list of ranks are found by halving", arguments: [0, 1, 2, 500])
  func positions(count: Int) {
    let ranks = (0..<UInt64(count)).map(Rank.of).sorted()
    for slots in [0..<Rank.slots, 0..<0, 5..<9, 8000..<16_000, 16_383..<16_384, 16_384..<16_384] {
      let expected = ranks.indices.filter { slots.contains(Rank.slot(of: ranks[$0])) }
      #expect(Array(ranks.positions(ofSlots: slots)) == expected)
    }
    for (position, rank) in ranks.enumerated() { #expect(ranks.position(ofFirstAtLeast: rank) == position) }
    #expect(ranks.position(ofFirstAtLeast: .max) == count && ranks.position(ofFirstAtLeast: 0) == 0)
  }
}
