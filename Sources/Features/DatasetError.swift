/// Data that cannot be read, with the place and the way out.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  case missing(file: String)
  case noMatch(pattern: String)
  case unreadable(file: String, reason: String)
  case empty(file: String)
  case badRow(file: String, line: Int, reason: String)
  case tooManyBadRows(limit: Int, first: String)
  case noLabel(file: String, columns: [String])
  case mostlyBad(file: String, bad: Int, of: Int, same: Int, reason: String)
  case badLabels(rows: Int, left: Int, first: String)
  case differentHeader(file: String, first: String)
  case noColumn(file: String, column: String, use: String, nearest: String)
  case differentCopies(file: String)
  case sameName(file: String)
  case damagedArchive(file: String, reason: String)
  case damagedPack(file: String, reason: String)
  case differentEncoding(file: String, first: String, reason: String)
  case changed(file: String, line: Int? = nil)
  case cannotWrite(file: String, reason: String)

  public var description: String {
    switch self {
    case .missing(let file): "\(file): no such file. Check the path, as this host sees it."
    case .noMatch(let pattern): "\(pattern): no file matches. Check the path, as this host sees it."
    case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)."
    case .empty(let file): "\(file): has no rows. Name a file that does."
    case .badRow(let file, let line, let reason):
      "\(file):\(line): \(reason). Pass --bad-rows skip to count and skip such rows."
    case .tooManyBadRows(let limit, let first):
      "more than \(limit) rows are bad, the first: \(first) Correct the data, or raise --max-bad-rows."
    case .noLabel(let file, let columns):
      "\(file): none of its columns (\(columns.joined(separator: ", "))\(columns.count == 8 ? ", …" : "")) has two values, or is called a rating, so that none can be the label. Write the schema yourself, with `label: COLUMN >= NUMBER` or `label: {column: ..., positive: ...}`."
    case .mostlyBad(let file, let bad, let rows, let same, let reason):
      "\(file): \(bad) of the first \(rows) rows are bad, too many to skip; \(same) of them alike: \(reason)."
    case .badLabels(let rows, let left, let first):
      "\(rows) rows were skipped for their labels, and the \(left) that are left are of one class. The first: \(first)"
    case .differentHeader(let file, let first):
      "\(file):1: the header differs from that of \(first). Give files that are read together the same columns."
    case .noColumn(let file, let column, let use, let nearest):
      "\(file):1: there is no column \"\(column)\", \(use); the nearest is \"\(nearest)\". Correct the name, or the file's header."
    case .differentCopies(let file):
      "\(file): two workers have different files of this name. Give files that differ different names."
    case .sameName(let file):
      "\(file): a worker has two files of this name, in different places. Give them different names."
    case .damagedArchive(let file, let reason):
      "\(file): \(reason). Fetch or compress it again; `gzip -t` or `zstd -t` shows whether it is whole."
    case .damagedPack(let file, let reason): "\(file): \(reason). Pack the data again with `deepfm pack`."
    case .differentEncoding(let file, let first, let reason):
      "\(file): is not encoded like \(first): \(reason). Pack it with `deepfm pack --like \(first)`."
    case .changed(let file, let line):
      "\(file)\(line.map { ":\($0)" } ?? ""): changed since it was first read. Start again once nobody writes to it."
    case .cannotWrite(let file, let reason): "\(file): cannot be written: \(reason). Is the disk full?"
    }
  }
}

/// What is wrong with a row; the file and line are added by who knows them.
struct RowFailure: Error {
  /// What kind of thing is: where many rows are bad, the commonest tells the likely cause.
  enum Kind: Hashable {
    case label, columns, number, other
  }

  let kind: Kind
  let reason: String

  init(_ reason: String) { self.init(.other, reason) }

  init(_ kind: Kind, _ reason: String) {
    self.kind = kind
    self.reason = reason
  }

  /// The text in quotes, fit for one line of a terminal.
  static func quote(_ text: ColumnSpan) -> String {
    let shown = String(decoding: UnsafeBufferPointer(start: text.start, count: min(text.count, 40)), as: UTF8.self)
    let clean = String(shown.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "\u{FFFD}" : Character($0) })
    return "\"\(clean)\(text.count > 40 ? "…" : "")\""
  }
}
