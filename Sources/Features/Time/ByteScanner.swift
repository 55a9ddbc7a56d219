/// Goes through the bytes of a text.
struct ByteScanner {
  private let bytes: ColumnSpan
  private(set) var position = 0

  init(_ bytes: ColumnSpan) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }
  /// The next byte; 0 at the end.
  var next: UInt8 { isAtEnd ? 0 : bytes.start[position] }

  /// Takes a byte if it comes next.
  mutating func take(_ byte: UInt8) -> Bool {
    guard !isAtEnd, bytes.start[position] == byte else { return false }
    position += 1
    return true
  }

  /// Takes the next byte if it is one of some.
  mutating func take(oneOf some: StaticString) -> UInt8? {
    let found = next
    guard found != 0, some.withUTF8Buffer({ $0.contains(found) }) else { return nil }
    position += 1
    return found
  }

  mutating func skipBlanks() { while next == 32 || next == 9 { position += 1 } }

  private var isAtDigit: Bool { 48...57 ~= next }

  /// Takes as many digits as come, at most the upper bound; nil, and nothing, if these are too few.
  mutating func number(digits: ClosedRange<Int>) -> UInt64? {
    let start = position
    var number: UInt64 = 0
    while isAtDigit, position - start < digits.upperBound {
      number = number &* 10 &+ UInt64(next - 48)
      position += 1
    }
    guard position - start >= digits.lowerBound else {
      position = start
      return nil
    }
    return number
  }

  mutating func int(digits: ClosedRange<Int>) -> Int? { number(digits: digits).map { Int($0) } }

  /// How many digits come next.
  var digits: Int {
    var scanner = self
    while scanner.isAtDigit { scanner.position += 1 }
    return scanner.position - position
  }

  /// Takes digits behind a point, however many, in units of 10⁻¹⁸.
  mutating func fraction() -> UInt64? {
    var fraction: UInt64 = 0
    var taken = 0
    while isAtDigit {
      if taken < 18 { fraction = fraction * 10 + UInt64(next - 48) }
      taken += 1
      position += 1
    }
    guard taken > 0 else { return nil }
    while taken < 18 {
      fraction *= 10
      taken += 1
    }
    return fraction
  }

  /// Takes letters, as capitals.
  mutating func word() -> String {
    var letters: [UInt8] = []
    while 65...90 ~= next & 0xDF {
      letters.append(next & 0xDF)
      position += 1
    }
    return String(decoding: letters, as: UTF8.self)
  }
}

extension String {
  func withSpan<Value>(_ body: (ColumnSpan) -> Value) -> Value {
    var copy = self
    return copy.withUTF8 { bytes in
      // An empty text has no bytes to point at; a span of none is not read.
      body(ColumnSpan(bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!, count: bytes.count))
    }
  }
}

extension ColumnSpan {
  /// Without blanks around.
  var trimmed: ColumnSpan {
    var (first, last) = (0, count)
    while first < last, start[first] == 32 || start[first] == 9 { first += 1 }
    while last > first, start[last - 1] == 32 || start[last - 1] == 9 { last -= 1 }
    return ColumnSpan(start + first, count: last - first)
  }
}
