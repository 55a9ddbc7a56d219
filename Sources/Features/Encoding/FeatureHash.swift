import CXXHash
import Randomness

/// Keys of categories: XXH3 (64 bits, Y. Collet) of the category's bytes, seeded with a hash of the field's number.
///
/// The number alone would not do: XXH3 mixes a seed into texts of up to 8 bytes by an addition and an exclusive or, so
/// that under small seeds different texts of different fields have the same hash far more often than by chance ("193"
/// under 0 and "195" under 2). Under seeds that differ everywhere, the chance that any two of a billion keys collide is
/// about 3 %; of a hundred million, 0.03 %.
///
/// Some keys of a field stand for no text of the data: they hash a text that begins with a NUL byte, which no row may
/// hold.
enum FeatureHash {
  /// SplitMix64's finaliser of the field's number, from 1.
  static func seed(field: Int) -> UInt64 { SplitMix64.mix(UInt64(field + 1) &* SplitMix64.golden) }

  static func key(_ text: String, field: Int) -> UInt64 {
    Array(text.utf8).withUnsafeBytes {
      XXH3_64bits_withSeed($0.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, $0.count, seed(field: field))
    }
  }

  /// A value that is missing: the empty text.
  static func missing(field: Int) -> UInt64 { key("", field: field) }
  /// All values that are not in the vocabulary, or not yet admitted.
  static func outOfVocabulary(field: Int) -> UInt64 { key("\0other", field: field) }
  /// What a number stands beside.
  static func number(field: Int) -> UInt64 { key("\0number", field: field) }
  static func bucket(_ bucket: Int, field: Int) -> UInt64 { key("i\(bucket)", field: field) }
}
