import Glibc

/// Criteo's layout: `label TAB I1 ... I13 TAB C1 ... C26`.
///
/// An integer v becomes the category `floor(ln(v)²)` for v > 2, else v itself, as in 3 Idiots' winning solution of the
/// challenge. Its key hashes the text `i` and the number; a missing value of either kind hashes no bytes at all, so it
/// is a category of its own.
struct CriteoRow: Sendable {
  static let integers = 13
  static let fields = 39

  private static let tableStart = -64
  private static let tableEnd = 512
  /// `[13 x 576]`: keys of the integer categories that occur.
  private let integerKeys: [UInt64]
  private let missingKeys: [UInt64]
  /// Category of the integers 0 ..< 4096.
  private let categories: [Int16]

  init() {
    integerKeys = (0..<Self.integers).flatMap { field in
      (Self.tableStart..<Self.tableEnd).map { FeatureHash.key("i\($0)", field: field) }
    }
    missingKeys = (0..<Self.fields).map { FeatureHash.key("", field: $0) }
    categories = (0..<4096).map { Int16(Self.category($0)) }
  }

  static func category(_ value: Int) -> Int {
    guard value > 2 else { return value }
    let logarithm = log(Double(value))
    return Int((logarithm * logarithm).rounded(.down))
  }

  private func key(integer value: Int, field: Int) -> UInt64 {
    let category = 0..<4096 ~= value ? Int(categories[value]) : Self.category(value)
    guard category >= Self.tableStart, category < Self.tableEnd else {
      return FeatureHash.key("i\(category)", field: field)
    }
    return integerKeys[field * (Self.tableEnd - Self.tableStart) + category - Self.tableStart]
  }

  /// Parses the row in `bytes`, without its line end.
  @inline(__always)
  func parse(_ bytes: UnsafeRawBufferPointer, keys: UnsafeMutablePointer<UInt64>, label: UnsafeMutablePointer<Float>)
    throws
  {
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count >= 2, base[1] == 9,
      base[0] == 48 || base[0] == 49
    else { throw badLabel(bytes) }
    label.pointee = Float(base[0] &- 48)
    var position = 2
    var field = 0
    let end = bytes.count
    while field < Self.fields {
      let start = position
      if field < Self.integers {
        var value = 0
        let isNegative = position < end && base[position] == 45
        if isNegative { position &+= 1 }
        let digits = position
        while position < end, base[position] != 9 {
          let digit = Int(base[position]) &- 48
          guard digit >= 0, digit <= 9, position &- digits < 18 else {
            throw notInteger(bytes, from: start, field: field)
          }
          value = value &* 10 &+ digit
          position &+= 1
        }
        if position == digits {
          guard !isNegative else { throw notInteger(bytes, from: start, field: field) }
          keys[field] = missingKeys[field]
        } else {
          keys[field] = key(integer: isNegative ? -value : value, field: field)
        }
      } else {
        while position < end, base[position] != 9 { position &+= 1 }
        keys[field] =
          position == start
          ? missingKeys[field] : FeatureHash.key(base + start, count: position &- start, field: field)
      }
      field &+= 1
      if position == end || field == Self.fields { break }
      position &+= 1
    }
    guard field == Self.fields, position == end else { throw wrongColumns(bytes) }
  }

  private func badLabel(_ bytes: UnsafeRawBufferPointer) -> RowFailure {
    let columns = bytes.split(separator: 9, omittingEmptySubsequences: false)
    guard columns.count == Self.fields + 1 else { return wrongColumns(bytes) }
    return RowFailure(
      "expected the label 0 or 1, found \"\(String(decoding: columns[0], as: UTF8.self))\". Correct or remove the row")
  }

  private func wrongColumns(_ bytes: UnsafeRawBufferPointer) -> RowFailure {
    let found = bytes.count { $0 == 9 } + 1
    return RowFailure(
      "expected \(Self.fields + 1) tab-separated columns, found \(found). Correct or remove the row, or choose another --format"
    )
  }

  private func notInteger(_ bytes: UnsafeRawBufferPointer, from start: Int, field: Int) -> RowFailure {
    let text = String(decoding: bytes[start...].prefix { $0 != 9 }, as: UTF8.self)
    return RowFailure("I\(field + 1): expected an integer or nothing, found \"\(text)\". Correct or remove the row")
  }
}
