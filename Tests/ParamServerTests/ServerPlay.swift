import Checkpoint
import ParamServer
import Sharding
import Testing
import Wire

/// Several servers, and a network between them that does what the test says: it keeps what they send until it is
/// delivered, lost or doubled.
final class ServerPlay {
  let rigs: [Rig]
  /// Under way between servers, in the order in which it was sent.
  private(set) var parcels: [Parcel] = []
  /// What servers told the coordinator, and answered workers, since it was last taken.
  private var told: [[ServerReport]]
  private(set) var rows: [[UInt32]] = []
  var generator: SeededGenerator
  /// How much is lost, and comes twice.
  var loss = 0.0
  var slots: SlotMap
  /// That is adopted, and that was proposed last.
  private(set) var view: UInt32 = 0
  private var proposed: UInt32 = 0
  /// Takes what servers write.
  var write: (_ slots: [SlotSnapshot], _ checkpoint: Int) -> Void = { _, _ in }
  /// By server, what its disk has done and not said yet.
  private var disks: [[ServerCore.Event]]
  private var sums: [PartHeader: PartSum] = [:]

  struct Parcel {
    var from: Int
    var to: Int
    var envelope: Envelope
    var isAnswer: Bool
  }

  init(_ slots: SlotMap, servers: Int, seed: Int = 1) throws {
    self.slots = slots
    generator = SeededGenerator(seed)
    told = Array(repeating: [], count: servers)
    disks = Array(repeating: [], count: servers)
    rigs = try (0..<servers).map { try Rig.welcomed(server: $0, timeout: 1e9) }
  }

  // MARK: Views

  func assignment(
    _ server: Int, tables: [TableDescription], lag: Int = 0, start: ServerAssignment.Start, clock: UInt64
  ) -> ServerAssignment {
    var assignment = assign(
      server: server, of: rigs.count, slots: slots, tables: tables, folder: "\(server)", lag: lag, start: start,
      clock: clock)
    assignment.epochs = EpochClock(steps: 7)
    return assignment
  }

  /// The number of a view that is to be proposed.
  func skip() -> UInt32 {
    proposed += 1
    return proposed
  }

  /// Goes on in the view that was proposed last; in the next, where none was.
  func proceed() {
    if proposed == view { proposed += 1 }
    view = proposed
  }

  /// Has all of them adopt the next view, without a proposal.
  func begin(
    tables: [TableDescription] = [describeTable()], lag: Int = 0, start: ServerAssignment.Start = .fresh,
    clock: UInt64 = 0
  ) throws {
    proceed()
    for rig in rigs {
      try rig.adopt(assignment(rig.server, tables: tables, lag: lag, start: start, clock: clock), view: view)
    }
  }

  /// The next view: proposed, decided by the least clock of all that is held, and adopted with other slots perhaps.
  ///
  /// - Returns: what each server said that it holds.
  @discardableResult func change(
    to slots: SlotMap? = nil, tables: [TableDescription] = [describeTable()], lag: Int = 0
  ) throws -> [ServerStanding] {
    let number = skip()
    let standings = try rigs.map { try $0.propose(number) }
    let clock = try #require(standings.flatMap { $0.holdings.map(\.clock) }.min())
    self.slots = slots ?? self.slots
    try begin(tables: tables, lag: lag, start: .held, clock: clock)
    return standings
  }

  // MARK: What is sent

  /// Does what a server's effects say, and returns the rest.
  @discardableResult func perform(_ effects: [ServerCore.Effect], of server: Int) -> [ServerCore.Effect] {
    told[server] += effects.reports
    for effect in effects {
      switch effect {
      case .ask(let envelope, let other):
        parcels.append(Parcel(from: server, to: other, envelope: envelope, isAnswer: false))
      case .send(let envelope, let route) where route.bytes[0] >= 100:
        parcels.append(Parcel(from: server, to: Int(route.bytes[0]) - 100, envelope: envelope, isAnswer: true))
      case .write(let snapshots, let header):
        write(snapshots, header.checkpoint)
        for snapshot in snapshots { sums[header, default: PartSum(header)].add(snapshot) }
        disks[server].append(.written(checkpoint: header.checkpoint))
      case .finish(let header):
        let part = (sums[header] ?? PartSum(header)).part(at: header.name)
        disks[server].append(.finished(checkpoint: header.checkpoint, part))
      default: break
      }
    }
    rows += effects.rows
    return effects
  }

  func ask(_ message: Message, of server: Int, from worker: Int = 0) -> [ServerCore.Effect] {
    perform(rigs[server].ask(message, from: worker), of: server)
  }

  func order(_ order: ServerOrder, of server: Int) { perform(rigs[server].order(order), of: server) }

  /// What a server has told the coordinator since.
  func reports(of server: Int) -> [ServerReport] {
    defer { told[server] = [] }
    return told[server]
  }

  func deliver(_ parcel: Parcel) {
    let event: ServerCore.Event =
      parcel.isAnswer
      ? .answered(parcel.envelope, fromServer: parcel.from)
      : .received(parcel.envelope, from: Route(bytes: [UInt8(100 + parcel.from)]))
    perform(rigs[parcel.to].tell(event), of: parcel.to)
  }

  /// Takes the first that is under way and fits out of the network.
  func take(where fits: (Parcel) -> Bool = { _ in true }) -> Parcel? {
    parcels.firstIndex(where: fits).map { parcels.remove(at: $0) }
  }

  /// Delivers one of what is under way; loses it, or delivers it and keeps it too, as often as `loss` says.
  private func deliverOne() {
    let place = loss == 0 ? 0 : Int.random(in: 0..<parcels.count, using: &generator)
    let parcel = parcels[place]
    let luck = Double.random(in: 0..<1, using: &generator)
    if luck >= loss { parcels.remove(at: place) }
    if luck < loss / 2 { parcels.remove(at: place) } else { deliver(parcel) }
  }

  /// Lets the network and long work go on until nothing moves, or some rounds have passed; time passes where messages are lost.
  func run(rounds: Int = 4000, turns: Bool = true, until isDone: () -> Bool = { false }) {
    var idle = 0
    for _ in 0..<rounds where !isDone() {
      let worker = rigs.filter { turns && $0.hasLongWork }.randomElement(using: &generator)
      if let server = disks.indices.filter({ !disks[$0].isEmpty }).randomElement(using: &generator),
        Bool.random(using: &generator)
      {
        perform(rigs[server].tell(disks[server].removeFirst()), of: server)
        continue
      }
      if !parcels.isEmpty, worker == nil || Bool.random(using: &generator) {
        deliverOne()
      } else if let worker {
        perform(worker.tell(.turn), of: worker.server)
      } else {
        // Answers may be lost: who waits for one asks again.
        idle += disks.allSatisfy(\.isEmpty) ? 1 : 0
        guard idle < 60 else { return }
        for rig in rigs {
          rig.time += 0.1
          perform(rig.tell(.tick), of: rig.server)
        }
        continue
      }
      idle = 0
    }
  }

  // MARK: Training

  /// A step's gradients of a table, to the first home of each group.
  func push(_ step: Step, clock: UInt64, table: Int = 0, width: Int = 3) -> [ServerCore.Effect] {
    slots.groups.flatMap { group in
      ask(part(step, of: group, clock: clock, table: table, width: width), of: group.first)
    }
  }

  func part(_ step: Step, of group: SlotGroup, clock: UInt64, table: Int = 0, width: Int = 3) -> Message {
    func isOf(_ rank: UInt64) -> Bool { group.slots.contains { $0.contains(Rank.slot(of: rank)) } }
    let isEmpty = step.samples == 0
    let places = isEmpty ? [] : step.ranks.indices.filter { isOf(step.ranks[$0]) }
    let met = isEmpty ? [] : zip(step.sightings.ranks, step.sightings.counts).filter { isOf($0.0) }
    return ParamServerTests.push(
      places.map { step.ranks[$0] }, places.flatMap { step.values[$0 * width..<($0 + 1) * width] }, clock: clock,
      samples: step.samples, lossSum: step.lossSum, table: table, sighted: met.map(\.0), sightings: met.map(\.1),
      group: group.number)
  }

  /// Digests of all first homes.
  func digests() throws -> [SlotDigest] {
    try rigs.flatMap { try $0.digests() }.sorted { ($0.table, $0.slot) < ($1.table, $1.slot) }
  }

  /// What all servers would write of their first homes' slots, at a clock at which all of them are.
  func checkpoint(number: Int, since: UInt64? = nil) throws -> [SlotBytes] {
    try rigs.flatMap { try $0.checkpoint(number: number, since: since) }
      .sorted { ($0.table, $0.slot) < ($1.table, $1.slot) }
  }

  var clocks: [UInt64] { rigs.map { $0.clock ?? 0 } }
}

/// One server that nothing befalls: what all others come to.
struct Reference {
  let rig: Rig
  let tables: [TableDescription]

  init(_ tables: [TableDescription] = [describeTable()], lag: Int = 0) throws {
    self.tables = tables
    var assignment = assign(tables: tables, lag: lag)
    assignment.epochs = EpochClock(steps: 7)
    rig = try Rig.serving(assignment, timeout: 1e9)
  }

  func push(_ step: Step, table: Int = 0) {
    let isEmpty = step.samples == 0
    _ = rig.ask(
      ParamServerTests.push(
        isEmpty ? [] : step.ranks, isEmpty ? [] : step.values, clock: rig.clock ?? 0, samples: step.samples,
        lossSum: step.lossSum, table: table, sighted: isEmpty ? [] : step.sightings.ranks,
        sightings: isEmpty ? [] : step.sightings.counts))
  }
}
