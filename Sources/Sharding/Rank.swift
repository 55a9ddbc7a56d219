/// What a key is called everywhere behind the data: its rank, a bijective hash. Rows travel, are summed and are stored
/// in ascending order of ranks; a rank's top bits are the slot it lives in.
public enum Rank {
  /// The unit of sharding, checkpointing and resharding.
  public static let slots = 16_384

  /// The finaliser of MurmurHash3 (A. Appleby): neighbouring keys land far apart, and no two of them together.
  @inlinable public static func of(_ key: UInt64) -> UInt64 {
    var h = key
    h ^= h >> 33
    h = h &* 0xff51_afd7_ed55_8ccd
    h ^= h >> 33
    h = h &* 0xc4ce_b9fe_1a85_ec53
    h ^= h >> 33
    return h
  }

  /// Undoes `of`, step by step: the factors are inverses modulo 2⁶⁴, and a shift by more than half its width undoes itself.
  @inlinable public static func key(of rank: UInt64) -> UInt64 {
    var h = rank
    h ^= h >> 33
    h = h &* 0x9cb4_b2f8_1293_37db
    h ^= h >> 33
    h = h &* 0x4f74_430c_22a5_4005
    h ^= h >> 33
    return h
  }

  /// The top 14 bits, so that ascending ranks walk the slots in order.
  @inlinable public static func slot(of rank: UInt64) -> Int { Int(truncatingIfNeeded: rank >> 50) }

  /// The smallest rank of a slot.
  @inlinable public static func first(ofSlot slot: Int) -> UInt64 { UInt64(slot) << 50 }
}
