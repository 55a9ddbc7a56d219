/// Where keys live: a key's slot, and the order in which keys travel and are summed.
public enum SlotOrder {
  /// The unit of sharding, checkpointing and resharding (DESIGN.md).
  public static let slots = 16_384

  /// A bijection of UInt64 (the finaliser of MurmurHash3, A. Appleby): neighbouring keys land far apart.
  @inlinable public static func hash(_ key: UInt64) -> UInt64 {
    var h = key
    h ^= h >> 33
    h = h &* 0xff51_afd7_ed55_8ccd
    h ^= h >> 33
    h = h &* 0xc4ce_b9fe_1a85_ec53
    h ^= h >> 33
    return h
  }

  /// `hash mod 16384`.
  @inlinable public static func slot(ofHash hash: UInt64) -> Int { Int(truncatingIfNeeded: hash & 16_383) }
  @inlinable public static func slot(of key: UInt64) -> Int { slot(ofHash: hash(key)) }

  /// Keys sort by this number: by slot first, then by the rest of the hash. Different keys have different ranks.
  @inlinable public static func rank(ofHash hash: UInt64) -> UInt64 { hash >> 14 | hash << 50 }
  @inlinable public static func rank(of key: UInt64) -> UInt64 { rank(ofHash: hash(key)) }

  /// The slot of a rank: its top 14 bits.
  @inlinable public static func slot(ofRank rank: UInt64) -> Int { Int(truncatingIfNeeded: rank >> 50) }
}
