import Testing

@testable import Wire

@Suite("Slot order")
struct SlotOrderTests {
  /// Undoes `SlotOrder.hash`: each of its steps is a bijection.
  private func key(ofHash hash: UInt64) -> UInt64 {
    func inverse(_ odd: UInt64) -> UInt64 {
      var x = odd
      for _ in 0..<6 { x = x &* (2 &- odd &* x) }
      return x
    }
    var h = hash
    h ^= h >> 33
    h = h &* inverse(0xc4ce_b9fe_1a85_ec53)
    h ^= h >> 33
    h = h &* inverse(0xff51_afd7_ed55_8ccd)
    h ^= h >> 33
    return h
  }

  @Test("The hash has an inverse, so different keys have different ranks")
  func bijection() {
    for _ in 0..<100_000 {
      let key = UInt64.random(in: 0 ... .max)
      #expect(self.key(ofHash: SlotOrder.hash(key)) == key)
    }
    #expect(SlotOrder.hash(0) == 0)
  }

  @Test("A rank is its hash turned, with the slot on top")
  func rank() {
    for key in (0..<10_000).map({ UInt64($0) }) {
      let hash = SlotOrder.hash(key)
      let rank = SlotOrder.rank(of: key)
      #expect(rank << 14 | rank >> 50 == hash)
      #expect(SlotOrder.slot(ofRank: rank) == SlotOrder.slot(of: key))
      #expect(SlotOrder.slot(of: key) == Int(hash % 16_384))
    }
  }

  @Test("Each slot has one owner and shares differ by at most one", arguments: [1, 2, 3, 7, 100, 16_384])
  func evenShares(servers: Int) {
    let owners = SlotMap(servers: servers).owners()
    var counts = [Int](repeating: 0, count: servers)
    for owner in owners { counts[Int(owner)] += 1 }
    #expect(owners.count == SlotOrder.slots)
    #expect(counts.max()! - counts.min()! <= 1)
  }
}
