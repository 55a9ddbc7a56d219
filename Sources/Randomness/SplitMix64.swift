/// The arithmetic under every random number here, and under hashes of small numbers.
///
/// - Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
public enum SplitMix64 {
  /// What one state of the generator is ahead of the one before: 2⁶⁴ divided by the golden ratio, made odd.
  public static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The finaliser: a bijection in which each bit of the word changes each bit of the result half of the time.
  @inlinable
  @inline(__always)
  public static func mix(_ word: UInt64) -> UInt64 {
    var z = word
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
