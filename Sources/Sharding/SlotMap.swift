/// Which servers hold each slot. The coordinator deals it; everyone else only reads it.
public struct SlotMap: Codable, Hashable, Sendable {
  /// `first..<first + count` live at `homes`.
  public struct Run: Codable, Hashable, Sendable {
    public var first: Int
    public var count: Int
    /// Numbers of servers: the first answers and applies, the others keep replicas.
    public var homes: [Int]

    public init(first: Int, count: Int, homes: [Int]) {
      self.first = first
      self.count = count
      self.homes = homes
    }

    public var slots: Range<Int> { first..<first + count }
  }

  /// Ascending; every slot is in one of them.
  public let runs: [Run]
  /// The slots by who holds them, in the order of their first slots.
  public let groups: [SlotGroup]

  /// Most servers a map can name.
  public static let mostServers = 1 << 16

  /// Even shares of consecutive slots; replicas of a server's share are at the servers after it.
  ///
  /// - Parameter servers: their numbers, each once.
  public init(servers: [Int], replicas: Int = 0) {
    precondition((1...Rank.slots).contains(servers.count) && (0..<servers.count).contains(replicas))
    runs = servers.indices.map { place in
      let first = place * Rank.slots / servers.count
      return Run(
        first: first, count: (place + 1) * Rank.slots / servers.count - first,
        homes: (0...replicas).map { servers[(place + $0) % servers.count] })
    }
    groups = SlotGroup.grouping(runs)
  }

  /// Even shares over the servers `0..<servers`.
  public init(servers: Int, replicas: Int = 0) { self.init(servers: Array(0..<servers), replicas: replicas) }

  /// Any deal.
  ///
  /// - Parameter runs: ascending; together they hold every slot once, each with at least one home and none twice.
  /// - Throws: `SlotMapError` that names the first run which is not so.
  public init(runs: [Run]) throws(SlotMapError) {
    var next = 0
    for run in runs {
      guard run.first == next, run.count > 0, run.count <= Rank.slots - next else {
        throw .badRun(first: run.first, reason: "it has \(run.count) slots, and slot \(next) comes next")
      }
      guard !run.homes.isEmpty, Set(run.homes).count == run.homes.count,
        run.homes.allSatisfy({ (0..<Self.mostServers).contains($0) })
      else { throw .badRun(first: run.first, reason: "its homes are \(run.homes)") }
      next += run.count
    }
    guard next == Rank.slots else { throw .incomplete(slots: next) }
    self.runs = runs
    groups = SlotGroup.grouping(runs)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(runs: try container.decode([Run].self, forKey: .runs))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(runs, forKey: .runs)
  }

  private enum CodingKeys: CodingKey { case runs }

  /// The servers that hold a slot, the first home first.
  public func homes(ofSlot slot: Int) -> [Int] {
    runs[runs.map(\.first).position(ofFirstAbove: slot) - 1].homes
  }

  public func firstHome(ofSlot slot: Int) -> Int { homes(ofSlot: slot)[0] }

  /// The first home of each of the 16,384 slots.
  public func owners() -> [UInt16] {
    runs.flatMap { [UInt16](repeating: UInt16($0.homes[0]), count: $0.count) }
  }

  /// The slots of which a server is the first home, ascending.
  public func runs(firstAt server: Int) -> [Range<Int>] { runs.filter { $0.homes[0] == server }.map(\.slots) }

  /// The slots that a server holds, as first home or as replica, ascending.
  public func runs(heldBy server: Int) -> [Range<Int>] { runs.filter { $0.homes.contains(server) }.map(\.slots) }

  /// Numbers of all servers that hold a slot, ascending.
  public var servers: [Int] { Set(runs.flatMap(\.homes)).sorted() }
}

/// Slots that have the same homes, in the same order of roles. They go through steps together, and have one clock at each
/// of their homes: what workers pull from, push to, and wait for.
public struct SlotGroup: Hashable, Sendable {
  /// Its place in its map's `groups`, by which messages name it.
  public let number: Int
  /// The first answers and applies, the others keep replicas.
  public let homes: [Int]
  /// Ascending.
  public let slots: [Range<Int>]

  public var first: Int { homes[0] }

  static func grouping(_ runs: [SlotMap.Run]) -> [SlotGroup] {
    var places: [[Int]: Int] = [:]
    var slots: [[Range<Int>]] = []
    var homes: [[Int]] = []
    for run in runs {
      let place = places[run.homes] ?? slots.count
      if place == slots.count {
        places[run.homes] = place
        homes.append(run.homes)
        slots.append([])
      }
      if let last = slots[place].last, last.upperBound == run.first {
        slots[place][slots[place].count - 1] = last.lowerBound..<run.slots.upperBound
      } else {
        slots[place].append(run.slots)
      }
    }
    return slots.indices.map { SlotGroup(number: $0, homes: homes[$0], slots: slots[$0]) }
  }
}

/// Why runs are no deal of the slots.
public enum SlotMapError: Error, Hashable, CustomStringConvertible {
  case badRun(first: Int, reason: String)
  case incomplete(slots: Int)

  public var description: String {
    switch self {
    case .badRun(let first, let reason): "the run of slots that begins at \(first) cannot be dealt: \(reason)."
    case .incomplete(let slots): "only the first \(slots) of \(Rank.slots) slots are dealt."
    }
  }
}
