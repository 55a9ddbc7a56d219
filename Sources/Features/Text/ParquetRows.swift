import Foundation

/// How rows of a table are written as text.
struct TextLayout {
  var separator: UInt8 = 44
  var hasHeader = true
  var hasQuotes = true
  /// Which columns, where no header names them.
  var columns: [String]?
  /// Between the values of lists, by column; `|` where nothing is said.
  var separators: [String: String] = [:]
}

extension TextLayout {
  init(_ purpose: DatasetSurvey.Purpose) {
    switch purpose {
    case .learn(let schema):
      self.init(
        separator: schema.separatorByte ?? 44, hasHeader: schema.hasHeader, hasQuotes: schema.hasQuotes,
        columns: schema.columns ?? (schema.format == .criteo ? CriteoLayout.columns : nil))
      for field in schema.fields ?? [] { separators[field.name] = field.separator }
    case .known(let encoding):
      self.init(
        separator: encoding.separator, hasHeader: encoding.hasHeader, hasQuotes: encoding.hasQuotes,
        columns: encoding.columns)
      for field in encoding.fields {
        if case .categories(let separator, _) = field.rule {
          separators[encoding.columns[field.column]] = String(UnicodeScalar(separator))
        }
      }
    }
  }
}

/// Reads a Parquet file with the `duckdb` program, which writes its rows as text through a pipe. The program is found when it is
/// needed: in `DUCKDB`, or where the system looks for programs.
struct ParquetRows {
  private let file: String
  private let program: String
  private let query: String
  /// Columns that are lists.
  let lists: Set<String>

  /// - Parameters:
  ///   - file: what messages call it.
  ///   - rows: how many at most.
  /// - Throws: `DatasetError.unreadable` where there is no such program, or the file cannot be read.
  init(_ path: String, file: String, _ layout: TextLayout, rows: Int?) throws {
    self.file = file
    guard let program = Self.program() else {
      throw DatasetError.unreadable(
        file: file,
        reason: "it is Parquet, which the program duckdb reads, and there is none. Install it: pip install duckdb-cli")
    }
    self.program = program
    let source = "read_parquet(\(Self.literal(path)))"
    var described = Data()
    try Self.run(
      program,
      "COPY (SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM \(source))) TO '/dev/stdout' (FORMAT csv, HEADER false, DELIMITER '\t', QUOTE '')",
      file
    ) {
      described.append(contentsOf: $0)
    }
    var types: [(name: String, type: String)] = []
    for line in String(decoding: described, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: "\t", maxSplits: 1)
      if parts.count == 2 { types.append((String(parts[0]), String(parts[1]))) }
    }
    if !layout.hasHeader, let columns = layout.columns {
      // The label may be missing; who reads the rows will say so where it must not.
      types = columns.compactMap { column in types.first { $0.name == column } }
    }
    let expressions = try types.map { try Self.expression($0.name, $0.type, layout, file) }
    guard !expressions.isEmpty else {
      throw DatasetError.unreadable(
        file: file,
        reason: "it has none of the schema's columns, \(layout.columns?.prefix(5).joined(separator: ", ") ?? "")…; "
          + "propose a schema with `deepfm schema infer`")
    }
    lists = Set(types.filter { Self.isList($0.type) }.map(\.name))
    let limit = rows.map { " LIMIT \($0)" } ?? ""
    let separator = layout.separator == 9 ? "\t" : String(UnicodeScalar(layout.separator))
    query =
      "COPY (SELECT \(expressions.joined(separator: ", ")) FROM \(source)\(limit)) TO '/dev/stdout' (FORMAT csv, HEADER \(layout.hasHeader), DELIMITER \(Self.literal(separator))\(layout.hasQuotes ? "" : ", QUOTE ''"))"
  }

  private static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

  private static func isList(_ type: String) -> Bool {
    type.hasSuffix("[]") && !type.hasPrefix("STRUCT") && !type.hasPrefix("MAP")
  }

  private static func expression(_ name: String, _ type: String, _ layout: TextLayout, _ file: String) throws -> String
  {
    let column = "\"" + name.replacing("\"", with: "\"\"") + "\""
    if isList(type) {
      return "array_to_string(\(column), \(literal(layout.separators[name] ?? "|"))) AS \(column)"
    }
    // Lists of a fixed length end in "[3]".
    guard !type.hasPrefix("STRUCT"), !type.hasPrefix("MAP"), !type.hasPrefix("UNION"), !type.hasSuffix("]") else {
      throw DatasetError.unreadable(
        file: file, reason: "its column \(name) is \(type). Write what is wanted of it as columns of their own")
    }
    return column
  }

  private static func program() -> String? {
    let environment = ProcessInfo.processInfo.environment
    if let named = environment["DUCKDB"] { return named }
    let folders =
      (environment["PATH"] ?? "").split(separator: ":").map(String.init)
      + [(environment["HOME"] ?? "") + "/.local/bin"]
    return folders.map { $0 + "/duckdb" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Gives the rows, piece by piece.
  ///
  /// - Parameter isAlive: called now and then; what it throws ends the program.
  func write(_ put: (UnsafeRawBufferPointer) throws -> Void, _ isAlive: () throws -> Void) throws {
    try Self.run(program, query, file) {
      try isAlive()
      try put($0)
    }
  }

  private static func run(
    _ program: String, _ query: String, _ file: String, _ put: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    // No settings of the person's own.
    process.arguments = ["-init", "/dev/null", "-batch", "-bail", "-c", query]
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      throw DatasetError.unreadable(file: file, reason: "\(program) cannot be run: \(error.localizedDescription)")
    }
    defer {
      if process.isRunning { process.terminate() }
      process.waitUntilExit()
    }
    while true {
      let piece = output.fileHandleForReading.availableData
      if piece.isEmpty { break }
      try piece.withUnsafeBytes(put)
    }
    // Errors are short, and fit the pipe.
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let reason =
        said.split(separator: "\n").first.map(String.init) ?? "duckdb ended with \(process.terminationStatus)"
      throw DatasetError.unreadable(file: file, reason: reason)
    }
  }
}
