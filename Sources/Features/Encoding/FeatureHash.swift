import CXXHash

/// Keys of categories: XXH3 (64 bits, Y. Collet) of the category's bytes, seeded with the field's number.
///
/// Among a billion keys the chance that any two collide is about 3 %; among a hundred million, 0.03 %.
///
/// Some keys of a field stand for no text of the data: they hash a text that begins with a NUL byte, which no row may
/// hold.
enum FeatureHash {
  @inline(__always)
  static func key(_ bytes: UnsafeRawPointer, count: Int, field: Int) -> UInt64 {
    XXH3_64bits_withSeed(bytes, count, UInt64(field))
  }

  static func key(_ text: String, field: Int) -> UInt64 {
    Array(text.utf8).withUnsafeBytes {
      key($0.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: $0.count, field: field)
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
