import Sharding
import Wire

/// Hashes all slots a few at a time, so that the server keeps answering meanwhile.
struct DigestTask {
  private var remaining: ArraySlice<Shard.SlotPlace>
  private var digests: [SlotDigest] = []

  private static let slotsPerTurn = 256

  init(_ shard: Shard) { remaining = shard.filledSlots[...] }

  /// Hashes the next slots. Returns all digests when the last is done.
  mutating func hashSome(of shard: Shard) -> [SlotDigest]? {
    for _ in 0..<Self.slotsPerTurn {
      guard let place = remaining.popFirst() else { return digests }
      if let digest = shard.digest(place) { digests.append(digest) }
    }
    return nil
  }
}
