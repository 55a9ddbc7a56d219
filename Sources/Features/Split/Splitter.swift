import CXXHash
import Foundation
import Randomness

/// How rows are dealt to parts.
public enum SplitRule: Sendable, Hashable {
  /// Each row by a draw of its own.
  case random(seed: UInt64)
  /// In the order of the data (paper, IV-A.1: Criteo-Sequential).
  case sequential
  /// By a hash of a column: rows with the same value stay together.
  case byColumn(String, seed: UInt64)
  /// By a column that holds the time, the earliest first. Rows of the same time stay together.
  case byTime(String, format: TimeFormat?)
}

/// Splits text data into parts of about the sizes that a ratio says, as the rows stand in the files.
///
/// Streaming: memory does not depend on the size of the data. Reproducible: a function of the data, the rule and its
/// seed.
public struct Splitter {
  public struct Part: Codable, Sendable, Hashable {
    public var path: String
    public var rows = 0
    public var positives = 0

    /// The share of clicks.
    public var positiveShare: Double { rows > 0 ? Double(positives) / Double(rows) : 0 }
  }

  private let index: DatasetIndex
  private let rule: SplitRule
  /// Of the parts, summed up: `[9, 10]` for 9:1.
  private let bounds: [Int]
  private let column: Int?
  private let encoder: RowEncoder
  private let inputs: [InputFile]
  /// Told of rows done and in all.
  private let progress: (Int, Int) throws -> Void

  /// - Parameters:
  ///   - index: the data, read through: bad rows are known.
  ///   - ratio: such as `[9, 1]`.
  /// - Throws: `SplitError`.
  public init(
    _ index: DatasetIndex, rule: SplitRule, ratio: [Int],
    progress: @escaping (_ rows: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    if let packed = index.files.first(where: \.isPacked) { throw SplitError.packed(file: packed.name) }
    if let other = index.files.first(where: { $0.columns != nil }) {
      throw SplitError.otherColumns(file: other.name, first: index.files[0].name)
    }
    guard ratio.count > 1, ratio.allSatisfy({ $0 > 0 && $0 <= 1 << 20 }) else { throw SplitError.badRatio(ratio) }
    self.index = index
    self.rule = rule
    self.progress = progress
    var sum = 0
    bounds = ratio.map {
      sum += $0
      return sum
    }
    switch rule {
    case .random, .sequential: column = nil
    case .byColumn(let name, _), .byTime(let name, _):
      guard let place = index.encoding.columns.firstIndex(of: name) else {
        throw SplitError.noColumn(name, nearest: Nearest.word(to: name, among: index.encoding.columns))
      }
      column = place
    }
    encoder = RowEncoder(index.encoding)
    inputs = try index.files.map { try InputFile(path: $0.path, name: $0.name) }
  }

  /// Writes the parts, which appear under their names when all are complete.
  ///
  /// - Throws: `SplitError.emptyPart` where a part would have no row.
  public func write(to paths: [String]) throws -> [Part] {
    precondition(paths.count == bounds.count, "as many paths as parts")
    let times = try timeFormat()
    let thresholds = try times.map(thresholds) ?? []
    var parts = paths.map { Part(path: $0) }
    let outputs = try paths.map { try OutputFile(path: $0) }
    if index.encoding.hasHeader, let first = inputs.first {
      let scan = RecordScan(separator: index.encoding.separator, hasQuotes: index.encoding.hasQuotes)
      let header = try FirstRecords.read(first, count: 1, scan: scan).first ?? []
      for output in outputs { try output.write(header + [10]) }
    }
    var row = 0
    try forEachRow { bytes, isClick, text in
      let part = try part(of: row, text, times, thresholds)
      row += 1
      parts[part].rows += 1
      parts[part].positives += isClick ? 1 : 0
      try outputs[part].write(UnsafeRawBufferPointer(bytes))
      try outputs[part].write(Self.lineFeed)
    }
    if let empty = parts.firstIndex(where: { $0.rows == 0 }) {
      throw SplitError.emptyPart(empty + 1, path: paths[empty], rows: index.rows)
    }
    for output in outputs { try output.close() }
    return parts
  }

  private static let lineFeed: [UInt8] = [10]

  private func part(
    of row: Int, _ text: ColumnSpan, _ times: TimeFormat?, _ thresholds: [UInt128]
  ) throws -> Int {
    let total = bounds.last!
    switch rule {
    case .random(let seed):
      var draw = CounterRandom(DrawPurpose.split, seed).forked(UInt64(row))
      let number = draw.next(below: total)
      return bounds.firstIndex { number < $0 }!
    case .sequential: return bounds.firstIndex { row < index.rows * $0 / total }!
    case .byColumn(_, let seed):
      let hash = XXH3_64bits_withSeed(text.start, text.count, seed ^ DrawPurpose.split)
      let number = Int(hash.multipliedFullWidth(by: UInt64(total)).high)
      return bounds.firstIndex { number < $0 }!
    case .byTime:
      guard let time = times?.instant(of: text)?.order else { throw TimeFailure.none(text: RowFailure.quote(text)) }
      return thresholds.firstIndex { time < $0 } ?? thresholds.count
    }
  }

  /// Shows every row. A `TimeFailure` of the body is told with its file and line.
  private func forEachRow(_ body: (UnsafeBufferPointer<UInt8>, Bool, ColumnSpan) throws -> Void) throws {
    let scratch = RowEncoder.Scratch(encoder)
    var bytes = ChunkBytes()
    var done = 0
    for chunk in index.chunks where chunk.rows > 0 {
      try bytes.readUnchanged(chunk, of: inputs[chunk.file]) { text in
        let columns = index.files[chunk.file].columns
        try encoder.forEachRow(in: text, of: columns, skipping: chunk.skipped, column: column, scratch) {
          row, start, isClick, time in
          do {
            try body(row, isClick, time)
          } catch let failure as TimeFailure {
            throw SplitError.noTime(
              file: inputs[chunk.file].name, line: chunk.firstLine + text[..<start].count { $0 == 10 },
              column: column.map { index.encoding.columns[$0] } ?? "", reason: failure.reason)
          }
        }
      }
      done += chunk.rows
      try progress(done, index.rows)
    }
  }
}

extension Splitter {
  /// How the column writes its times, which all its rows agree on; nil where no times are wanted.
  private func timeFormat() throws -> TimeFormat? {
    guard case .byTime(let name, let known) = rule else { return nil }
    var inference = TimeInference(known)
    try forEachRow { _, _, text in
      inference.add(text)
      if let failure = inference.failure { throw failure }
    }
    do {
      return try inference.format()
    } catch {
      throw SplitError.noTime(file: inputs[0].name, line: nil, column: name, reason: error.reason)
    }
  }

  /// The times at which the parts after the first begin: the values of the rows that sorting would put there, found
  /// digit by digit, 16 bits at a time. A digit that all times have is not looked for.
  private func thresholds(_ times: TimeFormat) throws -> [UInt128] {
    func time(_ text: ColumnSpan) throws -> UInt128 {
      guard let instant = times.instant(of: text) else { throw TimeFailure.none(text: RowFailure.quote(text)) }
      return instant.order
    }
    var first: UInt128?
    var differences: UInt128 = 0
    try forEachRow { _, _, text in
      let time = try time(text)
      differences |= time ^ (first ?? time)
      if first == nil { first = time }
    }
    let ranks = bounds.dropLast().map { index.rows * $0 / bounds.last! }
    var prefixes = [UInt128](repeating: 0, count: ranks.count)
    var left = ranks
    for shift in stride(from: 112, through: 0, by: -16) {
      guard differences >> UInt128(shift) & 0xFFFF != 0 else {
        for cut in prefixes.indices { prefixes[cut] = prefixes[cut] << 16 | (first ?? 0) >> UInt128(shift) & 0xFFFF }
        continue
      }
      var histograms = ranks.map { _ in [Int](repeating: 0, count: 1 << 16) }
      try forEachRow { _, _, text in
        let time = try time(text)
        for cut in prefixes.indices where shift == 112 || time >> UInt128(shift + 16) == prefixes[cut] {
          histograms[cut][Int(time >> UInt128(shift) & 0xFFFF)] += 1
        }
      }
      for cut in prefixes.indices {
        var digit = 0
        while digit < 0xFFFF, histograms[cut][digit] <= left[cut] {
          left[cut] -= histograms[cut][digit]
          digit += 1
        }
        prefixes[cut] = prefixes[cut] << 16 | UInt128(digit)
      }
    }
    return prefixes
  }
}

/// A split that cannot be made.
public enum SplitError: Error, Equatable, CustomStringConvertible {
  case badRatio([Int])
  case noColumn(String, nearest: String)
  case packed(file: String)
  case otherColumns(file: String, first: String)
  case emptyPart(Int, path: String, rows: Int)
  case noTime(file: String, line: Int?, column: String, reason: String)

  public var description: String {
    switch self {
    case .badRatio(let ratio):
      "\(ratio.map(String.init).joined(separator: ":")) is no ratio. Write whole numbers above 0, such as 9:1 or 8:1:1."
    case .noColumn(let column, let nearest):
      nearest == column
        ? "the data have no columns that could be named. Split them with --random or --sequential."
        : "there is no column \"\(column)\"; did you mean \"\(nearest)\"?"
    case .otherColumns(let file, let first):
      "\(file): has its columns in other places than the header of \(first), and rows are split as they stand. Split it by itself."
    case .packed(let file): "\(file) is packed. Split the text it was packed from."
    case .emptyPart(let part, let path, let rows):
      "part \(part), \(path), would have none of the \(rows) rows. Choose another ratio or rule."
    case .noTime(let file, let line, let column, let reason):
      "\(file)\(line.map { ":\($0)" } ?? ""): \(column): \(reason). Correct or remove the row, or name another column or "
        + "format: `timestamp: {column: \(column), format: ...}` with \(TimeFormat.help)."
    }
  }
}
