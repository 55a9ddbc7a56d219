import Checkpoint
import Sharding
import Wire

/// The tables of a group of slots, or of a copy of some, that go through steps together.
struct Holding {
  /// Of the view: its number, its homes, its slots.
  let group: SlotGroup
  /// By table; nil for one of a copy that nothing has come of yet.
  var tables: [ServedTable?]

  var served: [ServedTable] { tables.compactMap { $0 } }

  /// Steps that all tables have applied.
  var clock: UInt64 { served.map(\.clock).min() ?? 0 }
  /// The earliest clock that all can go back to.
  var earliest: UInt64 { served.map { $0.table.earliestReturn }.max() ?? 0 }
  /// Whether something of every table is here.
  var isComplete: Bool { !tables.contains { $0 == nil } }

  var standing: ServerStanding.Holding { .init(slots: group.slots, clock: clock, earliest: earliest) }
}

extension Holding {
  /// Tables for a group of a new view, of slots that others hold: all at the same clock.
  ///
  /// A holding whose slots stay together is taken as it is.
  ///
  /// - Parameters:
  ///   - sources: holdings of the view before, rolled back, each with those slots of the group that it is to give.
  ///   - make: an empty table like another.
  init(
    _ group: SlotGroup, from sources: [(holding: Holding, slots: [Range<Int>])],
    make: (_ table: Int, _ like: ServedTable) throws -> ServedTable
  ) rethrows {
    self.group = group
    if let (holding, slots) = sources.first, sources.count == 1, slots == holding.group.slots {
      tables = holding.tables
      return
    }
    tables = try sources[0].holding.served.enumerated().map { number, first in
      let table = try make(number, first)
      let parts = sources.compactMap { source in
        source.holding.tables[number].map { (log: $0.table.log, slots: source.slots) }
      }
      table.takeHistory(parts)
      for (holding, slots) in sources { if let source = holding.tables[number] { table.take(slots, from: source) } }
      return table
    }
  }
}
