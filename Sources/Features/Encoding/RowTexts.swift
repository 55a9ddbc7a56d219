import CXXHash

/// The texts of rows, for those who count or split them rather than encode them.
extension RowEncoder {
  /// Shows every category of the rows in `bytes`, which were read through before: its field, key and text.
  func forEachCategory(
    in bytes: UnsafeRawBufferPointer, of columns: FileColumns?, skipping: [Int], _ scratch: Scratch,
    _ body: (_ field: Int, _ key: UInt64, _ text: ColumnSpan) throws -> Void
  ) throws {
    scratch.adopt(columns)
    _ = try forEachRecord(in: bytes, skipping: skipping) { _, _, row, count in
      if encoding.format.isDelimited {
        try forEachCategory(ofColumns: row, count: count, scratch, body)
      } else {
        try forEachCategory(ofFeatures: row, count: count, body)
      }
    }
  }

  /// Shows the label and a column of every row in `bytes`, which were read through before.
  ///
  /// - Parameter body: gets the row's bytes without its line end, where they begin, whether it is a click, and the text of a
  ///   column.
  func forEachRow(
    in bytes: UnsafeRawBufferPointer, of columns: FileColumns?, skipping: [Int], column: Int?, _ scratch: Scratch,
    _ body: (_ row: UnsafeBufferPointer<UInt8>, _ start: Int, _ isClick: Bool, _ text: ColumnSpan) throws -> Void
  ) throws {
    scratch.adopt(columns)
    _ = try forEachRecord(in: bytes, skipping: skipping) { _, start, row, count in
      let label: ColumnSpan
      var text = ColumnSpan(row, count: 0)
      if encoding.format.isDelimited {
        let spans = try self.columns(of: row, count: count, scratch)
        label = spans[encoding.labelColumn]
        if let column { text = spans[column] }
      } else {
        var tokens = IndexedText(row, count: count, hasFields: false)
        label = tokens.next() ?? text
      }
      try body(UnsafeBufferPointer(start: row, count: count), start, try self.label(label, scratch) == 1, text)
    }
  }

  /// Shows the columns of every row in `bytes`, which were read through before: those of its file, then those of its folders.
  func forEachRow(
    in bytes: UnsafeRawBufferPointer, of columns: FileColumns?, skipping: [Int], _ scratch: Scratch,
    _ body: (UnsafeMutablePointer<ColumnSpan>) throws -> Void
  ) throws {
    scratch.adopt(columns)
    _ = try forEachRecord(in: bytes, skipping: skipping) { _, _, row, count in
      _ = try self.columns(of: row, count: count, scratch)
      try body(scratch.spans)
    }
  }

  private func forEachCategory(
    ofColumns row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch,
    _ body: (Int, UInt64, ColumnSpan) throws -> Void
  ) throws {
    let spans = try columns(of: row, count: count, scratch)
    for number in 0..<fieldCount {
      let field = fields[number]
      let span = spans[field.column]
      switch field.kind {
      case .category where !isMissing(span):
        try body(number, XXH3_64bits_withSeed(span.start, span.count, field.seed), span)
      case .categories:
        for value in UnsafeBufferPointer(start: span.start, count: span.count)
          .split(separator: field.separator, omittingEmptySubsequences: false)
        {
          let value = ColumnSpan(span.start + value.startIndex, count: value.count)
          if !isMissing(value) { try body(number, XXH3_64bits_withSeed(value.start, value.count, field.seed), value) }
        }
      default: break
      }
    }
  }

  private func forEachCategory(
    ofFeatures row: UnsafePointer<UInt8>, count: Int, _ body: (Int, UInt64, ColumnSpan) throws -> Void
  ) throws {
    var text = IndexedText(row, count: count, hasFields: encoding.format == .libffm)
    _ = text.next()
    var position = 0
    while let feature = try text.nextFeature() {
      defer { position += 1 }
      guard let field = try field(of: feature, position: position) else { continue }
      let digits = Array(String(feature.index).utf8)
      try digits.withUnsafeBufferPointer {
        try body(field, feature.index, ColumnSpan($0.baseAddress!, count: digits.count))
      }
    }
  }
}
