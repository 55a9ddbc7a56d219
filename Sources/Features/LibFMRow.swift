import Glibc

/// libfm's layout: `label index:value index:value ...`, the j-th feature belonging to field j.
///
/// The key is the index; the label is 1, or 0 or -1.
struct LibFMRow: Sendable {
  let fields: Int

  func parse(
    _ bytes: UnsafeRawBufferPointer, keys: UnsafeMutablePointer<UInt64>, values: UnsafeMutablePointer<Float>,
    label: UnsafeMutablePointer<Float>
  ) throws {
    var scanner = TokenScanner(bytes)
    guard let first = scanner.next(), let sign = Label.parse(first) else {
      throw RowFailure(
        "expected the label 1, 0 or -1, found \"\(TokenScanner.first(of: bytes))\". Correct or remove the row")
    }
    label.pointee = sign
    var field = 0
    while let token = scanner.next() {
      guard field < fields else {
        throw RowFailure("expected \(fields) features as in the first row, found more. Correct or remove the row")
      }
      guard let (index, value) = Self.feature(token) else {
        throw RowFailure(
          "expected index:value, found \"\(String(decoding: token, as: UTF8.self))\". Correct or remove the row")
      }
      keys[field] = index
      values[field] = value
      field += 1
    }
    guard field == fields else {
      throw RowFailure("expected \(fields) features as in the first row, found \(field). Correct or remove the row")
    }
  }

  private static func feature(_ token: UnsafeRawBufferPointer) -> (UInt64, Float)? {
    var index: UInt64 = 0
    var position = 0
    while position < token.count, token[position] != 58 {
      let digit = UInt64(token[position]) &- 48
      guard digit <= 9, position < 19 else { return nil }
      index = index * 10 + digit
      position += 1
    }
    guard position > 0, position + 1 < token.count else { return nil }
    // The commonest value by far.
    if token.count == position + 2, token[position + 1] == 49 { return (index, 1) }
    guard let value = Float(String(decoding: token[(position + 1)...], as: UTF8.self)), value.isFinite else {
      return nil
    }
    return (index, value)
  }
}

/// Labels as people write them.
enum Label {
  static func parse(_ token: UnsafeRawBufferPointer) -> Float? {
    switch String(decoding: token, as: UTF8.self) {
    case "1", "+1", "1.0": 1
    case "0", "-1", "0.0", "-1.0": 0
    default: nil
    }
  }
}

/// Splits at blanks and tabs.
struct TokenScanner {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func next() -> UnsafeRawBufferPointer? {
    while position < bytes.count, bytes[position] == 32 || bytes[position] == 9 { position += 1 }
    guard position < bytes.count else { return nil }
    let start = position
    while position < bytes.count, bytes[position] != 32, bytes[position] != 9 { position += 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
  }

  static func first(of bytes: UnsafeRawBufferPointer) -> String {
    var scanner = TokenScanner(bytes)
    return scanner.next().map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
