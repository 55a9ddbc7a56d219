import Glibc

/// Finds where records end: at a line feed that does not stand in quotes.
///
/// A quote opens a field only where the field begins (RFC 4180, read as spreadsheets and most programs do); within
/// quotes a doubled quote is a quote.
struct RecordScan {
  let separator: UInt8
  let hasQuotes: Bool

  /// A record longer than this is taken for a mistake.
  static let longest = 1 << 20

  /// The place of the line feed that ends the record which begins at `start`; nil if it is not in the buffer.
  ///
  /// A quote that is not closed within the longest record, or at all, opens nothing: the record ends with its line, so
  /// that one stray quote costs one row.
  ///
  /// - Parameter isWhole: whether nothing follows the buffer.
  @inline(__always)
  func end(in bytes: UnsafeRawBufferPointer, from start: Int, isWhole: Bool = true) -> Int? {
    guard let base = bytes.baseAddress, start < bytes.count,
      let found = memchr(base + start, 10, bytes.count - start)
    else { return nil }
    let end = UnsafeRawPointer(found) - base
    guard hasQuotes, memchr(base + start, 34, end - start) != nil else { return end }
    let window = UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, start + Self.longest)])
    switch quotedEnd(in: window, from: start) {
    case .found(let quotedEnd): return quotedEnd
    case .notInBuffer where window.count == bytes.count: return nil
    case .notInBuffer: return end
    case .openQuote: return isWhole || window.count < bytes.count ? end : nil
    }
  }

  private enum QuotedEnd {
    case found(Int)
    /// All quotes are closed, but no line feed follows.
    case notInBuffer
    case openQuote
  }

  @inline(never)
  private func quotedEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> QuotedEnd {
    var isFieldStart = true
    var position = start
    while position < bytes.count {
      let byte = bytes[position]
      if byte == 34, isFieldStart {
        position += 1
        // Up to the quote that is not one of a pair.
        while true {
          guard position < bytes.count,
            let quote = memchr(bytes.baseAddress! + position, 34, bytes.count - position)
          else { return .openQuote }
          position = UnsafeRawPointer(quote) - bytes.baseAddress! + 1
          guard position < bytes.count, bytes[position] == 34 else { break }
          position += 1
        }
        isFieldStart = false
        continue
      }
      if byte == 10 { return .found(position) }
      isFieldStart = byte == separator
      position += 1
    }
    return .notInBuffer
  }
}
