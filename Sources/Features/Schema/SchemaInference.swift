import Foundation

/// Proposes a schema from the first rows of a file.
public struct SchemaInference {
  /// What a column looks like in the sample.
  public struct Column: Codable, Sendable, Hashable {
    public var name: String
    /// label, timestamp, ignored, or the field's type and rule.
    public var role: String
    public var distinct: Int
    /// The share of rows without a value.
    public var missing: Double
    public var examples: [String]
  }

  public let schema: Schema
  public let columns: [Column]
  /// Rows looked at.
  public let rows: Int

  private static let sampleBytes = 8 << 20
  private static let sampleRows = 20_000
  private static let missingTexts: Set<String> = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "\\N", "?"]

  /// - Throws: `DatasetError` where the file cannot be read or has no rows.
  public init(file: String) throws {
    let sample = try Self.sample(file)
    let lines = Self.lines(sample, separator: 0, hasQuotes: false)
    guard let first = lines.first else { throw DatasetError.empty(file: file) }
    if let format = Self.indexedFormat(lines) {
      schema = Schema(format: format)
      columns = Self.indexedColumns(lines, format)
      rows = lines.count
      return
    }
    let separator = Self.separator(of: first)
    let records = Self.lines(sample, separator: separator, hasQuotes: true)
    let spans = ColumnSpans(separator: separator, hasQuotes: true)
    let table = records.prefix(Self.sampleRows + 1).compactMap { try? spans.texts(of: Array($0.utf8)) }
    guard let names = table.first, names.count > 1 else {
      throw DatasetError.badRow(
        file: file, line: 1, reason: "the first row has one column only, whatever may separate them")
    }
    if separator == 9, names.count == CriteoLayout.columns.count, Self.looksLikeCriteo(table) {
      schema = Schema(format: .criteo)
      rows = table.count
      let roles = ["label"] + CriteoLayout.fields.map(\.role)
      columns = CriteoLayout.columns.enumerated().map { place, name in
        Profile(name, table.map { $0[place] }).column(roles[place])
      }
      return
    }
    let hasHeader = Self.looksLikeHeader(names)
    let titles = hasHeader ? names : (1...names.count).map { "column\($0)" }
    let body = (hasHeader ? Array(table.dropFirst()) : table).filter { $0.count == names.count }
    guard !body.isEmpty else { throw DatasetError.empty(file: file) }
    let profiles = titles.indices.map { place in Profile(titles[place], body.map { $0[place] }) }
    let label = Self.label(of: profiles)
    var proposal = Schema(
      format: separator == 9 ? .tsv : .csv,
      separator: separator == 44 || separator == 9 ? nil : String(UnicodeScalar(separator)),
      header: hasHeader ? nil : false, columns: hasHeader ? nil : titles, label: LabelRule(column: titles[label.column])
    )
    if let threshold = label.threshold {
      proposal.label = LabelRule(column: titles[label.column], .greaterOrEqual, threshold)
    }
    let unusual = Set(profiles.flatMap(\.missingTexts)).subtracting([""])
    if !unusual.isEmpty { proposal.missing = [""] + unusual.sorted() }
    var described: [Column] = []
    var fields: [FieldSchema] = []
    for (place, profile) in profiles.enumerated() {
      var role = "label"
      if place != label.column {
        if proposal.timestamp == nil, profile.looksLikeTime {
          proposal.timestamp = profile.name
          role = "timestamp"
        } else if profile.looksLikeIdentifier {
          proposal.ignore.append(profile.name)
          role = "ignored: every row has its own"
        } else {
          let field = profile.field
          fields.append(field)
          role = field.role
        }
      } else if label.threshold != nil {
        role = "label: \(proposal.label.text)"
      }
      described.append(profile.column(role))
    }
    proposal.fields = fields
    schema = proposal
    columns = described
    rows = body.count
  }

  // MARK: The sample

  private struct Enough: Error {}

  private static func sample(_ file: String) throws -> [UInt8] {
    let input = try InputFile(path: file == "-" ? "/dev/stdin" : file, name: file == "-" ? "standard input" : file)
    var first = [UInt8](repeating: 0, count: 4)
    let held = try first.withUnsafeMutableBytes { try input.readNext(into: $0) }
    var isFirst = true
    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
      let before = isFirst ? held : 0
      isFirst = false
      buffer.copyBytes(from: first[..<before])
      return try before + input.readNext(into: UnsafeMutableRawBufferPointer(rebasing: buffer[before...]))
    }
    var bytes: [UInt8] = []
    if let decompression = Decompression(firstBytes: first[..<held]) {
      do {
        try decompression.run(name: input.name, read: read) {
          bytes.append(contentsOf: $0)
          if bytes.count >= sampleBytes { throw Enough() }
        }
      } catch is Enough {}
    } else {
      bytes = [UInt8](repeating: 0, count: sampleBytes)
      let count = try bytes.withUnsafeMutableBytes { try read($0) }
      bytes.removeLast(bytes.count - count)
    }
    return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
  }

  /// The whole records of the sample.
  private static func lines(_ sample: [UInt8], separator: UInt8, hasQuotes: Bool) -> [String] {
    let scan = RecordScan(separator: separator, hasQuotes: hasQuotes)
    return sample.withUnsafeBytes { bytes in
      var lines: [String] = []
      var start = 0
      while start < bytes.count, lines.count <= sampleRows {
        let found = scan.end(in: bytes, from: start)
        // The last record of a sample that was cut is no whole one.
        guard found != nil || sample.count < sampleBytes else { break }
        var end = found ?? bytes.count
        let next = end + 1
        if end > start, bytes[end - 1] == 13 { end -= 1 }
        if end > start { lines.append(String(decoding: bytes[start..<end], as: UTF8.self)) }
        start = next
      }
      return lines
    }
  }

  // MARK: The layout

  private static func indexedFormat(_ lines: [String]) -> DataFormat? {
    var lengths: Set<Int> = []
    var colons: Set<Int> = []
    for line in lines.prefix(1000) {
      let tokens = line.prefix { $0 != "#" }.split(separator: " ").flatMap { $0.split(separator: "\t") }.dropFirst()
      lengths.insert(tokens.count)
      for token in tokens {
        guard token.split(separator: ":").allSatisfy({ Double($0) != nil }) else { return nil }
        colons.insert(token.count { $0 == ":" })
      }
    }
    if colons == [2] { return .libffm }
    guard colons == [1] else { return nil }
    return lengths.count == 1 ? .libfm : .libsvm
  }

  /// A column for each field, the first of them where there are many: what features it has.
  private static func indexedColumns(_ lines: [String], _ format: DataFormat) -> [Column] {
    var values: [UInt64: [String]] = [:]
    for line in lines {
      Array(line.utf8).withUnsafeBufferPointer { bytes in
        guard let base = bytes.baseAddress else { return }
        var text = IndexedText(base, count: bytes.count, hasFields: format == .libffm)
        _ = text.next()
        var position: UInt64 = 1
        while let feature = try? text.nextFeature() {
          let field = format == .libffm ? feature.field : format == .libfm ? position : feature.index
          values[field, default: []].append("\(format == .libsvm ? "\(feature.value)" : "\(feature.index)")")
          position += 1
        }
      }
    }
    return values.keys.sorted().prefix(64).map { field in
      var column = Profile("\(field)", values[field]!).column(
        format == .libsvm ? "feature, by its value" : "features, by their indices")
      column.missing = max(0, 1 - Double(values[field]!.count) / Double(lines.count))
      return column
    }
  }

  private static func separator(of line: String) -> UInt8 {
    let candidates: [UInt8] = [44, 9, 59, 124]
    let counts = candidates.map { candidate in line.utf8.count { $0 == candidate } }
    return candidates[counts.indices.max { (counts[$0], -$0) < (counts[$1], -$1) }!]
  }

  private static func looksLikeCriteo(_ table: [[String]]) -> Bool {
    table.allSatisfy { row in
      row.count == 40 && ["0", "1"].contains(row[0]) && row[1...13].allSatisfy { $0.isEmpty || Int($0) != nil }
    }
  }

  private static func looksLikeHeader(_ names: [String]) -> Bool {
    Set(names).count == names.count
      && names.allSatisfy { name in !name.isEmpty && Double(name) == nil && name.contains { $0.isLetter } }
  }

  private static func label(of profiles: [Profile]) -> (column: Int, threshold: Double?) {
    func place(_ names: [String], where isFit: (Profile) -> Bool) -> Int? {
      for name in names {
        if let place = profiles.firstIndex(where: { $0.name.lowercased() == name && isFit($0) }) { return place }
      }
      return nil
    }
    if let place = place(["label", "click", "clicked", "is_click", "target", "y", "conversion"], where: \.isBinary) {
      return (place, nil)
    }
    if let place = place(["rating", "score", "stars"], where: \.isNumeric) {
      return (place, profiles[place].upperHalf)
    }
    return (profiles.firstIndex(where: \.isBinary) ?? 0, nil)
  }

  // MARK: Columns

  private struct Profile {
    let name: String
    let rows: Int
    var missing = 0
    var missingTexts: Set<String> = []
    var distinct: Int
    let isNumeric: Bool
    let isWhole: Bool
    let isBinary: Bool
    let hasNegative: Bool
    /// The smallest number of the upper half.
    let upperHalf: Double
    let examples: [String]
    let separator: String?

    init(_ name: String, _ values: [String]) {
      self.name = name
      rows = values.count
      var present: [String] = []
      for value in values {
        if SchemaInference.missingTexts.contains(value) {
          missing += 1
          missingTexts.insert(value)
        } else {
          present.append(value)
        }
      }
      let numbers = present.compactMap(Double.init)
      isNumeric = !present.isEmpty && numbers.count == present.count && numbers.allSatisfy(\.isFinite)
      isWhole = isNumeric && numbers.allSatisfy { $0 == $0.rounded() }
      isBinary = isNumeric && missing == 0 && Set(numbers).isSubset(of: [-1, 0, 1]) && Set(numbers).count == 2
      hasNegative = numbers.contains { $0 < 0 }
      let sorted = Set(numbers).sorted()
      upperHalf = sorted.isEmpty ? 0 : sorted[sorted.count * 3 / 5]
      let set = Set(present)
      var examples: [String] = []
      for value in present where !examples.contains(value) {
        examples.append(value)
        if examples.count == 3 { break }
      }
      self.examples = examples
      distinct = set.count
      separator =
        isNumeric
        ? nil
        : ["|", ";", ","].first { separator in
          let parts = present.map { $0.split(separator: Character(separator)).count }
          guard parts.reduce(0, +) > present.count + present.count / 20 else { return false }
          return Set(present.flatMap { $0.split(separator: Character(separator)) }).count < set.count
        }
    }

    private static let amounts = [
      "age", "amount", "bid", "count", "days", "duration", "height", "hours", "length", "num", "number", "price",
      "size",
      "total", "width",
    ]

    func column(_ role: String) -> Column {
      Column(
        name: name, role: role, distinct: distinct, missing: Double(missing) / Double(max(1, rows)), examples: examples)
    }

    var looksLikeTime: Bool {
      let name = name.lowercased()
      return ["timestamp", "time", "date", "datetime", "hour", "ts"].contains(name) || name.hasSuffix("_at")
    }

    var looksLikeIdentifier: Bool {
      rows > 100 && missing == 0 && distinct == rows && (isWhole || !isNumeric)
    }

    var field: FieldSchema {
      if let separator { return FieldSchema(name, .multiValued, separator: separator, pooling: .mean) }
      // Whole numbers are names of things more often than amounts; what the column is called tells.
      let name = name.lowercased()
      let isAmount =
        hasNegative || Self.amounts.contains { name == $0 || name.hasPrefix($0 + "_") || name.hasSuffix("_" + $0) }
      guard isNumeric, !isWhole || (distinct > 20 && isAmount) else { return FieldSchema(self.name) }
      return FieldSchema(self.name, .numeric, transform: isWhole ? .quantile : .standardise)
    }
  }
}

extension FieldSchema {
  fileprivate var role: String {
    switch type {
    case .categorical: "categorical"
    case .numeric: "numeric, \(transform?.rawValue ?? "standardise")"
    case .multiValued: "multi-valued, separator \(separator ?? "|")"
    }
  }
}
