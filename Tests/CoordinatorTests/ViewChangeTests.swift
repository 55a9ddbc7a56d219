import Checkpoint
import Sharding
import Testing
import Wire

@testable import Coordinator

@Suite("What a view is to be")
struct ViewChangeTests {
  private static let all = 0..<Rank.slots

  private static func holding(_ slots: [Range<Int>], _ clock: UInt64, from earliest: UInt64? = nil)
    -> ServerStanding.Holding
  {
    .init(slots: slots, clock: clock, earliest: earliest ?? (clock > 2 ? clock - 2 : 0))
  }

  /// Servers of a view that hold what it deals them, each at a clock; those without a clock are gone.
  private static func change(
    _ before: ViewRecord, at clocks: [UInt64?], recorded: UInt64 = 0, replicas: Int = 0
  ) -> ViewChange {
    var servers: [Int: (incarnation: UInt64, standing: ServerStanding)] = [:]
    for (number, clock) in clocks.enumerated() {
      guard let clock else { continue }
      let slots = before.slots!.runs(heldBy: number)
      servers[number] = (
        Sample.incarnation(.server(number)),
        ServerStanding(view: before.number, holdings: slots.isEmpty ? [] : [holding(slots, clock)])
      )
    }
    return ViewChange(
      replicas: replicas, before: before, recorded: recorded, base: recorded, servers: servers,
      staying: servers.keys.sorted().map { .init($0) })
  }

  private static func view(
    servers: Int = 2, replicas: Int = 0, isRewound: Bool = false, slots: SlotMap? = nil
  ) -> ViewRecord {
    Sample.view(
      3, clock: 8, isRewound: isRewound, servers: servers, slots: slots ?? SlotMap(servers: servers, replicas: replicas)
    )
  }

  @Test("The least clock of all homes wins, and all that is held is kept")
  func leastClock() {
    let view = Self.view(servers: 3, replicas: 1)
    for clocks: [UInt64] in [[10, 9, 10], [9, 9, 9], [10, 10, 9]] {
      let deal = Self.change(view, at: clocks, recorded: 8, replicas: 1).decide()
      #expect(deal == .init(slots: view.slots, clock: 9, isRewound: false))
    }
  }

  @Test("The first view of a stage, and one after a survey, starts from what is recorded")
  func beginning() {
    var change = Self.change(Self.view(), at: [9, 9], recorded: 8)
    change.before = nil
    #expect(change.decide() == .init(slots: SlotMap(servers: 2), clock: 8, isRewound: true))
    change.before = Self.view()
    change.before?.slots = nil
    #expect(change.decide().isRewound)
    change.replicas = nil
    #expect(change.decide() == .init(slots: nil, clock: 8, isRewound: true))
  }

  @Test("A home that is gone with the only copy of some slots: all go back to what is recorded")
  func lostHome() {
    let deal = Self.change(Self.view(), at: [9, nil], recorded: 8).decide()
    #expect(deal == .init(slots: SlotMap(servers: [0]), clock: 8, isRewound: true))
  }

  @Test("A replica takes over; what has no other home is left with one")
  func takeover() throws {
    let view = Self.view(servers: 3, replicas: 1)
    let deal = Self.change(view, at: [9, nil, 10], recorded: 8, replicas: 1).decide()
    #expect(!deal.isRewound && deal.clock == 9)
    let (before, after) = (SlotDeal.byslot(view.slots!), SlotDeal.byslot(try #require(deal.slots)))
    #expect(before.indices.allSatisfy { after[$0] == before[$0].filter { $0 != 1 } })
  }

  @Test("When both homes of a slot are gone, all go back")
  func bothHomes() {
    let deal = Self.change(Self.view(servers: 3, replicas: 1), at: [nil, nil, 10], recorded: 8, replicas: 1).decide()
    #expect(deal.isRewound && deal.clock == 8 && deal.slots == SlotMap(servers: [2]))
  }

  @Test("A home that answers as another incarnation, or without holding anything, is none")
  func holdsNothing() {
    var change = Self.change(Self.view(), at: [9, 9], recorded: 8)
    change.servers[1]!.incarnation += 1
    #expect(change.decide().isRewound)
    change = Self.change(Self.view(), at: [9, 9], recorded: 8)
    change.servers[1]!.standing = ServerStanding(view: 0)
    #expect(change.decide().isRewound)
    change.servers[1]!.standing = ServerStanding(
      view: 3, holdings: [Self.holding([Rank.slots / 2..<Rank.slots - 1], 9)])
    #expect(change.decide().isRewound, "one slot is missing")
  }

  @Test("A clock that some home cannot go back to is of no use: all go back")
  func beyondReach() {
    var change = Self.change(Self.view(), at: [9, 12], recorded: 8)
    #expect(change.servers[1]!.standing.holdings[0].earliest == 10)
    #expect(change.decide() == .init(slots: SlotMap(servers: 2), clock: 8, isRewound: true))
    change = Self.change(Self.view(), at: [9, 11], recorded: 8)
    #expect(!change.decide().isRewound)
  }

  @Test("Nothing goes on behind what is recorded")
  func behindRecord() {
    #expect(Self.change(Self.view(), at: [9, 10], recorded: 10).decide().isRewound)
    #expect(!Self.change(Self.view(), at: [10, 10], recorded: 10).decide().isRewound)
  }

  @Test("A rewind that some home did not adopt is repeated; whoever is dealt nothing does not matter")
  func halfRewound() {
    var change = Self.change(Self.view(isRewound: true), at: [8, 8], recorded: 8)
    #expect(!change.decide().isRewound)
    change.servers[1]!.standing.view = 2
    #expect(change.decide().isRewound)
    change.servers[1]!.standing.view = 0
    #expect(change.decide().isRewound)
    let map = SlotMap(servers: 2)
    change = Self.change(Self.view(servers: 3, isRewound: true, slots: map), at: [8, 8, 8], recorded: 8)
    change.servers[2]!.standing.view = 0
    #expect(change.decide() == .init(slots: map, clock: 8, isRewound: false))
    change = Self.change(
      Self.view(servers: 3, replicas: 1, isRewound: true), at: [8, 8, nil], recorded: 8, replicas: 1)
    #expect(!change.decide().isRewound, "whoever is gone holds nothing that is half old")
  }

  @Test("A home that did not adopt the view before, which was no rewind, holds what it held")
  func lateAdopter() {
    var change = Self.change(Self.view(), at: [9, 9], recorded: 8)
    change.servers[1]!.standing.view = 2
    #expect(change.decide() == .init(slots: SlotMap(servers: 2), clock: 9, isRewound: false))
    // What it was dealt then may be a copy that was made for it.
    change.servers[1]!.standing.copies[0] = change.servers[1]!.standing.holdings
    change.servers[1]!.standing.holdings = []
    #expect(change.decide() == .init(slots: SlotMap(servers: 2), clock: 9, isRewound: false))
  }

  // MARK: Copies

  /// Two servers, and a third that has copies of `slots` of the first.
  private static func filled(_ slots: [Range<Int>], at clock: UInt64 = 9) -> ViewChange {
    let map = SlotMap(servers: 2)
    var change = Self.change(Self.view(servers: 3, slots: map), at: [9, 9, 9], recorded: 8)
    change.servers[2]!.standing.copies[0] = [holding(map.runs(heldBy: 0), clock)]
    change.servers[0]!.standing.filled = [FillOrder(slots: slots, to: 2)]
    let (half, end) = (slots.last!.upperBound, Rank.slots / 2)
    change.target = try? SlotMap(runs: [
      .init(first: 0, count: half, homes: [2]), .init(first: half, count: end - half, homes: [0]),
      .init(first: end, count: end, homes: [1]),
    ])
    return change
  }

  @Test("A copy that is whole and waited for becomes a home, and the one before lets go")
  func copy() {
    let change = Self.filled([0..<100])
    let deal = change.decide()
    #expect(deal.slots == change.target && !deal.isRewound && deal.clock == 9)
    #expect(Self.filled([0..<100], at: 8).decide().clock == 8, "its clock counts")
  }

  @Test("A copy that its giver does not wait for, or that is behind the record, is none")
  func noCopy() {
    var change = Self.filled([0..<100])
    change.servers[0]!.standing.filled = []
    #expect(change.decide().slots == SlotMap(servers: 2))
    change = Self.filled([0..<100], at: 7)
    #expect(change.decide() == .init(slots: SlotMap(servers: 2), clock: 9, isRewound: false))
    change = Self.filled([0..<100])
    change.servers[2]!.standing.copies = [:]
    #expect(change.decide().slots == SlotMap(servers: 2))
    change = Self.filled([0..<100])
    change.servers[2]!.standing.copies = [1: change.servers[2]!.standing.copies[0]!]
    #expect(change.decide().slots == SlotMap(servers: 2), "it is another's")
  }

  @Test("Of a copy, only what was ordered counts: the rest of the group may not be there")
  func partOfACopy() throws {
    var change = Self.filled([0..<100])
    change.target = try SlotMap(runs: [
      .init(first: 0, count: 200, homes: [2]), .init(first: 200, count: Rank.slots / 2 - 200, homes: [0]),
      .init(first: Rank.slots / 2, count: Rank.slots / 2, homes: [1]),
    ])
    let homes = SlotDeal.byslot(try #require(change.decide().slots))
    #expect(homes[99] == [2] && homes[100] == [0] && homes[199] == [0])
  }

  @Test("A copy of an earlier view is none, nor is one by somebody who is not the slot's first home")
  func oldCopy() {
    var change = Self.filled([0..<100])
    change.servers[0]!.standing.view = 2
    #expect(change.decide().slots == SlotMap(servers: 2))
    change = Self.filled([0..<100])
    change.servers[2]!.standing.view = 2
    #expect(change.decide().slots == SlotMap(servers: 2))
    change = Self.filled([0..<100])
    let far = [Rank.slots - 100..<Rank.slots]
    change.servers[0]!.standing.filled = [FillOrder(slots: far, to: 2)]
    change.servers[2]!.standing.copies[0] = [Self.holding(far, 9)]
    #expect(change.decide().slots == SlotMap(servers: 2))
  }

  @Test("When the giver is gone, nobody says that the copy is whole: all go back")
  func giverGone() {
    var change = Self.filled([0..<Rank.slots / 2])
    change.servers[0] = nil
    #expect(change.decide().isRewound)
  }

  @Test("A whole copy saves the run when a home dies that it does not come from, and does not lead anything back")
  func copyInTime() throws {
    var change = Self.filled([0..<100])
    // The target is of before: the copies are used as far as they are there, all else stays.
    change.target = nil
    let deal = change.decide()
    #expect(deal.slots == SlotMap(servers: 2), "without a deal to strive for, roles stay")
  }

  @Test("Who is to leave lets go once all of a slot's wanted homes are there, even with fewer homes than before")
  func leaving() throws {
    let view = Self.view(servers: 2, replicas: 1)
    var change = Self.change(view, at: [9, 9], recorded: 8, replicas: 1)
    change.staying = [.init(1)]
    change.target = SlotDeal.target(from: view.slots!, [.init(1)], replicas: 1)
    let deal = change.decide()
    #expect(deal.slots == SlotMap(servers: [1]) && !deal.isRewound)
    #expect(SlotDeal.target(from: deal.slots!, [.init(1)], replicas: 1) == deal.slots)
    // Not before, where another is to come in its place.
    let three = Self.view(servers: 3, slots: view.slots)
    change = Self.change(three, at: [9, 9, 9], recorded: 8, replicas: 1)
    change.target = SlotDeal.target(from: view.slots!, [.init(1), .init(2)], replicas: 1)
    #expect(SlotDeal.byslot(try #require(change.decide().slots)).allSatisfy { Set($0) == [0, 1] })
  }
}
