import CXXHash
import Glibc

/// Turns the bytes of a chunk into encoded rows.
///
/// `@unchecked Sendable`: what its pointers point at is written once, by `init`, and freed by `deinit`.
final class RowEncoder: @unchecked Sendable {
  let encoding: Encoding
  let vocabulary: Vocabulary?
  let fields: UnsafeMutablePointer<CompiledField>
  let fieldCount: Int
  let scan: RecordScan
  let spans: ColumnSpans
  let onlyEmptyIsMissing: Bool
  let missingTexts: [[UInt8]]
  let isPositional: Bool
  let isTrimmed: Bool
  let isUsualLabel: Bool
  /// Whether rows have labels that count; otherwise whatever is in their place is not looked at.
  let readsLabels: Bool
  /// Fields by their ranges of indices, ascending.
  let ranges: [(indices: ClosedRange<UInt64>, field: Int)]

  /// - Parameter vocabulary: the values that have keys of their own; nil for all.
  init(_ encoding: Encoding, vocabulary: Vocabulary? = nil, readsLabels: Bool = true) {
    self.encoding = encoding
    self.readsLabels = readsLabels
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
    isTrimmed = encoding.trims ?? false
    isUsualLabel = encoding.label.condition == .usual
  }

  deinit {
    for field in 0..<fieldCount { fields[field].deallocate() }
    fields.deallocate()
  }

  /// Encodes the records in `bytes`, which end where a record does, into the scratch's buffer.
  ///
  /// - Parameters:
  ///   - columns: where their file has the columns; nil: as the encoding has them.
  ///   - skipping: records, from 0 and ascending, that are left out.
  ///   - onFailure: told of a record that is bad: its number, where it begins, and why. What it throws ends the
  ///     encoding; if it throws nothing the record is left out.
  /// - Returns: all records, those left out included.
  @discardableResult
  func encode(
    _ bytes: UnsafeRawBufferPointer, of columns: FileColumns?, skipping: [Int] = [], in scratch: Scratch,
    onFailure: (_ record: Int, _ start: Int, _ failure: RowFailure) throws -> Void
  ) throws -> Int {
    scratch.adopt(columns)
    var buffer = scratch.buffer
    buffer.reset()
    defer { scratch.buffer = buffer }
    let mayHoldNUL = bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
    return try forEachRecord(in: bytes, skipping: skipping) { record, start, row, count in
      let (entries, cells, outside) = (buffer.entries, buffer.cells, buffer.outside)
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
        buffer.outside = outside
        try onFailure(record, start, failure)
      }
    }
  }

  /// Shows every record but those skipped: its number, where it begins, and its bytes without the line end.
  ///
  /// - Returns: all records, those skipped included.
  @inline(__always)
  func forEachRecord(
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
}
