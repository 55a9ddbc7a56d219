import CXXHash
import Glibc

/// Turns the bytes of a chunk into encoded rows.
///
/// `@unchecked Sendable`: what its pointers point at is written once, by `init`, and freed by `deinit`.
final class RowEncoder: @unchecked Sendable {
  let encoding: Encoding
  private let vocabulary: Vocabulary?
  private let fields: UnsafeMutablePointer<CompiledField>
  private let fieldCount: Int
  private let scan: RecordScan
  private let spans: ColumnSpans
  private let onlyEmptyIsMissing: Bool
  private let missingTexts: [[UInt8]]
  private let isPositional: Bool
  /// Fields by their ranges of indices, ascending.
  private let ranges: [(indices: ClosedRange<UInt64>, field: Int)]

  /// - Parameter vocabulary: the values that have keys of their own; nil for all.
  init(_ encoding: Encoding, vocabulary: Vocabulary? = nil) {
    self.encoding = encoding
    self.vocabulary = vocabulary
    fieldCount = encoding.fields.count
    fields = .allocate(capacity: fieldCount)
    for (number, field) in encoding.fields.enumerated() { (fields + number).initialize(to: CompiledField(field)) }
    scan = RecordScan(separator: encoding.separator, hasQuotes: encoding.hasQuotes)
    spans = ColumnSpans(separator: encoding.separator, hasQuotes: encoding.hasQuotes)
    onlyEmptyIsMissing = encoding.missingTexts == [""]
    missingTexts = encoding.missingTexts.map { Array($0.utf8) }
    ranges = encoding.fields.enumerated().compactMap { number, field in field.indices.map { ($0, number) } }
      .sorted { $0.0.lowerBound < $1.0.lowerBound }
    isPositional = encoding.format == .libfm && ranges.isEmpty
  }

  deinit {
    for field in 0..<fieldCount { fields[field].deallocate() }
    fields.deallocate()
  }

  /// Memory of one thread, used again from chunk to chunk.
  final class Scratch {
    fileprivate(set) var buffer = EntryBuffer()
    fileprivate var spans: UnsafeMutablePointer<ColumnSpan>
    fileprivate var unquoted: UnsafeMutablePointer<UInt8>
    fileprivate var unquotedCapacity = 1 << 12
    fileprivate var features: [(field: Int, key: UInt64, value: Float)] = []
    fileprivate let columns: Int

    init(_ encoder: RowEncoder) {
      columns = max(1, encoder.encoding.columns.count)
      spans = .allocate(capacity: columns)
      unquoted = .allocate(capacity: unquotedCapacity)
    }

    deinit {
      buffer.deallocate()
      spans.deallocate()
      unquoted.deallocate()
    }

    fileprivate func reserveUnquoted(_ count: Int) {
      guard count > unquotedCapacity else { return }
      unquoted.deallocate()
      unquotedCapacity = 2 * count
      unquoted = .allocate(capacity: unquotedCapacity)
    }
  }

  /// Encodes the records in `bytes`, which end where a record does, into the scratch's buffer.
  ///
  /// - Parameters:
  ///   - skipping: records, from 0 and ascending, that are left out.
  ///   - onFailure: told of a record that is bad: its number, where it begins, and why. What it throws ends the
  ///     encoding; if it throws nothing the record is left out.
  /// - Returns: all records, those left out included.
  @discardableResult
  func encode(
    _ bytes: UnsafeRawBufferPointer, skipping: [Int] = [], in scratch: Scratch,
    onFailure: (_ record: Int, _ start: Int, _ failure: RowFailure) throws -> Void
  ) throws -> Int {
    var buffer = scratch.buffer
    buffer.reset()
    defer { scratch.buffer = buffer }
    let mayHoldNUL = bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
    return try forEachRecord(in: bytes, skipping: skipping) { record, start, row, count in
      let (entries, cells) = (buffer.entries, buffer.cells)
      do {
        if mayHoldNUL, memchr(row, 0, count) != nil {
          throw RowFailure("the row holds a NUL byte. Is this a text file, in UTF-8? Remove the byte or the row")
        }
        guard count > 0 else { throw RowFailure("the line is empty. Remove it") }
        guard count <= RecordScan.longest else {
          throw RowFailure(
            "the row is longer than \(RecordScan.longest >> 20) MiB. Is this a text file with one row a line?")
        }
        // A multi-valued cell has fewer values than bytes.
        buffer.reserve(entries: fieldCount &+ count &+ 1, cells: fieldCount)
        if encoding.format.isDelimited {
          try encodeColumns(row, count: count, scratch, into: &buffer)
        } else {
          try encodeFeatures(row, count: count, scratch, into: &buffer)
        }
      } catch let failure as RowFailure {
        buffer.entries = entries
        buffer.cells = cells
        try onFailure(record, start, failure)
      }
    }
  }

  /// Shows every record but those skipped: its number, where it begins, and its bytes without the line end.
  ///
  /// - Returns: all records, those skipped included.
  @inline(__always)
  private func forEachRecord(
    in bytes: UnsafeRawBufferPointer, skipping: [Int],
    _ body: (_ record: Int, _ start: Int, _ row: UnsafePointer<UInt8>, _ count: Int) throws -> Void
  ) rethrows -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    var start = 0
    var record = 0
    var nextSkipped = 0
    while start < bytes.count {
      let lineFeed = scan.end(in: bytes, from: start) ?? bytes.count
      var end = lineFeed
      if end > start, bytes[end &- 1] == 13 { end &-= 1 }
      if nextSkipped < skipping.count, skipping[nextSkipped] == record {
        nextSkipped &+= 1
      } else {
        let count = end &- start
        try body(record, start, (base + start).bindMemory(to: UInt8.self, capacity: count), count)
      }
      record &+= 1
      start = lineFeed &+ 1
    }
    return record
  }

  // MARK: Columns

  @inline(__always)
  private func encodeColumns(
    _ row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch, into buffer: inout EntryBuffer
  ) throws {
    let spans = scratch.spans
    if encoding.hasQuotes { scratch.reserveUnquoted(count) }
    let found = try self.spans.find(
      in: row, count: count, columns: scratch.columns, spans: spans, unquoted: scratch.unquoted)
    guard found == scratch.columns else { throw wrongColumns(found) }
    let label = try self.label(spans[encoding.labelColumn])
    for number in 0..<fieldCount {
      let field = fields + number
      let span = spans[field.pointee.column]
      if isMissing(span) {
        try appendMissing(field, number, into: &buffer)
      } else {
        switch field.pointee.kind {
        case .category:
          let key = XXH3_64bits_withSeed(span.start, span.count, field.pointee.seed)
          buffer.append(known(key, field), 1)
        case .categories:
          try appendCategories(span, field, number, into: &buffer)
        default:
          guard let value = NumberText.parse(span.start, count: span.count) else { throw notNumber(span, number) }
          let feature = field.pointee.feature(of: value)
          buffer.append(feature.key, feature.value)
        }
      }
      buffer.endCell()
    }
    buffer.endRow(label: label)
  }

  @inline(__always)
  private func isMissing(_ span: ColumnSpan) -> Bool {
    if onlyEmptyIsMissing { return span.count == 0 }
    return missingTexts.contains { $0.count == span.count && memcmp($0, span.start, span.count) == 0 }
  }

  /// The key, or that of all other values where the vocabulary does not have it.
  @inline(__always)
  private func known(_ key: UInt64, _ field: UnsafeMutablePointer<CompiledField>) -> UInt64 {
    guard let vocabulary else { return key }
    return vocabulary.contains(key) ? key : field.pointee.otherKey
  }

  private func appendMissing(
    _ field: UnsafeMutablePointer<CompiledField>, _ number: Int, into buffer: inout EntryBuffer
  ) throws {
    switch field.pointee.missing {
    case .own: buffer.append(field.pointee.missingKey, 1)
    case .skip: break
    case .fail:
      throw RowFailure(
        "\(encoding.fields[number].name): the value is missing. Correct or remove the row, or choose another rule than `missing: fail`"
      )
    case .number:
      let feature = field.pointee.feature(of: field.pointee.substitute)
      buffer.append(feature.key, feature.value)
    }
  }

  private func appendCategories(
    _ span: ColumnSpan, _ field: UnsafeMutablePointer<CompiledField>, _ number: Int, into buffer: inout EntryBuffer
  ) throws {
    let first = buffer.entries
    var start = 0
    for position in 0...span.count {
      guard position == span.count || span.start[position] == field.pointee.separator else { continue }
      let value = ColumnSpan(span.start + start, count: position - start)
      start = position + 1
      if isMissing(value) { continue }
      let key = XXH3_64bits_withSeed(value.start, value.count, field.pointee.seed)
      buffer.append(known(key, field), 1)
    }
    let values = buffer.entries - first
    if values == 0 { return try appendMissing(field, number, into: &buffer) }
    guard field.pointee.isMean, values > 1 else { return }
    for entry in first..<buffer.entries { buffer.values[entry] = 1 / Float(values) }
  }

  @inline(__always)
  private func label(_ span: ColumnSpan) throws -> Float {
    if encoding.label.comparison == nil, span.count == 1 {
      if span.start[0] == 48 { return 0 }
      if span.start[0] == 49 { return 1 }
    }
    return try unusualLabel(span)
  }

  @inline(never)
  private func unusualLabel(_ span: ColumnSpan) throws -> Float {
    guard let number = NumberText.parse(span.start, count: span.count) else { throw badLabel(span) }
    if let comparison = encoding.label.comparison {
      return comparison.holds(number, encoding.label.threshold) ? 1 : 0
    }
    switch number {
    case 1: return 1
    case 0, -1: return 0
    default: throw badLabel(span)
    }
  }

  // MARK: Features

  private func encodeFeatures(
    _ row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch, into buffer: inout EntryBuffer
  ) throws {
    var text = IndexedText(row, count: count, hasFields: encoding.format == .libffm)
    let label = try self.label(text.next() ?? ColumnSpan(row, count: 0))
    scratch.features.removeAll(keepingCapacity: true)
    var last = -1
    var isInOrder = true
    while let feature = try text.nextFeature() {
      guard let field = try self.field(of: feature, position: scratch.features.count) else { continue }
      isInOrder = isInOrder && field >= last
      last = field
      scratch.features.append((field, known(feature.index, fields + field), feature.value))
    }
    if isPositional, scratch.features.count != fieldCount {
      throw RowFailure(
        "expected \(fieldCount) features as in the first row, found \(scratch.features.count). Correct or remove the row, or give each field its range of indices in a schema"
      )
    }
    if !isInOrder {
      // Stable, so that equal bits come of equal rows.
      let order = scratch.features.indices.sorted {
        (scratch.features[$0].field, $0) < (scratch.features[$1].field, $1)
      }
      scratch.features = order.map { scratch.features[$0] }
    }
    var next = 0
    for field in 0..<fieldCount {
      while next < scratch.features.count, scratch.features[next].field == field {
        buffer.append(scratch.features[next].key, scratch.features[next].value)
        next += 1
      }
      buffer.endCell()
    }
    buffer.endRow(label: label)
  }

  /// nil for a feature that is left out.
  private func field(of feature: IndexedText.Feature, position: Int) throws -> Int? {
    if isPositional {
      guard position < fieldCount else {
        throw RowFailure(
          "expected \(fieldCount) features as in the first row, found more. Correct or remove the row, or give each field its range of indices in a schema"
        )
      }
      return position
    }
    if encoding.format == .libffm {
      guard feature.field >= encoding.firstField, feature.field - UInt64(encoding.firstField) < fieldCount else {
        throw RowFailure(
          "field \(feature.field) is not one of the training data's \(encoding.firstField) to \(encoding.firstField + fieldCount - 1). Correct or remove the row"
        )
      }
      return Int(feature.field) - encoding.firstField
    }
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].indices.upperBound < feature.index { low = middle + 1 } else { high = middle }
    }
    if low < ranges.count, ranges[low].indices.contains(feature.index) { return ranges[low].field }
    if encoding.leavesOutUnknown { return nil }
    throw RowFailure(
      "index \(feature.index) belongs to no field of the schema. Correct the row, or the fields' indices")
  }

  // MARK: Categories

  /// Shows every category of the rows in `bytes`, which were read through before: its field, key and text.
  func forEachCategory(
    in bytes: UnsafeRawBufferPointer, skipping: [Int], _ scratch: Scratch,
    _ body: (_ field: Int, _ key: UInt64, _ text: ColumnSpan) throws -> Void
  ) throws {
    _ = try forEachRecord(in: bytes, skipping: skipping) { _, _, row, count in
      if encoding.format.isDelimited {
        try forEachCategory(ofColumns: row, count: count, scratch, body)
      } else {
        try forEachCategory(ofFeatures: row, count: count, body)
      }
    }
  }

  /// Shows the label and the columns of every row in `bytes`, which were read through before.
  ///
  /// - Parameter body: gets the row's bytes without its line end, whether it is a click, and the text of a column.
  func forEachRow(
    in bytes: UnsafeRawBufferPointer, skipping: [Int], column: Int?, _ scratch: Scratch,
    _ body: (_ row: UnsafeBufferPointer<UInt8>, _ isClick: Bool, _ text: ColumnSpan) throws -> Void
  ) throws {
    _ = try forEachRecord(in: bytes, skipping: skipping) { _, _, row, count in
      let label: ColumnSpan
      var text = ColumnSpan(row, count: 0)
      if encoding.format.isDelimited {
        if encoding.hasQuotes { scratch.reserveUnquoted(count) }
        _ = try spans.find(
          in: row, count: count, columns: scratch.columns, spans: scratch.spans, unquoted: scratch.unquoted)
        label = scratch.spans[encoding.labelColumn]
        if let column { text = scratch.spans[column] }
      } else {
        var tokens = IndexedText(row, count: count, hasFields: false)
        label = tokens.next() ?? text
      }
      try body(UnsafeBufferPointer(start: row, count: count), try self.label(label) == 1, text)
    }
  }

  private func forEachCategory(
    ofColumns row: UnsafePointer<UInt8>, count: Int, _ scratch: Scratch,
    _ body: (Int, UInt64, ColumnSpan) throws -> Void
  ) throws {
    if encoding.hasQuotes { scratch.reserveUnquoted(count) }
    _ = try spans.find(
      in: row, count: count, columns: scratch.columns, spans: scratch.spans, unquoted: scratch.unquoted)
    for number in 0..<fieldCount {
      let field = fields[number]
      let span = scratch.spans[field.column]
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

  // MARK: Failures

  private func wrongColumns(_ found: Int) -> RowFailure {
    let between = encoding.separator == 9 ? "tab-separated " : encoding.separator == 44 ? "comma-separated " : ""
    return RowFailure(
      "expected \(encoding.columns.count) \(between)columns, found \(found). Correct or remove the row, or choose another --schema"
    )
  }

  private func badLabel(_ span: ColumnSpan) -> RowFailure {
    let expected = encoding.label.comparison == nil ? "the label 1, 0 or -1" : "a number for `\(encoding.label.text)`"
    return RowFailure("expected \(expected), found \(RowFailure.quote(span)). Correct or remove the row")
  }

  private func notNumber(_ span: ColumnSpan, _ field: Int) -> RowFailure {
    RowFailure(
      "\(encoding.fields[field].name): expected a number or nothing, found \(RowFailure.quote(span)). Correct or remove the row"
    )
  }
}
