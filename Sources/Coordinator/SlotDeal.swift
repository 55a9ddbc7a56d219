import Sharding

/// Deals slots to servers with as few moves as possible. Bits do not depend on the deal, so it may follow load and accidents.
enum SlotDeal {
  /// How uneven shares may be before slots move for it.
  private static let tolerance = 1.25

  /// The deal to strive for.
  ///
  /// Who holds a slot keeps it, unless its server is to leave or holds far more than others. First roles go to homes that
  /// are there already before they go to anyone who would need a copy.
  ///
  /// - Parameters:
  ///   - current: who holds what; numbers that are not in `servers` are to lose all.
  ///   - servers: at least one.
  static func target(from current: SlotMap, servers: [Int], replicas: Int) -> SlotMap {
    let stay = Set(servers)
    var homes: [[Int]] = []
    homes.reserveCapacity(Rank.slots)
    for run in current.runs { homes += Array(repeating: run.homes.filter(stay.contains), count: run.count) }
    dealFirsts(&homes, servers)
    dealOthers(&homes, servers, replicas: min(replicas, servers.count - 1))
    return map(homes)
  }

  /// Which copies lead from one deal to another: by first home, whom it is to copy which slots to.
  static func fills(from current: SlotMap, to target: SlotMap) -> [Int: [FillOrder]] {
    var wanted: [Int: [Int: [Range<Int>]]] = [:]
    let targets = byslot(target)
    for run in current.runs {
      for slot in run.slots {
        for server in targets[slot] where !run.homes.contains(server) {
          wanted[run.homes[0], default: [:]][server, default: []].append(slot..<slot + 1)
        }
      }
    }
    return wanted.mapValues { receivers in
      receivers.sorted { $0.key < $1.key }.map { FillOrder(slots: joined($0.value), to: $0.key) }
    }
  }

  /// The homes of each slot.
  static func byslot(_ map: SlotMap) -> [[Int]] { map.runs.flatMap { Array(repeating: $0.homes, count: $0.count) } }

  static func map(_ homes: [[Int]]) -> SlotMap {
    var runs: [SlotMap.Run] = []
    for (slot, homes) in homes.enumerated() {
      if runs.last?.homes == homes {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(.init(first: slot, count: 1, homes: homes))
      }
    }
    guard let map = try? SlotMap(runs: runs) else { preconditionFailure("each slot has a home") }
    return map
  }

  static func joined(_ slots: [Range<Int>]) -> [Range<Int>] {
    var joined: [Range<Int>] = []
    for range in slots {
      if let last = joined.last, last.upperBound == range.lowerBound {
        joined[joined.count - 1] = last.lowerBound..<range.upperBound
      } else {
        joined.append(range)
      }
    }
    return joined
  }

  // MARK: Roles

  private static func dealFirsts(_ homes: inout [[Int]], _ servers: [Int]) {
    var counts = Dictionary(uniqueKeysWithValues: servers.map { ($0, 0) })
    for homes in homes { if let first = homes.first { counts[first]! += 1 } }
    let even = Double(Rank.slots) / Double(servers.count)
    let isEven =
      counts.values.allSatisfy { Double($0) <= even * tolerance + 1 && Double($0) >= even / tolerance - 1 }
      && homes.allSatisfy { !$0.isEmpty }
    guard !isEven else { return }
    // Those that have most keep one more where the shares do not come out even.
    var quota: [Int: Int] = [:]
    for (place, server) in servers.sorted(by: { (counts[$0]!, $1) > (counts[$1]!, $0) }).enumerated() {
      quota[server] = Rank.slots / servers.count + (place < Rank.slots % servers.count ? 1 : 0)
    }
    var open: [Int] = []
    for slot in homes.indices {
      if let first = homes[slot].first, quota[first]! > 0 { quota[first]! -= 1 } else { open.append(slot) }
    }
    // Roles are swapped before anything is copied.
    var uncovered: [Int] = []
    for slot in open {
      if let place = homes[slot].dropFirst().firstIndex(where: { quota[$0]! > 0 }) {
        quota[homes[slot][place]]! -= 1
        homes[slot].swapAt(0, place)
      } else {
        uncovered.append(slot)
      }
    }
    // Consecutive slots go together, so that deals stay short.
    var takers = servers.filter { quota[$0]! > 0 }[...]
    for slot in uncovered {
      while let taker = takers.first, quota[taker] == 0 { takers.removeFirst() }
      guard let taker = takers.first else { return }
      quota[taker]! -= 1
      homes[slot].insert(taker, at: 0)
    }
  }

  private static func dealOthers(_ homes: inout [[Int]], _ servers: [Int], replicas: Int) {
    var counts = Dictionary(uniqueKeysWithValues: servers.map { ($0, 0) })
    let most = Int(Double(Rank.slots * replicas) / Double(servers.count) * tolerance) + 1
    for slot in homes.indices {
      homes[slot].removeLast(max(0, homes[slot].count - 1 - replicas))
      homes[slot] =
        homes[slot].prefix(1)
        + homes[slot].dropFirst().filter { server in
          guard counts[server]! < most else { return false }
          counts[server]! += 1
          return true
        }
    }
    guard replicas > 0 else { return }
    for slot in homes.indices where homes[slot].count <= replicas {
      // The taker of the slot before takes on, as long as it has no more than others.
      let before = slot > 0 ? homes[slot - 1].dropFirst().first : nil
      let fewest = servers.filter { !homes[slot].contains($0) }.min { (counts[$0]!, $0) < (counts[$1]!, $1) }
      guard let fewest else { continue }
      let taker =
        before.map { !homes[slot].contains($0) && counts[$0]! < Rank.slots * replicas / servers.count } ?? false
        ? before! : fewest
      counts[taker]! += 1
      homes[slot].append(taker)
    }
  }
}
