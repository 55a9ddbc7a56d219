import Sharding

/// Moves as few slots as will do, so that every server bears what its weight says.
struct SlotBalance {
  let shares: SlotShares
  let replicas: Int
  /// By slot.
  let loads: [Double]

  /// How far a server's number of slots may be from its share for the sake of load: nearer than what slots would be moved
  /// back for.
  private static let tolerance = 1.2

  /// By server, what its slots come to: of which it is the first home.
  func borne(in map: SlotMap) -> [Int: Double] {
    var borne = shares.firsts.mapValues { _ in 0.0 }
    for run in map.runs { for slot in run.slots { borne[run.homes[0], default: 0] += loads[slot] } }
    return borne
  }

  /// The deal to strive for: the heaviest slots move from servers that bear too much to those that bear too little, as long as
  /// neither comes to the other's side; to one that is a home already, if there is one.
  ///
  /// - Parameter current: of the takers alone.
  func target(from current: SlotMap) -> SlotMap {
    var homes = SlotDeal.byslot(current)
    let total = loads.reduce(0, +)
    var excess = borne(in: current)
    for (server, share) in shares.firsts { excess[server]! -= total * share / Double(Rank.slots) }
    var counts = shares.firsts.mapValues { _ in 0 }
    for homes in homes { counts[homes[0]]! += 1 }
    func mayGive(_ server: Int) -> Bool { Double(counts[server]! - 1) >= shares.firsts[server]! / Self.tolerance }
    func mayTake(_ server: Int) -> Bool { Double(counts[server]! + 1) <= shares.firsts[server]! * Self.tolerance }
    let heaviest = homes.indices.filter { excess[homes[$0][0]]! > 0 }.sorted { (loads[$1], $0) < (loads[$0], $1) }
    for slot in heaviest {
      let (giver, load) = (homes[slot][0], loads[slot])
      guard load > 0, load <= excess[giver]!, mayGive(giver) else { continue }
      let takers = shares.takers.map(\.number).filter { excess[$0]! + load <= 0 && mayTake($0) }
      let nearest = takers.filter(homes[slot].contains)
      guard let taker = (nearest.isEmpty ? takers : nearest).min(by: { (excess[$0]!, $0) < (excess[$1]!, $1) }) else {
        continue
      }
      excess[giver]! -= load
      excess[taker]! += load
      counts[giver]! -= 1
      counts[taker]! += 1
      if let place = homes[slot].firstIndex(of: taker) {
        homes[slot].swapAt(0, place)
      } else {
        // Whoever gives it up may stay a further home.
        homes[slot].insert(taker, at: 0)
      }
    }
    SlotDeal.dealOthers(&homes, shares, replicas: replicas)
    return SlotMap(homes: homes)
  }
}
