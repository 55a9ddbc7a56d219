import Sharding

/// Deals slots to servers with as few moves as possible. Bits do not depend on the deal, so it may follow load and accidents.
enum SlotDeal {
  /// How uneven shares may be before slots move for it.
  static let tolerance = 1.25

  /// The deal to strive for.
  ///
  /// Who holds a slot keeps it, unless its server is to leave or holds far more than its share. First roles go to homes that
  /// are there already before they go to anyone who would need a copy.
  ///
  /// - Parameters:
  ///   - current: who holds what; numbers that are not in `takers` are to lose all.
  ///   - takers: at least one.
  static func target(from current: SlotMap, _ takers: [SlotShares.Taker], replicas: Int) -> SlotMap {
    let shares = SlotShares(takers, replicas: min(replicas, takers.count - 1))
    let stay = Set(takers.map(\.number))
    var homes = byslot(current).map { $0.filter(stay.contains) }
    dealFirsts(&homes, shares)
    dealOthers(&homes, shares, replicas: min(replicas, takers.count - 1))
    return SlotMap(homes: homes)
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

  private static func dealFirsts(_ homes: inout [[Int]], _ shares: SlotShares) {
    var counts = shares.firsts.mapValues { _ in 0 }
    for homes in homes { if let first = homes.first { counts[first]! += 1 } }
    let isEven =
      shares.firsts.allSatisfy { number, share in
        Double(counts[number]!) <= share * tolerance + 1 && Double(counts[number]!) >= share / tolerance - 1
      } && homes.allSatisfy { !$0.isEmpty }
    guard !isEven else { return }
    var quota = whole(shares.firsts) { counts[$0]! }
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
    var takers = shares.takers.map(\.number).filter { quota[$0]! > 0 }[...]
    for slot in uncovered {
      while let taker = takers.first, quota[taker] == 0 { takers.removeFirst() }
      guard let taker = takers.first else { return }
      quota[taker]! -= 1
      homes[slot].insert(taker, at: 0)
    }
  }

  /// Shares in whole slots: those that have most keep one more where they do not come out even.
  private static func whole(_ shares: [Int: Double], having count: (Int) -> Int) -> [Int: Int] {
    var quota = shares.mapValues { Int($0) }
    let left = Int(shares.values.reduce(0, +).rounded()) - quota.values.reduce(0, +)
    for server in quota.keys.sorted(by: { (count($0), $1) > (count($1), $0) }).prefix(left) { quota[server]! += 1 }
    return quota
  }

  static func dealOthers(_ homes: inout [[Int]], _ shares: SlotShares, replicas: Int) {
    var counts = shares.firsts.mapValues { _ in 0 }
    let most = shares.others.mapValues { Int($0 * tolerance) + 1 }
    for slot in homes.indices {
      homes[slot].removeLast(max(0, homes[slot].count - 1 - replicas))
      homes[slot] =
        homes[slot].prefix(1)
        + homes[slot].dropFirst().filter { server in
          guard counts[server]! < most[server]! else { return false }
          counts[server]! += 1
          return true
        }
    }
    guard replicas > 0 else { return }
    let quota = whole(shares.others) { counts[$0]! }
    let servers = shares.takers.map(\.number)
    func room(_ server: Int) -> Int { quota[server]! - counts[server]! }
    /// By server, where to look for a slot that it could take on.
    var places: [Int: Int] = [:]
    /// Whoever has room is the slot's first home: it takes another slot on, whose taker takes this.
    func swap(_ slot: Int) -> Bool {
      guard let free = servers.first(where: { room($0) > 0 }) else { return false }
      for other in places[free, default: 0]..<Rank.slots where !homes[other].contains(free) {
        guard let place = homes[other].dropFirst().firstIndex(where: { !homes[slot].contains($0) }) else { continue }
        homes[slot].append(homes[other][place])
        homes[other][place] = free
        counts[free]! += 1
        places[free] = other
        return true
      }
      return false
    }
    for slot in homes.indices {
      while homes[slot].count <= replicas {
        // The taker of the slot before takes on, as long as it has no more than its share.
        let before = slot > 0 ? homes[slot - 1].dropFirst().first : nil
        let open = servers.filter { !homes[slot].contains($0) }
        if let before, open.contains(before), room(before) > 0 {
          homes[slot].append(before)
          counts[before]! += 1
        } else if let most = open.max(by: { (room($0), $1) < (room($1), $0) }), room(most) > 0 {
          homes[slot].append(most)
          counts[most]! += 1
        } else if !swap(slot) {
          // Where nobody has room there are no further homes to be had.
          break
        }
      }
    }
  }
}
