import Sharding
import Testing

@testable import Coordinator

@Suite("The deal of slots")
struct SlotDealTests {
  private static func takers(_ servers: [Int]) -> [SlotShares.Taker] { servers.map { .init($0) } }
  private static func homes(_ map: SlotMap) -> [[Int]] { SlotDeal.byslot(map) }

  /// Any map, its servers' numbers not in a row.
  private static func random(_ servers: [Int], replicas: Int, _ random: inout some RandomNumberGenerator) -> SlotMap {
    let isFine = Bool.random(using: &random)
    var homes: [[Int]] = []
    while homes.count < Rank.slots {
      let length = isFine ? Int.random(in: 1...20, using: &random) : Int.random(in: 100...5000, using: &random)
      // Some have fewer homes than are wanted, or one more.
      let count = min(servers.count, max(1, replicas + 1 + Int.random(in: -1...1, using: &random)))
      let drawn = Array(servers.shuffled(using: &random).prefix(count))
      homes += Array(repeating: drawn, count: min(length, Rank.slots - homes.count))
    }
    return SlotMap(homes: homes)
  }

  @Test("Whoever holds what: every slot has its homes, and the deal is one that is kept", arguments: 0..<40)
  func properties(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    let before = (0..<Int.random(in: 1...9, using: &random)).map { $0 * 3 }
    let replicas = Int.random(in: 0...1, using: &random)
    let map = Self.random(before, replicas: replicas, &random)
    // Some leave, some come.
    var servers = before.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
    for number in 0..<Int.random(in: 0...3, using: &random) { servers.append(1 + 3 * number) }
    if servers.isEmpty { servers = [7] }
    servers.sort()
    let target = SlotDeal.target(from: map, Self.takers(servers), replicas: replicas)
    let homes = Self.homes(target)
    #expect(homes.count == Rank.slots)
    let wanted = min(replicas, servers.count - 1) + 1
    #expect(homes.allSatisfy { $0.count == wanted && Set($0).count == wanted && $0.allSatisfy(servers.contains) })
    let isKept = SlotDeal.target(from: target, Self.takers(servers), replicas: replicas) == target
    #expect(isKept, "views would follow for ever")
    // Firsts are even, within what is tolerated.
    let firsts = servers.map { server in homes.count { $0[0] == server } }
    let even = Double(Rank.slots) / Double(servers.count)
    #expect(firsts.allSatisfy { Double($0) <= even * 1.25 + 1 && Double($0) >= even / 1.25 - 1 }, "\(firsts)")
    if wanted > 1 {
      let others = servers.map { server in homes.count { $0[1] == server } }
      #expect(others.allSatisfy { Double($0) <= even * 1.6 + 1 }, "\(others)")
    }
    Self.check(SlotDeal.fills(from: map, to: target), lead: map, to: target)
  }

  @Test("Whoever has a weight holds as much, of first roles and of others, and the deal is kept", arguments: 0..<40)
  func weights(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    let takers = (0..<Int.random(in: 2...9, using: &random)).map {
      SlotShares.Taker($0 * 3, weight: [0.1, 0.5, 1, 2, 3, 10].randomElement(using: &random)!)
    }
    for replicas in 0...1 {
      let shares = SlotShares(takers, replicas: replicas)
      #expect(abs(shares.others.values.reduce(0, +) - Double(Rank.slots * replicas)) < 1e-6)
      func check(_ map: SlotMap, _ tolerance: Double) {
        let homes = Self.homes(map)
        #expect(homes.allSatisfy { $0.count == replicas + 1 && Set($0).count == $0.count })
        for taker in takers {
          for (role, share) in [shares.firsts, shares.others].prefix(replicas + 1).enumerated() {
            let count = Double(homes.count { $0[role] == taker.number })
            #expect(abs(count - share[taker.number]!) <= share[taker.number]! * tolerance + 2, "\(taker) \(role)")
          }
        }
      }
      let fresh = SlotMap(shares, replicas: replicas)
      check(fresh, 0.01)
      #expect(SlotDeal.target(from: fresh, takers, replicas: replicas) == fresh)
      // All weighed alike before.
      let even = SlotMap(servers: takers.map(\.number), replicas: replicas)
      let target = SlotDeal.target(from: even, takers, replicas: replicas)
      check(target, 0.35)
      let isKept = SlotDeal.target(from: target, takers, replicas: replicas) == target
      #expect(isKept, "views would follow for ever")
      #expect(target.runs.count < 200, "deals stay short")
      Self.check(SlotDeal.fills(from: even, to: target), lead: even, to: target)
    }
  }

  @Test("Load is evened out by few slots, within what the deal bears, and stays so", arguments: 0..<40)
  func balance(seed: Int) {
    var random = SeededRandom(UInt64(seed))
    let replicas = Int.random(in: 0...1, using: &random)
    let takers = (0..<Int.random(in: 2...6, using: &random)).map {
      SlotShares.Taker($0, weight: Double(Int.random(in: 1...2, using: &random)))
    }
    // A few slots bear much.
    var loads = (0..<Rank.slots).map { _ in Double.random(in: 0...2, using: &random) }
    for _ in 0..<200 {
      loads[Int.random(in: loads.indices, using: &random)] = Double.random(in: 0...60, using: &random)
    }
    let shares = SlotShares(takers, replicas: replicas)
    let map = SlotMap(shares, replicas: replicas)
    let balance = SlotBalance(shares: shares, replicas: replicas, loads: loads)
    let target = balance.target(from: map)
    let total = loads.reduce(0, +)
    let borne = balance.borne(in: target)
    for (server, share) in shares.firsts {
      #expect(abs(borne[server]! / total - share / Double(Rank.slots)) < 0.001, "server \(server)")
    }
    let moved = zip(map.owners(), target.owners()).count { $0 != $1 }
    #expect(moved < Rank.slots / 10, "\(moved) moved")
    #expect(Self.homes(target).allSatisfy { $0.count == replicas + 1 && Set($0).count == $0.count })
    let isKept = SlotDeal.target(from: target, takers, replicas: replicas) == target
    #expect(isKept, "it would be undone")
    #expect(balance.target(from: target).owners() == target.owners())
    Self.check(SlotDeal.fills(from: map, to: target), lead: map, to: target)
  }

  @Test("What no move can even out stays where it is")
  func oneHotSlot() {
    var loads = [Double](repeating: 0, count: Rank.slots)
    loads[7] = 100
    let shares = SlotShares([.init(0), .init(1)], replicas: 0)
    let map = SlotMap(shares, replicas: 0)
    #expect(SlotBalance(shares: shares, replicas: 0, loads: loads).target(from: map) == map)
    #expect(SlotBalance(shares: shares, replicas: 0, loads: loads.map { _ in 0 }).target(from: map) == map)
  }

  /// Copies are made by first homes, to those that lack them, once each, and then everyone is there.
  private static func check(_ fills: [Int: [FillOrder]], lead map: SlotMap, to target: SlotMap) {
    var homes = Self.homes(map)
    let before = homes
    for (giver, orders) in fills {
      #expect(Set(orders.map(\.server)).count == orders.count, "one order for each receiver")
      for order in orders {
        #expect(!order.slots.isEmpty && order.slots.map(\.lowerBound).ascends)
        for slot in order.slots.joined() {
          #expect(before[slot][0] == giver && !homes[slot].contains(order.server))
          homes[slot].append(order.server)
        }
      }
    }
    let wanted = Self.homes(target)
    let isLedThere = wanted.indices.allSatisfy { Set(wanted[$0]).isSubset(of: homes[$0]) }
    let isNoMore = wanted.indices.allSatisfy { Set(homes[$0]) == Set(wanted[$0]).union(before[$0]) }
    #expect(isLedThere && isNoMore)
  }

  @Test("A server that joins takes its share, and nothing else moves", arguments: [1, 2, 3, 5, 8, 16, 100], [0, 1])
  func joining(servers: Int, replicas: Int) {
    guard replicas < servers else { return }
    let map = SlotMap(servers: servers, replicas: replicas)
    let target = SlotDeal.target(from: map, Self.takers(Array(0...servers)), replicas: replicas)
    let (before, after) = (Self.homes(map), Self.homes(target))
    let moved = before.indices.filter { before[$0][0] != after[$0][0] }
    #expect(moved.allSatisfy { after[$0][0] == servers }, "firsts move to the newcomer alone")
    let share = Rank.slots / (servers + 1)
    #expect((share...share + 1).contains(moved.count))
    let copies = before.indices.reduce(0) { $0 + Set(after[$1]).subtracting(before[$1]).count }
    let bound = Double(share) * (replicas == 0 ? 1 : 2.6) + 2
    #expect(Double(copies) <= bound, "\(copies) copies, a share is \(share)")
  }

  @Test(
    "A server that leaves: the others keep what they have, and with replicas most of its slots need no other first home"
  )
  func leaving() {
    for replicas in [0, 1] {
      let map = SlotMap(servers: 4, replicas: replicas)
      let target = SlotDeal.target(from: map, Self.takers([0, 1, 3]), replicas: replicas)
      let (before, after) = (Self.homes(map), Self.homes(target))
      let moved = before.indices.filter { before[$0][0] != after[$0][0] }
      let uncovered = moved.count { !before[$0].contains(after[$0][0]) }
      #expect(after.allSatisfy { !$0.contains(2) })
      if replicas == 0 {
        #expect(moved.count == Rank.slots / 4)
      } else {
        // Its neighbour takes over all, and hands on what is too much for it: half to where the copies are.
        #expect(uncovered <= Rank.slots / 12 + 1, "\(uncovered)")
      }
    }
  }

  @Test("Roles are swapped before anything is copied")
  func roles() throws {
    // Everything is first at 0, and second at 1: half of it is to be first at 1, without a copy.
    let map = try SlotMap(runs: [.init(first: 0, count: Rank.slots, homes: [0, 1])])
    let target = SlotDeal.target(from: map, Self.takers([0, 1]), replicas: 1)
    #expect(SlotDeal.fills(from: map, to: target).isEmpty)
    #expect(Self.homes(target).count { $0 == [0, 1] } == Rank.slots / 2)
    #expect(Self.homes(target).count { $0 == [1, 0] } == Rank.slots / 2)
  }

  @Test("What is as even as can be wanted stays as it is")
  func tolerance() throws {
    let uneven = try SlotMap(runs: [
      .init(first: 0, count: 9000, homes: [0]), .init(first: 9000, count: Rank.slots - 9000, homes: [1]),
    ])
    #expect(SlotDeal.target(from: uneven, Self.takers([0, 1]), replicas: 0) == uneven)
    for servers in 1...20 {
      for replicas in 0..<min(2, servers) {
        let map = SlotMap(servers: servers, replicas: replicas)
        #expect(SlotDeal.target(from: map, Self.takers(Array(0..<servers)), replicas: replicas) == map)
      }
    }
  }

  @Test("Deals stay short: servers that come and go do not shred them")
  func length() {
    var map = SlotMap(servers: 8)
    var servers = Array(0..<8)
    for round in 0..<30 {
      servers = round % 2 == 0 ? servers + [100 + round] : Array(servers.dropFirst())
      map = SlotDeal.target(from: map, Self.takers(servers), replicas: 0)
    }
    #expect(map.runs.count < 1000, "\(map.runs.count)")
  }
}

@Suite("The deal of slices")
struct SliceDealTests {
  private static func candidates(_ readable: [Set<Int>?]) -> [SliceDeal.Candidate] {
    readable.enumerated().map { .init(number: $0 * 2 + 1, readable: $1) }
  }

  @Test("Slices are dealt whole and in order, to every worker at least one", arguments: 1...8)
  func shared(workers: Int) throws {
    let dealt = try #require(
      SliceDeal.deal(slices: 8, to: Self.candidates(Array(repeating: nil, count: workers))))
    let slices = dealt.sorted { $0.key < $1.key }.map(\.value)
    #expect(slices.flatMap { $0 } == Array(0..<8) && slices.count == workers)
    #expect(slices.map(\.count).max()! - slices.map(\.count).min()! <= 1)
  }

  @Test("Workers beyond the slices are spares; without workers there is no deal")
  func spares() throws {
    let dealt = try #require(SliceDeal.deal(slices: 2, to: Self.candidates([nil, nil, nil])))
    #expect(dealt == [1: [0], 3: [1], 5: []])
    #expect(SliceDeal.deal(slices: 2, to: []) == nil)
  }

  @Test("Slices of a late worker are dealt to others too, if there are any who can read them")
  func covered() throws {
    func deal(_ readable: [Set<Int>?], late: Set<Int>) -> [Int: [Int]]? {
      SliceDeal.deal(slices: 8, to: Self.candidates(readable), covering: late)?.slices
    }
    func covered(_ readable: [Set<Int>?], late: Set<Int>) -> Set<Int>? {
      SliceDeal.deal(slices: 8, to: Self.candidates(readable), covering: late)?.covered
    }
    let all: Set<Int> = Set(0..<8)
    #expect(deal([nil, nil], late: [3]) == [1: Array(0..<8), 3: [4, 5, 6, 7]])
    #expect(covered([nil, nil], late: [3]) == [3])
    #expect(covered([nil, nil], late: [1, 3]) == [], "there is nobody else")
    #expect(deal([nil, nil], late: [1, 3]) == [1: [0, 1, 2, 3], 3: [4, 5, 6, 7]])
    // A spare takes most.
    #expect(
      SliceDeal.deal(slices: 2, to: Self.candidates([nil, nil, nil]), covering: [1])?.slices == [
        1: [0], 3: [1], 5: [0],
      ])
    #expect(covered([[0, 1, 2, 3], [4, 5, 6, 7]], late: [1]) == [], "nobody else can read them")
    #expect(covered([[0, 1, 2, 3], all], late: [1]) == [1])
    #expect(SliceDeal.deal(slices: 8, to: Self.candidates([[0]]), covering: [1]) == nil)
  }

  @Test("With data of their own, each slice goes to one that can read it; nobody can read some: no deal")
  func local() throws {
    #expect(SliceDeal.deal(slices: 3, to: Self.candidates([[0, 1, 2], [2]])) == [1: [0, 1], 3: [2]])
    #expect(SliceDeal.deal(slices: 3, to: Self.candidates([[0, 1], [1]])) == nil)
    #expect(SliceDeal.deal(slices: 3, to: Self.candidates([[0], nil])) == [1: [0], 3: [1, 2]])
    for seed in 0..<200 {
      var random = SeededRandom(UInt64(seed))
      let workers = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        Set((0..<8).filter { _ in Bool.random(using: &random) })
      }
      let dealt = SliceDeal.deal(slices: 8, to: Self.candidates(workers))
      #expect((dealt != nil) == (workers.reduce(Set()) { $0.union($1) }.count == 8))
      guard let dealt else { continue }
      #expect(dealt.values.flatMap { $0 }.sorted() == Array(0..<8) && dealt.count == workers.count)
      for (number, slices) in dealt { #expect(Set(slices).isSubset(of: workers[number / 2]) && slices.ascends) }
    }
  }
}

/// The same numbers for the same seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) { state = (seed &+ 1) &* 0xD1B5_4A32_D192_ED03 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
