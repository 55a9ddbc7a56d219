/// Data that cannot be read, with the place and the way out.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  case missing(file: String)
  case unreadable(file: String, reason: String)
  case empty(file: String)
  case badRow(file: String, line: Int, reason: String)
  case differentHeader(file: String, first: String)
  case damagedArchive(file: String, reason: String)
  case changed(file: String)
  case cannotWrite(file: String, reason: String)

  public var description: String {
    switch self {
    case .missing(let file): "\(file): no such file. Check the path, as this host sees it."
    case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)."
    case .empty(let file): "\(file): has no rows. Name a file that does."
    case .badRow(let file, let line, let reason): "\(file):\(line): \(reason)."
    case .differentHeader(let file, let first):
      "\(file):1: the header differs from that of \(first). Give files that are read together the same columns."
    case .damagedArchive(let file, let reason):
      "\(file): \(reason). Fetch or compress it again; `gzip -t` shows whether it is whole."
    case .changed(let file): "\(file): changed while it was read. Start again once nobody writes to it."
    case .cannotWrite(let file, let reason): "\(file): cannot be written: \(reason). Is the disk full?"
    }
  }
}

/// What is wrong with a row; the file and line are added by who knows them.
struct RowFailure: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
