/// Text in UTF-16, piece by piece, as UTF-8.
struct UTF16Text {
  let isLittleEndian: Bool
  /// A byte, or the first half of a pair, that waits for what follows.
  private var waiting: [UInt8] = []
  private var isAtStart = true

  init(isLittleEndian: Bool) { self.isLittleEndian = isLittleEndian }

  /// Text that is not UTF-16.
  struct Malformed: Error {}

  /// The next bytes, in UTF-8, without the mark at the text's start.
  mutating func utf8(_ bytes: UnsafeRawBufferPointer, isLast: Bool) throws -> [UInt8] {
    let all = waiting + bytes
    var units: [UInt16] = []
    units.reserveCapacity(all.count / 2)
    for place in stride(from: 0, to: all.count - 1, by: 2) {
      let (low, high) = isLittleEndian ? (all[place], all[place + 1]) : (all[place + 1], all[place])
      units.append(UInt16(high) << 8 | UInt16(low))
    }
    waiting = all.count % 2 == 1 ? [all[all.count - 1]] : []
    if let last = units.last, UTF16.isLeadSurrogate(last), !isLast {
      units.removeLast()
      waiting = Array(all.suffix(2 + waiting.count))
    }
    if isAtStart, units.first == 0xFEFF { units.removeFirst() }
    if !all.isEmpty { isAtStart = false }
    guard !isLast || waiting.isEmpty, let text = String(validating: units, as: UTF16.self) else { throw Malformed() }
    return Array(text.utf8)
  }
}
