import Checkpoint
import Sharding
import Wire

/// A server's share of all tables in one view: what workers ask and tell, checked, and carried out.
struct Shard {
  let assignment: ServerAssignment
  private let tables: [ServedTable]
  /// By slot: whether it is ours to answer for.
  private let owned: [Bool]
  /// By incarnation: the view's workers.
  private var workers: [UInt64: Session] = [:]

  /// Steps that can be undone, and read back to: with lag s, 2 s + 2.
  static let undoDepth = 2

  /// - Throws: `ServerError` where the assignment contradicts itself.
  init(_ assignment: ServerAssignment) throws {
    guard (1...4096).contains(assignment.slices) else {
      throw ServerError.badAssignment("\(assignment.slices) slices")
    }
    guard (0..<assignment.slots.servers).contains(assignment.server) else {
      throw ServerError.badAssignment("server \(assignment.server) of \(assignment.slots.servers)")
    }
    guard !assignment.tables.isEmpty else { throw ServerError.badAssignment("no tables") }
    self.assignment = assignment
    var owned = [Bool](repeating: false, count: Rank.slots)
    for slots in assignment.slots.runs(firstAt: assignment.server) {
      for slot in slots { owned[slot] = true }
    }
    self.owned = owned
    tables = try assignment.tables.enumerated().map { number, description in
      ServedTable(
        try Table(
          description, number: number, seed: assignment.seed, clock: assignment.restore?.clock ?? 0,
          epochSteps: assignment.epochSteps, undoDepth: Self.undoDepth), slices: assignment.slices)
    }
  }

  // MARK: Workers

  struct Answer {
    var envelope: Envelope
    var route: Route
  }

  /// Takes whatever came at the port for workers. The answers are to be sent in their order.
  mutating func receive(
    _ envelope: Envelope, from route: Route, identity: Preamble, at time: Seconds
  ) -> [Answer] {
    let preamble = envelope.preamble
    func refuse(_ refusal: Refusal) -> [Answer] {
      [Answer(envelope: Envelope(refusing: preamble.request, refusal, as: identity), route: route)]
    }
    guard preamble.run == identity.run else { return refuse(.otherRun) }
    guard preamble.term == identity.term, preamble.view == identity.view || Mutant.ignoreView.isActive else {
      let isBehind = (preamble.term, preamble.view) < (identity.term, identity.view)
      return refuse(isBehind ? .staleView(now: identity.view) : .notYet)
    }
    guard let member = preamble.member, member.role == .worker,
      assignment.workers.indices.contains(member.number),
      assignment.workers[member.number] == preamble.incarnation || Mutant.ignoreIncarnation.isActive
    else { return refuse(.unknownMember) }
    var session =
      workers[preamble.incarnation] ?? Session(identity, with: preamble.incarnation, timing: Timing(), at: time)
    session.route = route
    let arrival = session.receive(envelope, at: time)
    workers[preamble.incarnation] = session
    guard case .question(let request, let message) = arrival else { return [] }
    return answer(message, request, of: preamble.incarnation)
  }

  private mutating func answer(_ message: Message, _ request: UInt64, of worker: UInt64) -> [Answer] {
    do {
      switch message {
      case .pull(let pull):
        let served = try table(pull.table)
        try check(pull.ranks, width: served.table.width)
        guard case .answer(let answer) = served.pull(pull, request: request, from: worker) else { return [] }
        return [send(answer, request, to: worker)].compactMap { $0 }
      case .push(let push):
        let served = try table(push.table)
        try check(push.ranks, width: served.table.width)
        try check(push.sightedRanks, width: served.table.width)
        guard push.values.count == push.count * served.table.width * 4 else {
          throw Refusal.malformed("\(push.count) rows of \(push.values.count) bytes")
        }
        let acknowledgement = send(served.push(push), request, to: worker)
        let released = served.release().map { send($0.answer, $0.request, to: $0.worker) }
        return ([acknowledgement] + released).compactMap { $0 }
      default: throw Refusal.malformed("a server is not asked for \(message.name)")
      }
    } catch let refusal as Refusal {
      return [send(.refusal(refusal), request, to: worker)].compactMap { $0 }
    } catch {
      return [send(.refusal(.malformed("\(error)")), request, to: worker)].compactMap { $0 }
    }
  }

  private mutating func send(_ message: Message, _ request: UInt64, to worker: UInt64) -> Answer? {
    guard var session = workers[worker], let route = session.route else { return nil }
    defer { workers[worker] = session }
    return Answer(envelope: session.answer(request, message), route: route)
  }

  private func table(_ number: Int) throws -> ServedTable {
    guard tables.indices.contains(number) else { throw Refusal.malformed("there is no table \(number)") }
    return tables[number]
  }

  /// What one message may ask for is bounded, so that its answer is too (ARCHITECTURE.md, promise 6). Ranks must ascend and lie
  /// in slots that are ours.
  private func check(_ frame: Frame, width: Int) throws {
    defer { withExtendedLifetime(frame) {} }
    let ranks = frame.elements(as: UInt64.self)
    let most = Parts.rowsPerPart(width: width)
    guard ranks.count <= most else {
      throw Refusal.malformed("\(ranks.count) rows in one message; send at most \(most) a part")
    }
    guard ranks.ascends else { throw Refusal.malformed("ranks do not ascend") }
    var foreign = -1
    for rank in ranks where !owned[Rank.slot(of: rank)] { foreign = Rank.slot(of: rank) }
    guard foreign < 0 else { throw Refusal.notOwner(slot: foreign) }
  }

  // MARK: Clocks

  /// Steps that all tables have applied.
  var clock: UInt64 { tables.map(\.clock).min() ?? 0 }

  var parkedPulls: Int { tables.reduce(0) { $0 + $1.parkedPulls } }

  /// Of the table that is furthest behind, whose clock is ours.
  var totals: StepTotals {
    tables.min { $0.clock < $1.clock }?.table.totals ?? StepTotals()
  }

  var activity: Activity {
    let missing = tables.min { $0.clock < $1.clock }?.missingSlices ?? []
    return Activity(.collecting, step: clock, slices: missing)
  }

  // MARK: Slots

  var load: ServerLoad {
    ServerLoad(tables: tables.map { .init(name: $0.table.name, rows: $0.table.rowCount, bytes: $0.table.bytes) })
  }

  /// Slots that hold rows, by table.
  var filledSlots: [(table: Int, slot: Int)] {
    tables.indices.flatMap { table in tables[table].table.filledSlots.map { (table, $0) } }
  }

  /// Slots changed since the last checkpoint, by table.
  var dirtySlots: [(table: Int, slot: Int)] {
    tables.indices.flatMap { table in tables[table].table.dirtySlots.map { (table, $0) } }
  }

  func digest(table: Int, slot: Int) -> SlotDigest {
    SlotDigest(table: table, slot: slot, digest: tables[table].table.digest(slot: slot))
  }

  func snapshot(table: Int, slot: Int) -> SlotSnapshot { tables[table].table.snapshot(slot: slot) }

  func markClean(table: Int, slot: Int) { tables[table].markClean(slot: slot) }

  /// Puts a stored slot where it was. From another model's checkpoint only the parameters are taken: its optimizer starts
  /// anew.
  ///
  /// - Throws: `SnapshotError` where the bytes are not a slot of this table.
  func restore(_ slot: ServerCore.StoredSlot) throws {
    let only = assignment.restore?.onlyParametersOf
    guard only == nil || slot.table == only else { return }
    guard tables.indices.contains(slot.table) else { throw SnapshotError.otherTable }
    // The next checkpoint must write what this server's own file lacks.
    try tables[slot.table].restore(
      slot.bytes, slot: slot.slot, isDirty: only != nil || slot.path != assignment.database,
      onlyParameters: only != nil)
  }
}
