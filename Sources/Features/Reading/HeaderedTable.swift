import Foundation

/// A table in files whose first record names the columns: texts, for those who look things up rather than train.
public struct HeaderedTable {
  /// Names of the first file's columns.
  public let columns: [String]
  private let sources: [Spool.Source]
  private let scan: RecordScan
  private let spans: ColumnSpans

  /// - Parameters:
  ///   - files: CSV, or TSV where the first record has more tabs than commas; however they are compressed.
  ///   - spool: a directory for copies of files that cannot be read at any place, made when needed.
  /// - Throws: `DatasetError`.
  public init(_ files: [String], spool directory: String) throws {
    let spool = Spool(directory: directory, layout: TextLayout())
    sources = try DataFiles.find(files).flatMap { try spool.seekable($0) }
    guard let first = sources.first else { throw DatasetError.empty(file: files.first ?? "the data") }
    let input = try InputFile(path: first.path, name: first.file.name)
    let record = try FirstRecords.read(input, count: 1, scan: RecordScan(separator: 44, hasQuotes: true)).first
    guard let record else { throw DatasetError.empty(file: first.file.name) }
    let separator: UInt8 = record.count { $0 == 9 } > record.count { $0 == 44 } ? 9 : 44
    scan = RecordScan(separator: separator, hasQuotes: true)
    spans = ColumnSpans(separator: separator, hasQuotes: true)
    columns = try FileHeader(record, scan, file: first.file).names
  }

  /// Calls `body` with the texts of some columns, row by row.
  ///
  /// - Throws: `DatasetError` where a file lacks one, or a row has another number of columns; what `body` throws.
  public func forEachRow(_ names: [String], _ body: ([String]) throws -> Void) throws {
    for source in sources {
      let input = try InputFile(path: source.path, name: source.file.name)
      guard let record = try FirstRecords.read(input, count: 1, scan: scan).first else { continue }
      let header = try FileHeader(record, scan, file: source.file)
      let places = try names.map { name in
        guard let place = header.names.firstIndex(of: name) else {
          throw DatasetError.noColumn(
            file: input.name, column: name, use: "which was asked for",
            nearest: Nearest.word(to: name, among: header.names))
        }
        return place
      }
      let width = header.names.count - header.folders.count
      var chunks: [Chunk] = []
      var scanner = LineScanner(file: 0, name: input.name, chunkBytes: 1 << 20, header: header.record, scan: scan)
      try scanner.scan(input, take: { chunks.append($0) }, progress: { _ in })
      var bytes = ChunkBytes()
      for chunk in chunks {
        try bytes.read(chunk, of: input) { text in
          try forEachRecord(text) { record, start in
            let cells = try cells(record, width) { reason in
              DatasetError.badRow(
                file: input.name, line: chunk.firstLine + text[..<start].count { $0 == 10 }, reason: reason)
            }
            try body(places.map { $0 < width ? cells[$0] : header.folders[$0 - width] })
          }
        }
      }
    }
  }

  private func forEachRecord(
    _ text: UnsafeRawBufferPointer, _ body: (_ record: [UInt8], _ start: Int) throws -> Void
  ) throws {
    var start = 0
    while start < text.count {
      let end = scan.end(in: text, from: start) ?? text.count
      var record = Array(text[start..<end])
      if record.last == 13 { record.removeLast() }
      try body(record, start)
      start = end + 1
    }
  }

  private func cells(_ record: [UInt8], _ width: Int, _ failure: (String) -> DatasetError) throws -> [String] {
    do {
      let texts = try spans.texts(of: record)
      guard texts.count == width || (texts.count == width + 1 && texts.last == "") else {
        throw failure("expected \(width) columns, found \(texts.count)")
      }
      return texts
    } catch let error as RowFailure {
      throw failure(error.reason)
    }
  }
}
