/// Where a file has the columns of the encoding, where it is not of exactly these: they are found by their names.
public struct FileColumns: Codable, Sendable, Hashable {
  /// Columns of the file's rows, by name where it has a header.
  public var names: [String]
  /// Of a row.
  var count: Int
  /// What the folders that the file lies in say, such as `day=2014-10-21`: columns behind those of its rows.
  var folders: [String]
  /// By the encoding's column, the place among the file's; nil where it has none.
  var sources: [Int?]
  /// Whether rows have labels, and these count.
  var hasLabels: Bool

  /// Whether all places are there: what comes from elsewhere is not to be trusted.
  func fits(_ encoding: Encoding) -> Bool {
    guard encoding.format.isDelimited else { return sources.isEmpty }
    let (all, overflows) = count.addingReportingOverflow(folders.count)
    return count >= 1 && !overflows && all <= 1 << 20 && sources.count == encoding.columns.count
      && sources.allSatisfy { $0.map { 0..<all ~= $0 } ?? true }
      && encoding.fields.allSatisfy { sources[$0.column] != nil }
      && (!hasLabels || sources[encoding.labelColumn] != nil)
  }
}

/// What a file says of its columns, in its first record and by the folders that it lies in.
struct FileHeader {
  /// The first record; empty where the format has no header.
  let record: [UInt8]
  let names: [String]
  /// Texts of the last of the names.
  let folders: [String]

  init(names: [String]) { (record, self.names, folders) = ([], names, []) }

  /// - Parameters:
  ///   - record: nil where the format has no header.
  ///   - file: with the folders that are columns.
  /// - Throws: `DatasetError.badRow` for a header with an open quote.
  init(_ record: [UInt8]?, _ scan: RecordScan, file: DataFile) throws {
    self.record = record ?? []
    var own: [String] = []
    if let record {
      do {
        own = Self.names(try ColumnSpans(separator: scan.separator, hasQuotes: scan.hasQuotes).texts(of: record))
      } catch let failure as RowFailure {
        throw DatasetError.badRow(file: file.name, line: 1, reason: failure.reason)
      }
    }
    let folders = file.folders.filter { !own.contains($0.name) }
    names = own + folders.map(\.name)
    self.folders = folders.map(\.value)
  }

  /// What a header without a name in it calls the column; pandas, whose index has none, does as well.
  static let unnamed = "Unnamed: "

  /// The columns' names: without blanks around, a separator at the end begins no column, and a name that was there before
  /// has a number behind it.
  static func names(_ texts: [String]) -> [String] {
    var texts = texts.map { $0.withSpan { $0.trimmed.text } }
    if texts.count > 1, texts.last == "" { texts.removeLast() }
    var seen: [String: Int] = [:]
    var names: [String] = []
    for (place, text) in texts.enumerated() {
      var name = text.isEmpty ? "\(unnamed)\(place)" : text
      while let times = seen[name] {
        seen[name] = times + 1
        name = "\(name).\(times)"
      }
      seen[name] = 1
      names.append(name)
    }
    return names
  }
}

extension Encoding {
  /// Where a file has the columns; nil where it has exactly these.
  ///
  /// - Parameters:
  ///   - firstRow: columns of its first record.
  ///   - wantsLabels: whether rows must have labels; if not, what may be in their place is not looked at.
  /// - Throws: `DatasetError.noColumn`.
  func columns(of header: FileHeader, firstRow: Int, wantsLabels: Bool, file: String) throws -> FileColumns? {
    guard format.isDelimited else {
      return wantsLabels
        ? nil : FileColumns(names: [], count: 1, folders: [], sources: [], hasLabels: false)
    }
    var names = header.names
    if !hasHeader {
      // The first columns are the file's, without the label where that is not there.
      var own = Array(columns.filter { !header.names.contains($0) })
      if !wantsLabels, firstRow == own.count - 1 { own.removeAll { $0 == columns[labelColumn] } }
      names = own + header.names
    }
    if names == columns, header.folders.isEmpty, wantsLabels { return nil }
    let places = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
    var sources = columns.map { places[$0] }
    if !wantsLabels { sources[labelColumn] = nil }
    for (column, use) in fields.map({ ($0.column, "which is a field of the model") })
      + (wantsLabels ? [(labelColumn, "which is the label of the model")] : [])
    where sources[column] == nil {
      throw DatasetError.noColumn(
        file: file, column: columns[column], use: use, nearest: Nearest.word(to: columns[column], among: names))
    }
    return FileColumns(
      names: names, count: names.count - header.folders.count, folders: header.folders, sources: sources,
      hasLabels: wantsLabels)
  }
}
