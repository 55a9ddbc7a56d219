import Sharding

/// A node's part of a step: gradients summed over the slices below the node, for the rows of one table in a group of slots.
/// Every group gets every node of every table, if only with no rows: it counts samples and losses too.
///
/// A first home sends the tree's root on to the others in the same way: to whoever holds the group, or a copy of slots of
/// it. Its answer says that the step is applied there. An async table is pushed one slice at a time, and sends on each.
public struct Push: Sendable {
  /// By its number in the view's slot map.
  public var group: Int
  public var table: Int
  /// The step.
  public var clock: UInt64
  /// Of what a first home of an async table sends on: how many it applied before in this view.
  public var arrival: UInt64
  public var node: SliceNode
  public var part: Int
  public var parts: Int
  /// Rows of data behind the node, and the sum of their logloss.
  public var samples: UInt64
  public var lossSum: Double
  /// `[UInt64]`, ascending.
  public var ranks: Frame
  /// `[count x width]` Floats.
  public var values: Frame
  /// Keys that had no row yet, `[UInt64]`, ascending, and how often each was met, `[UInt32]`.
  public var sightedRanks: Frame
  public var sightings: Frame

  public init(
    group: Int, table: Int, clock: UInt64, arrival: UInt64 = 0, node: SliceNode, part: Int, parts: Int,
    samples: UInt64, lossSum: Double,
    ranks: Frame, values: Frame, sightedRanks: Frame, sightings: Frame
  ) {
    self.group = group
    self.table = table
    self.clock = clock
    self.arrival = arrival
    self.node = node
    self.part = part
    self.parts = parts
    self.samples = samples
    self.lossSum = lossSum
    self.ranks = ranks
    self.values = values
    self.sightedRanks = sightedRanks
    self.sightings = sightings
  }

  public var count: Int { ranks.count / 8 }

  /// Far above any minibatch, and its sum over all slices is far below what a UInt64 holds.
  public static let mostSamples: UInt64 = 1 << 40

  func write(to fields: inout FieldWriter) -> [Frame] {
    fields.put(clock)
    fields.put(arrival)
    fields.put(samples)
    fields.put(lossSum.bitPattern)
    fields.put(UInt16(table))
    fields.put(node.level)
    fields.put(node.index)
    fields.put(UInt16(0))
    fields.put(UInt32(group))
    fields.put(UInt32(part))
    fields.put(UInt32(parts))
    return [ranks, values, sightedRanks, sightings]
  }

  init(_ fields: inout FieldReader, _ arrays: Arrays) throws {
    clock = try fields.get()
    arrival = try fields.get()
    samples = try fields.get()
    lossSum = Double(bitPattern: try fields.get())
    table = Int(try fields.get(UInt16.self))
    node = SliceNode(level: Int(try fields.get(UInt16.self)), index: Int(try fields.get(UInt16.self)))
    guard try fields.get(UInt16.self) == 0 else { throw WireError.malformed("reserved bytes are not zero") }
    group = Int(try fields.get(UInt32.self))
    part = Int(try fields.get(UInt32.self))
    parts = Int(try fields.get(UInt32.self))
    guard parts > 0, part < parts else { throw WireError.malformed("part \(part) of \(parts)") }
    guard samples <= Self.mostSamples else { throw WireError.malformed("a push for \(samples) samples") }
    guard arrays.frames.count == 4 else { throw WireError.malformed("a push of \(arrays.frames.count) frames") }
    ranks = try arrays.frame(0, of: UInt64.self, count: arrays.frames[0].count / 8)
    values = try arrays.frame(1, of: Float.self, count: arrays.frames[1].count / 4)
    sightedRanks = try arrays.frame(2, of: UInt64.self, count: arrays.frames[2].count / 8)
    sightings = try arrays.frame(3, of: UInt32.self, count: arrays.frames[2].count / 8)
  }
}
