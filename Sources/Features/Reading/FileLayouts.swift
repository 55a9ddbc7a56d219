/// What the first records of some files say: the encoding, as far as it is known before the rows are read, and where each file has
/// its columns.
struct FileLayouts {
  let encoding: Encoding
  /// By file, its first record where that names the columns.
  private(set) var headers: [[UInt8]?] = []
  private(set) var columns: [FileColumns?] = []
  /// The file that the encoding was learnt from.
  let first: Int

  /// - Throws: `DatasetError` where there are no rows, or files of other layouts; `SchemaError` where the schema does not fit.
  init(
    _ sources: [Spool.Source], _ inputs: [InputFile], _ packs: [PackedFile?], _ purpose: DatasetSurvey.Purpose,
    wantsLabels: Bool
  ) throws {
    guard !inputs.isEmpty else { throw DatasetError.empty(file: "the data") }
    // Packed data say themselves what they are.
    let known = packs.compactMap { $0 }.first?.encoding ?? purpose.encoding
    let (scan, hasHeader) = try Self.layout(known, purpose)
    // Files without a record say nothing, and are passed over.
    let records = try inputs.enumerated().map { number, input -> [UInt8]? in
      if packs[number] != nil { return [] }
      let record = try FirstRecords.read(input, count: 1, scan: scan).first
      return try record ?? (input.size() >= RecordScan.longest ? [] : nil)
    }
    guard let first = records.firstIndex(where: { $0 != nil }) else { throw DatasetError.empty(file: inputs[0].name) }
    self.first = first
    let found = try sources.indices.map { number in
      try FileHeader(hasHeader && packs[number] == nil ? records[number] : nil, scan, file: sources[number].file)
    }
    encoding =
      try known
      ?? purpose.encoding { try Self.learn($0, records[first] ?? [], found[first], inputs[first].name, inputs) }
    for (number, input) in inputs.enumerated() {
      headers.append(hasHeader && packs[number] == nil ? found[number].record : nil)
      guard packs[number] == nil, let record = records[number] else {
        columns.append(nil)
        guard let pack = packs[number], pack.encoding != encoding else { continue }
        throw DatasetError.differentEncoding(
          file: input.name, first: number > first ? inputs[first].name : "the training data",
          reason: pack.encoding.difference(from: encoding))
      }
      // No file that has a header has none of the columns' names in it.
      if hasHeader, !found[number].names.contains(where: encoding.columns.contains) {
        throw DatasetError.differentHeader(
          file: input.name, first: number > first ? inputs[first].name : "the training data")
      }
      // Where there is no header, a row that is one short may lack its label. One that cannot be read is named later.
      let spans = ColumnSpans(separator: scan.separator, hasQuotes: scan.hasQuotes)
      let width = encoding.format.isDelimited && !hasHeader ? try? spans.texts(of: record).count : nil
      columns.append(
        try encoding.columns(of: found[number], firstRow: width ?? 0, wantsLabels: wantsLabels, file: input.name))
    }
  }

  /// How records are found, and whether the first of a file names its columns.
  private static func layout(
    _ known: Encoding?, _ purpose: DatasetSurvey.Purpose
  ) throws -> (scan: RecordScan, hasHeader: Bool) {
    if case .learn(let schema) = purpose {
      try schema.validate(file: "schema")
      if known == nil {
        return (RecordScan(separator: schema.separatorByte ?? 9, hasQuotes: schema.hasQuotes), schema.hasHeader)
      }
    }
    return (
      RecordScan(separator: known?.separator ?? 9, hasQuotes: known?.hasQuotes ?? false), known?.hasHeader ?? false
    )
  }

  /// The encoding, as far as the first rows tell it.
  private static func learn(
    _ schema: Schema, _ record: [UInt8], _ header: FileHeader, _ file: String, _ inputs: [InputFile]
  ) throws -> Encoding {
    var layout = LearntLayout()
    layout.folders = Array(header.names.suffix(header.folders.count))
    if schema.hasHeader {
      layout.header = Array(header.names.dropLast(header.folders.count))
    } else if schema.format == .libfm, schema.fields == nil {
      layout.firstRowColumns = max(0, record.split { $0 == 32 || $0 == 9 || $0 == 13 }.count - 1)
    } else if schema.format == .libffm || (schema.format == .libsvm && schema.fields == nil) {
      layout.numbers = try IndexRange.find(inputs, hasFields: schema.format == .libffm)
    }
    return try schema.encoding(for: layout, file: file)
  }
}
