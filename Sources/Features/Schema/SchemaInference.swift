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

  /// - Throws: `DatasetError` where the file cannot be read or has no rows.
  public init(file: String) throws {
    let sample = try SchemaSample(file)
    let lines = sample.lines(separator: 0, hasQuotes: false)
    guard let first = lines.first else { throw DatasetError.empty(file: file) }
    if let format = Self.indexedFormat(lines) {
      schema = Schema(format: format)
      columns = Self.indexedColumns(lines, format)
      rows = lines.count
      return
    }
    let separator = Self.separator(of: first)
    let records = sample.lines(separator: separator, hasQuotes: true)
    let spans = ColumnSpans(separator: separator, hasQuotes: true)
    let table = records.prefix(SchemaSample.rows + 1).compactMap { try? spans.texts(of: Array($0.utf8)) }
    guard let names = table.first, names.count > 1 else {
      throw DatasetError.badRow(
        file: file, line: 1, reason: "the first row has one column only, whatever may separate them")
    }
    if separator == 9, names.count == CriteoLayout.columns.count, Self.looksLikeCriteo(table) {
      schema = Schema(format: .criteo)
      rows = table.count
      let roles = ["label"] + CriteoLayout.fields.map(\.role)
      columns = CriteoLayout.columns.enumerated().map { place, name in
        ColumnProfile(name, table.map { $0[place] }).column(roles[place])
      }
      return
    }
    let hasHeader = Self.looksLikeHeader(names)
    let titles = hasHeader ? names : (1...names.count).map { "column\($0)" }
    let body = (hasHeader ? Array(table.dropFirst()) : table).filter { $0.count == names.count }
    guard !body.isEmpty else { throw DatasetError.empty(file: file) }
    let profiles = titles.indices.map { place in ColumnProfile(titles[place], body.map { $0[place] }) }
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
      var column = ColumnProfile("\(field)", values[field]!).column(
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

  private static func label(of profiles: [ColumnProfile]) -> (column: Int, threshold: Double?) {
    func place(_ names: [String], where isFit: (ColumnProfile) -> Bool) -> Int? {
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
}
