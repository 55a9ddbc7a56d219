/// Comma-separated rows: one column is the label (1, or 0 or -1), every other a category.
///
/// A field may stand in double quotes, a quote in it being doubled (RFC 4180); line breaks in quotes are not read.
struct CSVRow: Sendable {
  let fields: Int
  let labelColumn: Int

  func parse(
    _ bytes: UnsafeRawBufferPointer, keys: UnsafeMutablePointer<UInt64>, label: UnsafeMutablePointer<Float>
  ) throws {
    var column = 0
    var field = 0
    try CSVColumns.forEach(bytes) { text in
      if column == labelColumn {
        guard let value = Label.parse(text) else {
          throw RowFailure(
            "expected the label 1, 0 or -1, found \"\(String(decoding: text, as: UTF8.self))\". Correct or remove the row"
          )
        }
        label.pointee = value
      } else if field < fields {
        keys[field] = FeatureHash.key(
          text.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: text.count, field: field)
        field += 1
      }
      column += 1
    }
    guard column == fields + 1 else {
      throw RowFailure("expected \(fields + 1) columns as in the header, found \(column). Correct or remove the row")
    }
  }
}

enum CSVColumns {
  /// Calls `body` with each column's text, unquoted.
  static func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    var position = 0
    while true {
      if position < bytes.count, bytes[position] == 34 {
        var text: [UInt8] = []
        position += 1
        while true {
          guard position < bytes.count else {
            throw RowFailure(
              "a quoted field does not end on its line. Line breaks within quotes are not read: remove them")
          }
          if bytes[position] == 34 {
            guard position + 1 < bytes.count, bytes[position + 1] == 34 else { break }
            position += 1
          }
          text.append(bytes[position])
          position += 1
        }
        position += 1
        guard position == bytes.count || bytes[position] == 44 else {
          throw RowFailure("text follows a closing quote. Quote the whole field, and double the quotes in it")
        }
        try text.withUnsafeBytes(body)
      } else {
        let start = position
        while position < bytes.count, bytes[position] != 44 { position += 1 }
        try body(UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
      }
      guard position < bytes.count else { return }
      position += 1
    }
  }

  static func split(_ bytes: [UInt8]) throws -> [[UInt8]] {
    var columns: [[UInt8]] = []
    try bytes.withUnsafeBytes { try forEach($0) { columns.append(Array($0)) } }
    return columns
  }
}
