import CXXHash

/// Keys of categories: XXH3 (64 bits, Y. Collet) of the category's bytes, seeded with the field's number.
///
/// Among a billion keys the chance that any two collide is about 3 %; among a hundred million, 0.03 %.
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
}
