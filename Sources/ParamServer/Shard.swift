import Checkpoint
import Sharding
import Wire

/// What a server holds in one view: what workers and other servers ask and tell, checked, and carried out.
struct Shard {
  let assignment: ServerAssignment
  let groups: [SlotGroup]
  /// By slot, the group's number.
  private let groupOfSlot: [UInt16]
  /// By group, what this server is a home of.
  private(set) var holdings: [Int: Holding] = [:]
  /// Those that it is the first home of, in the order of their groups.
  private(set) var firstHoldings: [Holding] = []
  /// By group, copies that its first home makes here.
  var copies: [Int: Holding] = [:]
  /// Parts of copied slots that have come.
  var copyParts: [CopyPlace: [Int: Frame]] = [:]
  /// By incarnation: processes of the view that ask.
  private var askers: [UInt64: Session] = [:]
  /// By number, other homes that this server asks.
  var peers = Peers()
  private let depth: Int
  /// By slot, floats of rows and gradients that messages of this view spoke of.
  private(set) var traffic = [Int](repeating: 0, count: Rank.slots)

  /// A slot that is being copied.
  struct CopyPlace: Hashable {
    var group: Int
    var table: Int
    var slot: Int
    var clock: UInt64
  }

  /// Steps that can be undone, and read back to.
  static func undoDepth(lag: Int) -> Int { 2 * lag + 2 - (Mutant.shallowLog.isActive ? 1 : 0) }

  /// - Parameter before: what was held until now; taken apart where the assignment says that the state is held.
  /// - Throws: `ServerError` where the assignment contradicts itself, or wants what is not held.
  init(_ assignment: ServerAssignment, before: Shard?) throws {
    guard (1...4096).contains(assignment.slices) else {
      throw ServerError.badAssignment("\(assignment.slices) slices")
    }
    guard (0...64).contains(assignment.lag) else { throw ServerError.badAssignment("a lag of \(assignment.lag)") }
    guard assignment.servers.contains(where: { $0.number == assignment.server }),
      assignment.slots.servers.allSatisfy({ number in assignment.servers.contains { $0.number == number } })
    else { throw ServerError.badAssignment("server \(assignment.server) of \(assignment.servers.map(\.number))") }
    guard !assignment.tables.isEmpty else { throw ServerError.badAssignment("no tables") }
    self.assignment = assignment
    groups = assignment.slots.groups
    depth = Self.undoDepth(lag: assignment.lag)
    var groupOfSlot = [UInt16](repeating: 0, count: Rank.slots)
    for group in groups { for slot in group.slots.joined() { groupOfSlot[slot] = UInt16(group.number) } }
    self.groupOfSlot = groupOfSlot
    let mine = groups.filter { $0.homes.contains(assignment.server) }
    if case .held = assignment.start {
      try regroup(mine, before)
    } else {
      for group in mine {
        holdings[group.number] = Holding(group: group, tables: try assignment.tables.indices.map { try make($0) })
      }
    }
    firstHoldings = mine.filter { $0.first == assignment.server }.map { holdings[$0.number]! }
    for holding in firstHoldings {
      for table in holding.served {
        table.followers = holding.group.homes.dropFirst().map { Follower(server: $0, clock: table.position) }
      }
    }
  }

  /// An empty table at the assignment's clock.
  private func make(_ number: Int) throws(ServerError) -> ServedTable {
    var totals = StepTotals()
    if case .restored(let restore) = assignment.start { totals = restore.totals }
    let ledger = Ledger(slices: assignment.slices, epochs: assignment.epochs, clock: assignment.clock, totals: totals)
    return try make(number, clock: assignment.clock, totals: totals, ledger, past: assignment.lag)
  }

  /// - Parameters:
  ///   - ledger: of the slots that it begins with, if it is async; nil: of none.
  ///   - arrived: what was applied before in this view, if it is async.
  ///   - past: steps before the clock whose states may be read.
  func make(
    _ number: Int, clock: UInt64, totals: StepTotals, _ ledger: Ledger? = nil, arrived: UInt64 = 0, past: Int = 0
  ) throws(ServerError) -> ServedTable {
    let description = assignment.tables[number]
    let empty = Ledger(slices: assignment.slices, epochs: assignment.epochs)
    var table = try Table(
      description, number: number, seed: assignment.seed, clock: clock, totals: totals, epochs: assignment.epochs,
      undoDepth: depth, ledger: description.isAsync ? ledger ?? empty : nil)
    table.assumePast(steps: past)
    return ServedTable(
      table, slices: assignment.slices, lag: description.staleness ?? 0, clock: assignment.clock,
      arrived: arrived)
  }

  /// Takes over what was held in the view before, as the new one groups it.
  private mutating func regroup(_ mine: [SlotGroup], _ before: Shard?) throws {
    let needed = SlotSet(mine.flatMap(\.slots))
    let all = before.map { Array($0.holdings.values) + $0.copies.values.filter(\.isComplete) } ?? []
    // What is not dealt to this server goes, wherever it stands.
    let sources = all.filter { $0.group.slots.contains { $0.contains { needed.contains($0) } } }
    let goesBack = !Mutant.rollBackOneOnly.isActive || assignment.server == assignment.slots.servers.first
    for source in sources {
      for table in source.served {
        if goesBack || table.clock < assignment.clock { try table.rollBack(to: assignment.clock) }
        table.leaveView(for: assignment.clock)
      }
    }
    for group in mine {
      let wanted = SlotSet(group.slots)
      var missing = wanted.count
      let givers = sources.compactMap { source -> (holding: Holding, slots: [Range<Int>])? in
        let slots = source.group.slots.flatMap { $0.filter(wanted.contains) }
        missing -= slots.count
        return slots.isEmpty ? nil : (source, Self.joined(slots))
      }
      guard missing == 0 else {
        throw ServerError.badAssignment(
          "slots \(group.slots) are dealt to this server, which does not hold all of them")
      }
      holdings[group.number] = try Holding(group, from: givers) { number, source in
        try make(number, clock: source.clock, totals: source.table.totals)
      }
    }
  }

  private static func joined(_ slots: [Int]) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    for slot in slots {
      if let last = ranges.last, last.upperBound == slot {
        ranges[ranges.count - 1] = last.lowerBound..<slot + 1
      } else {
        ranges.append(slot..<slot + 1)
      }
    }
    return ranges
  }

  // MARK: Askers

  struct Answer {
    var envelope: Envelope
    var route: Route
  }

  /// Takes whatever came at the port for members, of this run and view. The answers are to be sent in their order.
  mutating func receive(
    _ envelope: Envelope, from route: Route, identity: Preamble, at time: Seconds
  ) -> [Answer] {
    let preamble = envelope.preamble
    guard let asker = seat(of: preamble) else {
      let refusal = Refusal.unknownMember(preamble.incarnation)
      return [Answer(envelope: Envelope(refusing: preamble.request, refusal, as: identity), route: route)]
    }
    var session =
      askers[preamble.incarnation] ?? Session(identity, with: preamble.incarnation, timing: Timing(), at: time)
    session.route = route
    let arrival = session.receive(envelope, at: time)
    askers[preamble.incarnation] = session
    guard case .question(let request, let message) = arrival else { return [] }
    return answer(message, request, of: preamble.incarnation, asker)
  }

  /// Who speaks, if it is of the view.
  private func seat(of preamble: Preamble) -> Member? {
    guard let member = preamble.member else { return nil }
    let seats = member.role == .worker ? assignment.workers : member.role == .server ? assignment.servers : []
    let isSeated = seats.contains {
      $0.number == member.number && ($0.incarnation == preamble.incarnation || Mutant.ignoreIncarnation.isActive)
    }
    return isSeated ? member : nil
  }

  private mutating func answer(
    _ message: Message, _ request: UInt64, of asker: UInt64, _ member: Member
  ) -> [Answer] {
    do {
      switch (message, member.role) {
      case (.pull(let pull), .worker):
        let table = try table(pull.group, pull.table)
        try check(pull.ranks, in: pull.group, width: table.width)
        guard case .answer(let answer) = table.pull(pull, request: request, from: asker) else { return [] }
        return [send(answer, request, to: asker)].compactMap { $0 }
      case (.push(let push), .worker):
        let table = try table(push.group, push.table)
        return try take(push, by: table, request, of: asker) {
          try $0.push(push, request: request, from: asker)
        }
      case (.push(let push), .server):
        let table = try follower(push, of: member.number)
        return try take(push, by: table, request, of: asker) { .answer(try $0.follow(push)) }
      case (.copy(let copy), .server):
        return [send(try take(copy, from: member.number), request, to: asker)].compactMap { $0 }
      default: throw Refusal.malformed("a server is not asked for \(message.name)")
      }
    } catch let refusal as Refusal {
      return [send(.refusal(refusal), request, to: asker)].compactMap { $0 }
    } catch {
      return [send(.refusal(.malformed("\(error)")), request, to: asker)].compactMap { $0 }
    }
  }

  private mutating func take(
    _ push: Push, by table: ServedTable, _ request: UInt64, of asker: UInt64,
    _ body: (ServedTable) throws -> ServedTable.Reply
  ) throws -> [Answer] {
    try check(push.ranks, in: push.group, width: table.gradientWidth)
    try check(push.sightedRanks, in: push.group, width: table.gradientWidth)
    guard push.values.count == push.count * table.gradientWidth * 4 else {
      throw Refusal.malformed("\(push.count) rows of \(push.values.count) bytes")
    }
    let reply = try body(table)
    advance(table, push.group, push.table)
    var answers: [Answer?] = []
    if case .answer(let answer) = reply { answers.append(send(answer, request, to: asker)) }
    return (answers + release(table)).compactMap { $0 }
  }

  /// Sends on and applies what is complete.
  mutating func advance(_ table: ServedTable, _ group: Int, _ number: Int) {
    for (server, pushes) in table.advance(group: group, table: number) {
      for push in pushes { peers.ask(.push(push), of: server) }
    }
  }

  /// Answers to pulls whose clock has come.
  private mutating func release(_ table: ServedTable) -> [Answer?] {
    table.release().map { send($0.answer, $0.request, to: $0.worker) }
  }

  /// Goes on with whatever can go on: after a hold, or a follower's acknowledgement.
  mutating func advanceAll() -> [Answer] {
    var answers: [Answer?] = []
    for (group, holding) in holdings.sorted(by: { $0.key < $1.key }) {
      for (number, table) in holding.served.enumerated() {
        advance(table, group, number)
        answers += release(table)
      }
    }
    return answers.compactMap { $0 }
  }

  private mutating func send(_ message: Message, _ request: UInt64, to asker: UInt64) -> Answer? {
    guard var session = askers[asker], let route = session.route else { return nil }
    defer { askers[asker] = session }
    return Answer(envelope: session.answer(request, message), route: route)
  }

  // MARK: Checks

  /// A table that this server is the first home of.
  private func table(_ group: Int, _ number: Int) throws -> ServedTable {
    guard groups.indices.contains(group) else { throw Refusal.malformed("there is no group \(group)") }
    guard groups[group].first == assignment.server, let holding = holdings[group] else {
      throw Refusal.notOwner(slot: groups[group].slots[0].lowerBound)
    }
    guard holding.tables.indices.contains(number), let table = holding.tables[number] else {
      throw Refusal.malformed("there is no table \(number)")
    }
    return table
  }

  /// The table that a first home sends a root for: of a group that this server is a home of too, or of a copy.
  private func follower(_ push: Push, of giver: Int) throws -> ServedTable {
    guard groups.indices.contains(push.group), groups[push.group].first == giver else {
      throw Refusal.malformed("server-\(giver) is not the first home of group \(push.group)")
    }
    let holding = holdings[push.group] ?? copies[push.group]
    // The copy that it follows on is on its way.
    guard let holding, holding.tables.indices.contains(push.table), let table = holding.tables[push.table] else {
      throw Refusal.notYet
    }
    guard table.isAsync || push.node == .root(of: assignment.slices) else {
      throw Refusal.malformed("another home is sent roots")
    }
    return table
  }

  /// What one message may ask for is bounded, so that its answer is too (ARCHITECTURE.md, promise 6). Ranks must ascend and lie
  /// in the group's slots.
  private mutating func check(_ frame: Frame, in group: Int, width: Int) throws {
    defer { withExtendedLifetime(frame) {} }
    let ranks = frame.elements(as: UInt64.self)
    let most = Parts.rowsPerPart(width: width)
    guard ranks.count <= most else {
      throw Refusal.malformed("\(ranks.count) rows in one message; send at most \(most) a part")
    }
    guard ranks.ascends else { throw Refusal.malformed("ranks do not ascend") }
    var foreign = -1
    for rank in ranks {
      let slot = Rank.slot(of: rank)
      traffic[slot] &+= width
      if groupOfSlot[slot] != UInt16(group) { foreign = slot }
    }
    guard foreign < 0 else { throw Refusal.notOwner(slot: foreign) }
  }
}
