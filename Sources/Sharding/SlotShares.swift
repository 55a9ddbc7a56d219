/// How many slots each server is to hold, in proportion to their weights.
public struct SlotShares: Sendable {
  /// A server, and how much it takes in proportion to others.
  public struct Taker: Hashable, Sendable {
    public var number: Int
    public var weight: Double

    public init(_ number: Int, weight: Double = 1) {
      self.number = number
      self.weight = weight
    }
  }

  /// That a server may have: with those of others, everyone's share is some slots.
  public static let weights = 0.1...10

  public let takers: [Taker]
  /// By number, slots to be the first home of.
  public let firsts: [Int: Double]
  /// By number, slots to be a further home of.
  public let others: [Int: Double]

  /// - Parameters:
  ///   - takers: at least one, each number once, of positive weights.
  ///   - replicas: further homes of each slot, fewer than there are takers.
  public init(_ takers: [Taker], replicas: Int) {
    precondition(!takers.isEmpty && (0..<takers.count).contains(replicas))
    self.takers = takers
    let slots = Double(Rank.slots)
    let weights = takers.reduce(0) { $0 + $1.weight }
    let firsts = Dictionary(uniqueKeysWithValues: takers.map { ($0.number, slots * $0.weight / weights) })
    // Nobody is two homes of a slot: what is too much for the greatest falls to the rest.
    var others: [Int: Double] = [:]
    var open = takers
    var left = slots * Double(replicas)
    while !open.isEmpty {
      let weights = open.reduce(0) { $0 + $1.weight }
      let full = open.filter { left * $0.weight / weights > slots - firsts[$0.number]! }
      for taker in full.isEmpty ? open : full {
        others[taker.number] = min(left * taker.weight / weights, slots - firsts[taker.number]!)
      }
      left -= full.reduce(0) { $0 + others[$1.number]! }
      open = full.isEmpty ? [] : open.filter { taker in !full.contains(taker) }
    }
    self.firsts = firsts
    self.others = others
  }

  var isEven: Bool { takers.allSatisfy { $0.weight == takers[0].weight } }
}

extension SlotMap {
  /// Consecutive slots for each server, as its weight says.
  ///
  /// Replicas of equal shares are at the servers after them; with other weights, of which there may be one, at those that hold
  /// the other side of the circle of slots, so that who holds twice as much holds twice as many replicas too.
  public init(_ shares: SlotShares, replicas: Int) {
    guard !shares.isEven else {
      self.init(servers: shares.takers.map(\.number), replicas: replicas)
      return
    }
    precondition(replicas <= 1)
    var owners: [Int] = []
    var end = 0.0
    for taker in shares.takers {
      end += shares.firsts[taker.number]!
      owners += Array(repeating: taker.number, count: max(0, min(Rank.slots, Int(end.rounded())) - owners.count))
    }
    while owners.count < Rank.slots { owners.append(shares.takers.last!.number) }
    let greatest = shares.takers.max { $0.weight < $1.weight }!.number
    let half = Rank.slots / 2
    let rest = owners.filter { $0 != greatest }
    let most = Rank.slots - rest.count
    var seen = 0
    let homes = owners.indices.map { slot -> [Int] in
      guard replicas == 1 else { return [owners[slot]] }
      guard most > half else { return [owners[slot], owners[(slot + half) % Rank.slots]] }
      guard owners[slot] == greatest else { return [owners[slot], greatest] }
      defer { seen += 1 }
      return [greatest, rest[seen * rest.count / most]]
    }
    self.init(homes: homes)
  }

  /// - Parameter homes: of each slot.
  public init(homes: [[Int]]) {
    precondition(homes.count == Rank.slots)
    var runs: [Run] = []
    for (slot, homes) in homes.enumerated() {
      if runs.last?.homes == homes {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(Run(first: slot, count: 1, homes: homes))
      }
    }
    guard let map = try? SlotMap(runs: runs) else { preconditionFailure("each slot has homes, none twice") }
    self = map
  }
}
