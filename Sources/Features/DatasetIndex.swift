import Foundation

/// Where the rows of a data set are: made once by reading through all files, then shared by all who read them.
public struct DatasetIndex: Codable, Sendable, Hashable {
  public var format: DataFormat
  /// The files as the user named them, for messages.
  public var names: [String]
  /// The files that can be sought: the same, or the spooled copies of gzip files.
  public var paths: [String]
  public var fieldNames: [String]
  /// CSV only: the label's column, from 0.
  public var labelColumn: Int
  /// In the order of the files.
  public var chunks: [Chunk]
  public var rows: Int

  public var fields: Int { fieldNames.count }

  /// A line longer than this is taken for a mistake.
  public static let longestLine = 1 << 20

  public init(
    format: DataFormat, names: [String], paths: [String], fieldNames: [String], labelColumn: Int, chunks: [Chunk],
    rows: Int
  ) {
    self.format = format
    self.names = names
    self.paths = paths
    self.fieldNames = fieldNames
    self.labelColumn = labelColumn
    self.chunks = chunks
    self.rows = rows
  }

  /// Reads through the files: counts rows, cuts chunks of whole rows, and learns the fields from the first row or header.
  ///
  /// - Parameters:
  ///   - spool: a directory for decompressed copies of gzip files, made when needed.
  ///   - chunkBytes: a chunk's size; by default a function of the data's size alone, so that who reads which rows when
  ///     does not depend on the cluster.
  ///   - progress: told of bytes read, and of bytes in all; what it throws ends the reading.
  public static func build(
    files: [String], format: DataFormat, spool: String, chunkBytes: Int? = nil,
    progress: ((_ bytesRead: Int, _ total: Int) throws -> Void)? = nil
  ) throws -> DatasetIndex {
    var index = DatasetIndex(
      format: format, names: files, paths: [], fieldNames: [], labelColumn: 0, chunks: [], rows: 0)
    for (number, name) in files.enumerated() {
      let file = try InputFile(path: name)
      _ = try file.size()
      index.paths.append(try seekable(file, number: number, spool: spool))
    }
    let inputs = try zip(index.paths, files).map { try InputFile(path: $0, name: $1) }
    let sizes = try inputs.map { try $0.size() }
    let total = sizes.reduce(0, +)
    let target = chunkBytes ?? min(max(total / 128, 4 << 10), 1 << 20)
    var header: String?
    var done = 0
    for (number, file) in inputs.enumerated() {
      var scanner = LineScanner(file: number, name: file.name, chunkBytes: target, skipsHeader: format == .csv)
      try scanner.scan(file) { try progress?(done + $0, total) }
      done += sizes[number]
      guard scanner.rows > 0 else { throw DatasetError.empty(file: file.name) }
      if format == .csv {
        if let header, header != scanner.header { throw DatasetError.differentHeader(file: file.name, first: files[0]) }
        header = scanner.header
      }
      if number == 0 { try index.learnFields(firstRow: scanner.firstRow, header: scanner.header, name: file.name) }
      index.chunks += scanner.chunks
      index.rows += scanner.rows
    }
    return index
  }

  private static func seekable(_ file: InputFile, number: Int, spool: String) throws -> String {
    guard try GzipSpool.isGzip(file) else { return URL(fileURLWithPath: file.name).path }
    do {
      try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: true)
    } catch {
      throw DatasetError.cannotWrite(file: spool, reason: error.localizedDescription)
    }
    let path = "\(spool)/\(number)-\((file.name as NSString).lastPathComponent).txt"
    try GzipSpool.decompress(file, to: path)
    return URL(fileURLWithPath: path).path
  }

  private mutating func learnFields(firstRow: String, header: String?, name: String) throws {
    switch format {
    case .criteo: fieldNames = (1...13).map { "I\($0)" } + (1...26).map { "C\($0)" }
    case .libfm:
      let features = firstRow.split(whereSeparator: { $0 == " " || $0 == "\t" }).count - 1
      guard features > 0 else {
        throw DatasetError.badRow(file: name, line: 1, reason: "expected `label index:value ...`, found no feature")
      }
      fieldNames = (1...features).map { "\($0)" }
    case .csv:
      var columns: [String]
      do {
        columns = try CSVColumns.split(Array((header ?? "").utf8)).map { String(decoding: $0, as: UTF8.self) }
      } catch let failure as RowFailure {
        throw DatasetError.badRow(file: name, line: 1, reason: failure.reason)
      }
      guard columns.count > 1 else {
        throw DatasetError.badRow(
          file: name, line: 1, reason: "the header has one column only; expected a label and fields separated by commas"
        )
      }
      labelColumn = columns.firstIndex(of: "label") ?? 0
      columns.remove(at: labelColumn)
      fieldNames = columns
    }
  }
}
