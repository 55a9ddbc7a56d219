import Foundation

/// A value as one line of JSON, its keys in alphabetical order.
enum JSONLine {
  /// - Returns: `null` for numbers that JSON does not have: NaN and infinities.
  static func encode(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // A string that is in no data, to be found again.
    let none = UUID().uuidString
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: none, negativeInfinity: none, nan: none)
    return String(decoding: try encoder.encode(value), as: UTF8.self).replacingOccurrences(
      of: "\"\(none)\"", with: "null")
  }
}

/// A value that JSON has as null where it is not known, rather than as no key.
@propertyWrapper
struct OrNull<Value: Encodable>: Encodable {
  var wrappedValue: Value?

  init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(wrappedValue)
  }
}
