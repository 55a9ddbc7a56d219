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
  case byTime(String)
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
    case .byColumn(let name, _), .byTime(let name):
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
    let thresholds = try times()
    var parts = paths.map { Part(path: $0) }
    let outputs = try paths.map { try OutputFile(path: $0) }
    if index.encoding.hasHeader, let first = inputs.first {
      let scan = RecordScan(separator: index.encoding.separator, hasQuotes: index.encoding.hasQuotes)
      let header = try FirstRecords.read(first, count: 1, scan: scan).first ?? []
      for output in outputs { try output.write(header + [10]) }
    }
    var row = 0
    try forEachRow { bytes, isClick, text in
      let part = part(of: row, text, thresholds)
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

  private func part(of row: Int, _ text: ColumnSpan, _ thresholds: [UInt64]) -> Int {
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
      let time = TimeText.order(text) ?? 0
      return thresholds.firstIndex { time < $0 } ?? thresholds.count
    }
  }

  private func forEachRow(_ body: (UnsafeBufferPointer<UInt8>, Bool, ColumnSpan) throws -> Void) throws {
    let scratch = RowEncoder.Scratch(encoder)
    var bytes = ChunkBytes()
    var done = 0
    for chunk in index.chunks where chunk.rows > 0 {
      try bytes.readUnchanged(chunk, of: inputs[chunk.file]) { text in
        try encoder.forEachRow(in: text, skipping: chunk.skipped, column: column, scratch, body)
      }
      done += chunk.rows
      try progress(done, index.rows)
    }
  }

  // MARK: Time

  /// The times at which the parts after the first begin: the values of the rows that sorting would put there, found
  /// digit by digit, 16 bits at a time, in four readings of the column.
  private func times() throws -> [UInt64] {
    guard case .byTime(let name) = rule else { return [] }
    let ranks = bounds.dropLast().map { index.rows * $0 / bounds.last! }
    var prefixes = [UInt64](repeating: 0, count: ranks.count)
    var left = ranks
    for shift in stride(from: 48, through: 0, by: -16) {
      var histograms = ranks.map { _ in [Int](repeating: 0, count: 1 << 16) }
      var row = 0
      try forEachRow { _, _, text in
        row += 1
        guard let time = TimeText.order(text) else {
          throw SplitError.noTime(column: name, row: row, text: RowFailure.quote(text))
        }
        for cut in prefixes.indices where shift == 48 || time >> UInt64(shift + 16) == prefixes[cut] {
          histograms[cut][Int(time >> UInt64(shift) & 0xFFFF)] += 1
        }
      }
      for cut in prefixes.indices {
        var digit = 0
        while digit < 0xFFFF, histograms[cut][digit] <= left[cut] {
          left[cut] -= histograms[cut][digit]
          digit += 1
        }
        prefixes[cut] = prefixes[cut] << 16 | UInt64(digit)
      }
    }
    return prefixes
  }
}

/// Times as numbers that sort like them.
enum TimeText {
  /// A number, such as seconds since 1970 or 14102100; or a date of digits and signs, such as `2014-10-21 00:30:00`.
  static func order(_ text: ColumnSpan) -> UInt64? {
    if let number = NumberText.parse(text.start, count: text.count) {
      // Doubles sort like their bits, once negative ones are turned round.
      let bits = number.bitPattern
      return bits >> 63 == 1 ? ~bits : bits | 1 << 63
    }
    var number: UInt64 = 0
    var digits = 0
    for place in 0..<text.count {
      let byte = text.start[place]
      if 48...57 ~= byte, digits < 18 {
        number = number * 10 + UInt64(byte - 48)
        digits += 1
      } else if !"-:/.T Z".utf8.contains(byte) {
        return nil
      }
    }
    return digits >= 6 ? number : nil
  }
}

/// A split that cannot be made.
public enum SplitError: Error, Equatable, CustomStringConvertible {
  case badRatio([Int])
  case noColumn(String, nearest: String)
  case packed(file: String)
  case emptyPart(Int, path: String, rows: Int)
  case noTime(column: String, row: Int, text: String)

  public var description: String {
    switch self {
    case .badRatio(let ratio):
      "\(ratio.map(String.init).joined(separator: ":")) is no ratio. Write whole numbers above 0, such as 9:1 or 8:1:1."
    case .noColumn(let column, let nearest):
      nearest == column
        ? "the data have no columns that could be named. Split them with --random or --sequential."
        : "there is no column \"\(column)\"; did you mean \"\(nearest)\"?"
    case .packed(let file): "\(file) is packed. Split the text it was packed from."
    case .emptyPart(let part, let path, let rows):
      "part \(part), \(path), would have none of the \(rows) rows. Choose another ratio or rule."
    case .noTime(let column, let row, let text):
      "row \(row): \(column): expected a time, found \(text). Write a number, or a date such as 2014-10-21 00:30:00."
    }
  }
}
