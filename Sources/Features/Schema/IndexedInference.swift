/// What rows of indices and values look like: libsvm, libfm, libffm.
struct IndexedInference {
  let schema: Schema
  let columns: [SchemaInference.Column]
  let remarks: [String]

  /// nil for rows that are none.
  init?(_ lines: [String]) {
    guard let format = Self.format(lines) else { return nil }
    var schema = Schema(format: format)
    columns = Self.columns(lines, format)
    let labels = lines.map { String($0.split(whereSeparator: { " \t\r".contains($0) }).first ?? "") }
    var remarks: [String] = []
    if let label = try? LabelInference(of: [ColumnProfile("label", labels)], file: "") {
      schema.label = label.rule
      remarks = label.remarks
    }
    self.schema = schema
    self.remarks = remarks
  }

  private static func format(_ lines: [String]) -> DataFormat? {
    var lengths: Set<Int> = []
    var colons: Set<Int> = []
    for line in lines.prefix(1000) {
      let all = line.prefix { $0 != "#" }.split { " \t\r".contains($0) }
      // The label is a number; of columns with commas between, the first text is none.
      guard let label = all.first, Double(label) != nil else { return nil }
      let tokens = all.dropFirst().filter { !$0.hasPrefix("qid:") }
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
  private static func columns(_ lines: [String], _ format: DataFormat) -> [SchemaInference.Column] {
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
}
