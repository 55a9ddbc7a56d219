/// What the slots are worth to a server of which it is the first home.
public struct SlotLoads: Codable, Hashable, Sendable {
  /// Ascending.
  public var slots: [Range<Int>]
  /// By slot, in that order: bytes that rows take with all that belongs to them.
  public var memory: [Int]
  /// By slot, in that order: bytes of rows that workers asked for and of gradients that came, in this view.
  public var traffic: [Int]

  public init(slots: [Range<Int>], memory: [Int], traffic: [Int]) {
    self.slots = slots
    self.memory = memory
    self.traffic = traffic
  }
}
