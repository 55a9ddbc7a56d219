import Sharding
import Wire

/// Hashes all slots a few at a time, so that the server keeps answering meanwhile.
struct DigestTask {
  private var remaining: ArraySlice<(table: Int, slot: Int)>
  private var digests: [SlotDigest] = []

  private static let slotsPerTurn = 256

  init(_ shard: Shard) { remaining = shard.filledSlots[...] }

  /// Hashes the next slots. Returns all digests when the last is done.
  mutating func hashSome(of shard: Shard) -> [SlotDigest]? {
    for _ in 0..<Self.slotsPerTurn {
      guard let (table, slot) = remaining.popFirst() else { return digests }
      digests.append(shard.digest(table: table, slot: slot))
    }
    return nil
  }
}
