import Foundation

/// Encodes rows that somebody asks about, rather than a file's: as texts, or as values by column. Labels are not looked at.
///
/// Owned by one thread.
public final class RequestRows {
  private let encoder: RowEncoder
  private let scratch: RowEncoder.Scratch
  private let columns: [String: Int]

  /// - Parameter vocabulary: the values that have keys of their own, where the encoding names a vocabulary.
  public init(_ encoding: Encoding, vocabulary: Vocabulary?) {
    encoder = RowEncoder(encoding, vocabulary: vocabulary, readsLabels: false)
    scratch = RowEncoder.Scratch(encoder)
    columns = Dictionary(uniqueKeysWithValues: encoding.columns.enumerated().map { ($1, $0) })
  }

  /// A row that cannot be read.
  public struct Bad: Error, Equatable, CustomStringConvertible {
    /// From 0.
    public let row: Int
    public let reason: String

    public var description: String { "row \(row): \(reason)" }
  }

  /// Appends rows of text, one a line, as the training data have them; the label may be left out, and the first line may name
  /// the columns, which are then found by their names.
  ///
  /// - Returns: how many.
  /// - Throws: `Bad`; the batch is then as it was.
  @discardableResult
  public func append(texts bytes: UnsafeRawBufferPointer, to batch: inout Batch) throws -> Int {
    let (columns, start) = try layout(of: bytes)
    let rows = UnsafeRawBufferPointer(rebasing: bytes[start...])
    try encoder.encode(rows, of: columns, in: scratch) { row, _, failure in throw Bad(row: row, reason: failure.reason)
    }
    batch.append(scratch.buffer)
    return scratch.buffer.rows
  }

  /// Appends rows in JSON: an array of objects from column names to numbers, texts or null, which is a missing value, as is a
  /// column that is left out. Where rows have no columns (libfm, libsvm, libffm), an array of texts.
  ///
  /// - Parameter most: rows that are taken.
  /// - Returns: how many there were.
  /// - Throws: `Bad`, or `Unfit`; the batch is then as it was.
  @discardableResult
  public func append(json bytes: Data, most: Int, to batch: inout Batch) throws -> Int {
    var rows: [Any]
    do {
      var found = try JSONSerialization.jsonObject(with: bytes)
      if let object = found as? [String: Any] { found = object["rows"] ?? found }
      guard let array = found as? [Any] else {
        throw Unfit(reason: "expected an array of rows, or {\"rows\": [...]}")
      }
      rows = array
    } catch let error as Unfit {
      throw error
    } catch {
      throw Unfit(reason: "the body is not JSON: \((error as NSError).userInfo[NSDebugDescriptionErrorKey] ?? error)")
    }
    guard rows.count <= most else { throw Unfit(reason: "\(rows.count) rows; send at most \(most) at a time") }
    var text: [UInt8] = []
    for (number, row) in rows.enumerated() {
      do {
        try append(row, to: &text)
      } catch let failure as RowFailure {
        throw Bad(row: number, reason: failure.reason)
      }
    }
    rows = []
    return try text.withUnsafeBytes { try append(texts: $0, to: &batch) }
  }

  /// A body that is not what was agreed on.
  public struct Unfit: Error, Equatable, CustomStringConvertible {
    public let reason: String

    public init(reason: String) { self.reason = reason }

    public var description: String { reason }
  }

  /// Where the rows have the columns, and where they begin.
  private func layout(of bytes: UnsafeRawBufferPointer) throws -> (columns: FileColumns?, start: Int) {
    let encoding = encoder.encoding
    guard encoding.format.isDelimited, !bytes.isEmpty else { return (nil, 0) }
    let end = encoder.scan.end(in: bytes, from: 0) ?? bytes.count
    var record = Array(bytes[..<end])
    if record.last == 13 { record.removeLast() }
    guard let texts = try? ColumnSpans(separator: encoding.separator, hasQuotes: encoding.hasQuotes).texts(of: record)
    else {
      return (nil, 0)
    }
    let names = FileHeader.names(texts)
    guard encoding.hasHeader, encoding.fieldNames.filter(names.contains).count * 2 > encoding.fields.count else {
      guard texts.count == encoding.columns.count - 1 else { return (nil, 0) }
      let header = FileHeader(names: encoding.columns.filter { $0 != encoding.columns[encoding.labelColumn] })
      return (try? encoding.columns(of: header, firstRow: texts.count, wantsLabels: false, file: "")).map { ($0, 0) }
        ?? (nil, 0)
    }
    do {
      let columns = try encoding.columns(of: FileHeader(names: names), firstRow: 0, wantsLabels: false, file: "")
      return (columns, min(bytes.count, end + 1))
    } catch DatasetError.noColumn(_, let column, let use, let nearest) {
      throw Unfit(
        reason: "there is no column \"\(column)\", \(use); the nearest is \"\(nearest)\"")
    }
  }

  /// A column's text as a row has it, for those who put rows together from such.
  ///
  /// - Throws: `Unfit` for a text that no row can hold.
  public func cell(_ value: String, of name: String) throws -> [UInt8] {
    var text: [UInt8] = []
    do {
      try append(value, of: name, to: &text)
    } catch let failure as RowFailure {
      throw Unfit(reason: failure.reason)
    }
    return text
  }

  private func append(_ row: Any, to text: inout [UInt8]) throws {
    if let line = row as? String {
      guard !line.utf8.contains(10), !line.isEmpty else { throw RowFailure("a row is one line") }
      text += line.utf8
    } else if let object = row as? [String: Any] {
      guard encoder.encoding.format.isDelimited else {
        throw RowFailure("rows of \(encoder.encoding.format.rawValue) have no columns: send each as a text")
      }
      try append(object, to: &text)
    } else {
      throw RowFailure("expected an object from column names to values, or a text")
    }
    text.append(10)
  }

  private func append(_ object: [String: Any], to text: inout [UInt8]) throws {
    if let unknown = object.keys.first(where: { columns[$0] == nil }) {
      let nearest = Nearest.word(to: unknown, among: encoder.encoding.columns)
      throw RowFailure("there is no column \"\(unknown)\". Is it \"\(nearest)\"?")
    }
    for (number, name) in encoder.encoding.columns.enumerated() {
      if number > 0 { text.append(encoder.encoding.separator) }
      switch object[name] {
      case nil, is NSNull: text += encoder.missingTexts.first ?? []
      case let value as String: try append(value, of: name, to: &text)
      // Before numbers, which they are, too.
      case let value as NSNumber where isBoolean(value): text.append(value.boolValue ? 49 : 48)
      case let value as NSNumber: text += value.stringValue.utf8
      default: throw RowFailure("\(name): expected a number, a text or null")
      }
    }
  }

  private func append(_ value: String, of name: String, to text: inout [UInt8]) throws {
    let bytes = Array(value.utf8)
    let separator = encoder.encoding.separator
    let endsCell = bytes.contains { byte in byte == separator || byte == 10 || byte == 13 }
    if !encoder.encoding.hasQuotes {
      guard !endsCell else {
        throw RowFailure("\(name): no value of the training data holds a separator or the end of a line")
      }
      text += bytes
      return
    }
    guard endsCell || bytes.contains(34) else {
      text += bytes
      return
    }
    text.append(34)
    for byte in bytes {
      if byte == 34 { text.append(34) }
      text.append(byte)
    }
    text.append(34)
  }
}

/// Whether it was `true` or `false`.
private func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
