/// Asks for rows of a table, of a group of slots, as they are once all steps before `clock` are applied; held until then.
///
/// A group that has none of a step's rows is asked all the same, for none: its answer says that it is ready for the
/// step, so that no push comes before.
public struct Pull: Sendable {
  /// What becomes of keys that have no row.
  public enum Purpose: UInt8, Sendable {
    /// They read as the rows they would start as.
    case training = 0
    /// They read as zeros: an unseen feature contributes nothing.
    case scoring = 1
  }

  /// By its number in the view's slot map.
  public var group: Int
  public var table: Int
  public var clock: UInt64
  public var purpose: Purpose
  /// `[UInt64]`, ascending.
  public var ranks: Frame

  public init(group: Int, table: Int, clock: UInt64, purpose: Purpose, ranks: Frame) {
    self.group = group
    self.table = table
    self.clock = clock
    self.purpose = purpose
    self.ranks = ranks
  }

  public var count: Int { ranks.count / 8 }

  func write(to fields: inout FieldWriter) -> [Frame] {
    fields.put(clock)
    fields.put(UInt32(group))
    fields.put(UInt16(table))
    fields.put(purpose.rawValue)
    return [ranks]
  }

  init(_ fields: inout FieldReader, _ arrays: Arrays) throws {
    clock = try fields.get()
    group = Int(try fields.get(UInt32.self))
    table = Int(try fields.get(UInt16.self))
    guard let purpose = Purpose(rawValue: try fields.get()) else { throw WireError.malformed("a pull for nothing") }
    self.purpose = purpose
    ranks = try arrays.frame(0, of: UInt64.self, count: (arrays.frames.first?.count ?? 0) / 8)
  }
}

/// The rows asked for, in the order of their ranks.
public struct Rows: Sendable {
  /// `[count x width]` Floats.
  public var values: Frame

  public init(values: Frame) { self.values = values }

  func write(to fields: inout FieldWriter) -> [Frame] { [values] }

  init(_ fields: inout FieldReader, _ arrays: Arrays) throws {
    values = try arrays.frame(0, of: Float.self, count: (arrays.frames.first?.count ?? 0) / 4)
  }
}
