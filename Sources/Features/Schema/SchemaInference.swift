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

  public private(set) var schema: Schema
  public private(set) var columns: [Column] = []
  /// Rows looked at.
  public let rows: Int
  /// What a person should know of the proposal, a sentence each: what is a guess, and what else it could be.
  public private(set) var remarks: [String] = []

  /// - Parameter file: data: a file, a directory, a pattern, or `-`.
  /// - Throws: `DatasetError` where it cannot be read, or has no rows or no label.
  public init(file name: String) throws {
    let sample = try SchemaSample(name)
    let file = sample.file.name
    let lines = sample.lines(separator: 0, hasQuotes: false)
    guard let first = lines.first else { throw DatasetError.empty(file: file) }
    if let indexed = IndexedInference(lines) {
      schema = indexed.schema
      columns = indexed.columns
      remarks = indexed.remarks
      rows = lines.count
      return
    }
    let separator = Self.separator(of: first)
    let records = sample.lines(separator: separator, hasQuotes: true)
    let spans = ColumnSpans(separator: separator, hasQuotes: true)
    var table = records.prefix(SchemaSample.rows + 1).compactMap { try? spans.texts(of: Array($0.utf8)) }
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
    let hasHeader = Self.looksLikeHeader(table)
    var titles = hasHeader ? FileHeader.names(names) : []
    if hasHeader {
      // Files that were put together have it more than once.
      table.removeAll { $0 == names }
    }
    // A separator may end the rows: those that are longer than the header, or where there is none, all of them.
    let allEnd = !hasHeader && table.allSatisfy { $0.count > 1 && $0.last == "" }
    for row in table.indices
    where table[row].last == "" && (allEnd || (hasHeader && table[row].count == titles.count + 1)) {
      table[row].removeLast()
    }
    if !hasHeader { titles = (1...(table.first?.count ?? 1)).map { "column\($0)" } }
    for folder in sample.file.folders where !titles.contains(folder.name) {
      titles.append(folder.name)
      for row in table.indices { table[row].append(folder.value) }
    }
    let body = table.filter { $0.count == titles.count }
    guard !body.isEmpty else {
      throw DatasetError.badRow(
        file: file, line: 2,
        reason:
          "the header names \(titles.count) columns, and no row has as many (the first has \(table.first?.count ?? 0))")
    }
    schema = Schema(
      format: separator == 9 ? .tsv : .csv,
      separator: separator == 44 || separator == 9 ? nil : String(UnicodeScalar(separator)),
      header: hasHeader ? nil : false,
      columns: hasHeader ? nil : Array(titles.dropLast(sample.file.folders.count)))
    rows = body.count
    if body.count < table.count {
      remarks.append("\(table.count - body.count) of the rows looked at have other numbers of columns")
    }
    let profiles = titles.indices.map { place in
      ColumnProfile(titles[place], body.map { $0[place] }, isList: sample.lists.contains(titles[place]))
    }
    try describe(profiles, file: file)
  }

  private mutating func describe(_ profiles: [ColumnProfile], file: String) throws {
    let label = try LabelInference(of: profiles, file: file)
    schema.label = label.rule
    remarks += label.remarks
    if profiles.contains(where: { $0.padded > 0.5 }) { schema.trim = true }
    // As training will read them.
    let clicks = profiles[label.column].values.map { label.rule.isClick($0) ?? false }
    var unusual: Set<String> = []
    var fields: [FieldSchema] = []
    for (place, profile) in profiles.enumerated() {
      var role = "label: \(label.rule.text)"
      if place != label.column {
        if profile.name.hasPrefix(FileHeader.unnamed) {
          schema.ignore.append(profile.name)
          role = "ignored: it has no name"
        } else if schema.timestamp == nil, profile.looksLikeTime, let format = time(profile) {
          schema.timestamp = TimestampRule(profile.name, format: format)
          role = "timestamp, \(format.text)"
        } else if profile.looksLikeIdentifier {
          schema.ignore.append(profile.name)
          role = "ignored: every row has its own"
        } else {
          let field = profile.field(clicks: clicks)
          fields.append(field)
          role = field.role
          if field.type == .numeric, let limits = profile.limits { role += ", kept within \(limits.text)" }
          unusual.formUnion(profile.missingTexts)
        }
      }
      columns.append(profile.column(role))
    }
    unusual.remove("")
    if !unusual.isEmpty { schema.missing = [""] + unusual.sorted() }
    schema.fields = fields
  }

  /// nil for a column that holds no times.
  private mutating func time(_ profile: ColumnProfile) -> TimeFormat? {
    switch profile.times {
    case .success(let format): return format
    case .failure(.none): return nil
    case .failure(let failure):
      remarks.append("\(profile.name) may hold times: \(failure.reason)")
      return nil
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

  /// Whether the first row names columns: none of its texts is a number, and they are not those of the rows below.
  private static func looksLikeHeader(_ table: [[String]]) -> Bool {
    let names = table[0].map { $0.trimmingCharacters(in: .whitespaces) }
    let named = names.indices.filter { !names[$0].isEmpty }
    guard named.count * 2 > names.count,
      named.allSatisfy({ Double(names[$0]) == nil && names[$0].contains { $0.isLetter } })
    else { return false }
    let body = table.dropFirst().prefix(1000).filter { $0 != table[0] }
    let repeated = named.filter { place in
      body.contains { $0.indices.contains(place) && $0[place].trimmingCharacters(in: .whitespaces) == names[place] }
    }
    return repeated.count * 2 < named.count
  }
}
