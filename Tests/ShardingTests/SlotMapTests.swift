import Foundation
import Sharding
import Testing

@Suite("Slot maps")
struct SlotMapTests {
  @Test("Each slot has one first home and shares differ by at most one", arguments: [1, 2, 3, 7, 100, 16_384])
  func evenShares(servers: Int) {
    let owners = SlotMap(servers: servers).owners()
    var counts = [Int](repeating: 0, count: servers)
    for owner in owners { counts[Int(owner)] += 1 }
    #expect(owners.count == Rank.slots)
    #expect(counts.max()! - counts.min()! <= 1)
  }

  @Test("Replicas are at other servers, evenly", arguments: [(2, 1), (3, 1), (5, 2)])
  func replicas(servers: Int, replicas: Int) {
    let map = SlotMap(servers: servers, replicas: replicas)
    for slot in stride(from: 0, to: Rank.slots, by: 97) {
      #expect(Set(map.homes(ofSlot: slot)).count == replicas + 1)
    }
    for server in 0..<servers {
      let held = map.runs(heldBy: server).reduce(0) { $0 + $1.count }
      let first = map.runs(firstAt: server).reduce(0) { $0 + $1.count }
      #expect(abs(held - (replicas + 1) * first) <= replicas + 1)
    }
  }

  @Test("Any deal that holds every slot once is taken, and reads back from JSON")
  func anyDeal() throws {
    let map = try SlotMap(runs: [
      .init(first: 0, count: 5, homes: [4, 1]), .init(first: 5, count: 1, homes: [0]),
      .init(first: 6, count: Rank.slots - 6, homes: [1, 4]),
    ])
    #expect(map.servers == [0, 1, 4] && map.firstHome(ofSlot: 4) == 4 && map.homes(ofSlot: 5) == [0])
    #expect(map.firstHome(ofSlot: 6) == 1 && map.firstHome(ofSlot: Rank.slots - 1) == 1)
    #expect(map.runs(heldBy: 1) == [0..<5, 6..<Rank.slots] && map.runs(firstAt: 1) == [6..<Rank.slots])
    #expect(map.owners()[4] == 4 && map.owners()[6] == 1)
    #expect(try JSONDecoder().decode(SlotMap.self, from: JSONEncoder().encode(map)) == map)
  }

  static let bad: [[SlotMap.Run]] = [
    [],
    [.init(first: 0, count: 5, homes: [0])],
    [.init(first: 1, count: Rank.slots - 1, homes: [0])],
    [.init(first: 0, count: Rank.slots + 1, homes: [0])],
    [.init(first: 0, count: .max, homes: [0])],
    [.init(first: 0, count: 0, homes: [0]), .init(first: 0, count: Rank.slots, homes: [0])],
    [.init(first: 0, count: Rank.slots, homes: [])],
    [.init(first: 0, count: Rank.slots, homes: [1, 1])],
    [.init(first: 0, count: Rank.slots, homes: [-1])],
    [.init(first: 0, count: Rank.slots, homes: [1 << 20])],
    [.init(first: 0, count: Rank.slots, homes: [0]), .init(first: Rank.slots, count: 1, homes: [0])],
  ]

  @Test("What is no deal is refused, from bytes too", arguments: bad)
  func refused(runs: [SlotMap.Run]) throws {
    #expect(throws: SlotMapError.self) { try SlotMap(runs: runs) }
    let bytes = try JSONEncoder().encode(["runs": runs])
    #expect(throws: SlotMapError.self) { try JSONDecoder().decode(SlotMap.self, from: bytes) }
  }
}
