import Sharding

/// A slot of one table as it is after all steps before `clock`, from its first home to a server that is to hold it too.
/// Answered by `pushed` once it is there.
public struct Copy: Sendable {
  /// The group that the slot belongs to, by its number in the view's slot map.
  public var group: Int
  public var table: Int
  public var slot: Int
  /// Of an async table: arrivals in this view, which stand for steps.
  public var clock: UInt64
  /// Of an async table, `[UInt64]`: by slice, the steps that the slot has applied. Else empty.
  public var applied: Frame
  /// Of the epoch so far, after these steps.
  public var totals: StepTotals
  /// Large slots travel as several messages, `0..<parts`.
  public var part: Int
  public var parts: Int
  /// Bytes of a `SlotSnapshot`.
  public var bytes: Frame

  public init(
    group: Int, table: Int, slot: Int, clock: UInt64, applied: Frame = Frame(count: 0), totals: StepTotals,
    part: Int = 0,
    parts: Int = 1, bytes: Frame
  ) {
    self.group = group
    self.table = table
    self.slot = slot
    self.clock = clock
    self.applied = applied
    self.totals = totals
    self.part = part
    self.parts = parts
    self.bytes = bytes
  }

  /// Most bytes that one message should hold.
  public static let partBytes = 1 << 20
  /// Far more parts than any slot has.
  public static let mostParts = 1 << 14

  func write(to fields: inout FieldWriter) -> [Frame] {
    fields.put(clock)
    fields.put(totals.rows)
    fields.put(totals.lossSum.bitPattern)
    fields.put(UInt32(group))
    fields.put(UInt16(table))
    fields.put(UInt16(slot))
    fields.put(UInt32(part))
    fields.put(UInt32(parts))
    return [bytes, applied]
  }

  init(_ fields: inout FieldReader, _ arrays: Arrays) throws {
    clock = try fields.get()
    totals = StepTotals(rows: try fields.get(), lossSum: Double(bitPattern: try fields.get()))
    group = Int(try fields.get(UInt32.self))
    table = Int(try fields.get(UInt16.self))
    slot = Int(try fields.get(UInt16.self))
    guard slot < Rank.slots else { throw WireError.malformed("there is no slot \(slot)") }
    part = Int(try fields.get(UInt32.self))
    parts = Int(try fields.get(UInt32.self))
    guard (1...Self.mostParts).contains(parts), part < parts else {
      throw WireError.malformed("part \(part) of \(parts)")
    }
    guard arrays.frames.count == 2 else { throw WireError.malformed("a copy of \(arrays.frames.count) frames") }
    bytes = try arrays.frame(0, of: UInt8.self, count: arrays.frames[0].count)
    applied = try arrays.frame(1, of: UInt64.self, count: arrays.frames[1].count / 8)
  }
}
