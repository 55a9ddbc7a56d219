/// A column's text, without quotes.
struct ColumnSpan {
  var start: UnsafePointer<UInt8>
  var count: Int

  @inline(__always)
  init(_ start: UnsafePointer<UInt8>, count: Int) {
    self.start = start
    self.count = count
  }

  var text: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }
}

/// Finds the columns of a delimited row.
struct ColumnSpans {
  let separator: UInt8
  let hasQuotes: Bool

  /// - Parameters:
  ///   - row: without its line end.
  ///   - spans: room for `columns`.
  ///   - unquoted: room for `row.count` bytes, where texts go whose doubled quotes are undone.
  /// - Returns: the row's columns, of which the first `columns` are in `spans`.
  @inline(__always)
  func find(
    in row: UnsafePointer<UInt8>, count: Int, columns: Int, spans: UnsafeMutablePointer<ColumnSpan>,
    unquoted: UnsafeMutablePointer<UInt8>
  ) throws -> Int {
    if hasQuotes { return try findQuoted(in: row, count: count, columns: columns, spans: spans, unquoted: unquoted) }
    var found = 0
    var start = 0
    var position = 0
    let pattern = UInt64(separator) &* 0x0101_0101_0101_0101
    let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    // Eight bytes at a time: the top bit of each byte of `hits` says whether it is the separator.
    while position &+ 8 <= count {
      let word =
        UnsafeRawPointer(row + position).loadUnaligned(as: UInt64.self).littleEndian ^ pattern
      var hits = ~(((word & low) &+ low) | word | low)
      while hits != 0 {
        let end = position &+ hits.trailingZeroBitCount >> 3
        if found < columns { spans[found] = ColumnSpan(row + start, count: end &- start) }
        found &+= 1
        start = end &+ 1
        hits &= hits &- 1
      }
      position &+= 8
    }
    while position < count {
      if row[position] == separator {
        if found < columns { spans[found] = ColumnSpan(row + start, count: position &- start) }
        found &+= 1
        start = position &+ 1
      }
      position &+= 1
    }
    if found < columns { spans[found] = ColumnSpan(row + start, count: count &- start) }
    return found &+ 1
  }

  private func findQuoted(
    in row: UnsafePointer<UInt8>, count: Int, columns: Int, spans: UnsafeMutablePointer<ColumnSpan>,
    unquoted: UnsafeMutablePointer<UInt8>
  ) throws -> Int {
    var found = 0
    var position = 0
    var free = unquoted
    while true {
      var span: ColumnSpan
      if position < count, row[position] == 34 {
        let text = free
        position += 1
        while true {
          guard position < count else {
            throw RowFailure("a quoted field does not end. Close its quote, or double the quotes in it")
          }
          if row[position] == 34 {
            guard position + 1 < count, row[position + 1] == 34 else { break }
            position += 1
          }
          free.pointee = row[position]
          free += 1
          position += 1
        }
        position += 1
        guard position == count || row[position] == separator else {
          throw RowFailure("text follows a closing quote. Quote the whole field, and double the quotes in it")
        }
        span = ColumnSpan(text, count: free - text)
      } else {
        let start = position
        while position < count, row[position] != separator { position += 1 }
        span = ColumnSpan(row + start, count: position - start)
      }
      if found < columns { spans[found] = span }
      found += 1
      guard position < count else { return found }
      position += 1
    }
  }

  /// The columns' texts, for headers and tools.
  func texts(of row: [UInt8]) throws -> [String] {
    // As many separators, as many columns at most.
    let most = row.count { $0 == separator } + 1
    return try row.withUnsafeBufferPointer { bytes in
      try withUnsafeTemporaryAllocation(of: ColumnSpan.self, capacity: most) { spans in
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: row.count + 1) { unquoted in
          let row = bytes.baseAddress ?? UnsafePointer(unquoted.baseAddress!)
          let found = try find(
            in: row, count: bytes.count, columns: most, spans: spans.baseAddress!, unquoted: unquoted.baseAddress!)
          return spans[..<found].map(\.text)
        }
      }
    }
  }
}
