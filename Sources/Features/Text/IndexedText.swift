import Glibc

/// The rows of libsvm, libfm and libffm: a label, then `index:value` or `field:index:value` between blanks.
struct IndexedText {
  struct Feature {
    /// libffm only.
    var field: UInt64
    var index: UInt64
    var value: Float
  }

  private let bytes: UnsafePointer<UInt8>
  private let count: Int
  private let hasFields: Bool
  private var position = 0

  /// - Parameter hasFields: libffm.
  init(_ bytes: UnsafePointer<UInt8>, count: Int, hasFields: Bool) {
    self.bytes = bytes
    self.hasFields = hasFields
    // What follows a number sign is a comment, as libsvm has it.
    let comment = memchr(bytes, 35, count)
    self.count = comment.map { UnsafeRawPointer($0) - UnsafeRawPointer(bytes) } ?? count
  }

  /// A carriage return may end the row.
  @inline(__always)
  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 13 }

  /// The next text between blanks or tabs.
  mutating func next() -> ColumnSpan? {
    while position < count, Self.isBlank(bytes[position]) { position &+= 1 }
    guard position < count else { return nil }
    let start = position
    while position < count, !Self.isBlank(bytes[position]) { position &+= 1 }
    return ColumnSpan(bytes + start, count: position &- start)
  }

  /// Goes past the label, if the first token is one: where labels do not count they may be missing.
  mutating func skipLabel() {
    var ahead = self
    if let token = ahead.next(), memchr(token.start, 58, token.count) == nil { self = ahead }
  }

  /// `qid:3`, the query of libsvm's ranking data: no feature.
  private static func isQuery(_ token: ColumnSpan) -> Bool {
    token.count > 4 && memcmp(token.start, "qid:", 4) == 0
  }

  mutating func nextFeature() throws -> Feature? {
    guard var token = next() else { return nil }
    while Self.isQuery(token) {
      guard let following = next() else { return nil }
      token = following
    }
    var place = 0
    func number() -> UInt64? {
      let start = place
      var number: UInt64 = 0
      while place < token.count, token.start[place] != 58 {
        let digit = UInt64(token.start[place]) &- 48
        guard digit <= 9 else { return nil }
        let (tens, isLarge) = number.multipliedReportingOverflow(by: 10)
        let (sum, isLarger) = tens.addingReportingOverflow(digit)
        guard !isLarge, !isLarger else { return nil }
        number = sum
        place &+= 1
      }
      guard place > start, place < token.count else { return nil }
      place &+= 1
      return number
    }
    let field = hasFields ? number() : 0
    guard let field, let index = number() else { throw malformed(token) }
    let length = token.count &- place
    // The commonest value by far.
    if length == 1, token.start[place] == 49 { return Feature(field: field, index: index, value: 1) }
    guard let value = NumberText.parse(token.start + place, count: length) else { throw malformed(token) }
    return Feature(field: field, index: index, value: Float(value))
  }

  private func malformed(_ token: ColumnSpan) -> RowFailure {
    RowFailure(
      "expected \(hasFields ? "field:index:value" : "index:value"), found \(RowFailure.quote(token)). Correct or remove the row"
    )
  }
}
