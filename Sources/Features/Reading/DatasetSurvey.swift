/// What one reading-through of some files found: where their rows are, which are bad, and what the training data's
/// encoding needs to know.
///
/// A cluster whose workers have files of their own surveys each worker's and merges what they found.
public struct DatasetSurvey: Codable, Sendable {
  public enum Purpose {
    /// Training data: columns and statistics are to be learnt.
    case learn(Schema)
    /// Data that are encoded as others are.
    case known(Encoding)
  }

  public var files: [DatasetIndex.File]
  public var chunks: [Chunk]
  public var positives: Int
  var firstBadRow: String?
  /// With neutral statistics.
  var encoding: Encoding
  /// By field.
  var statistics: [Int: FieldStatistics]
  /// The file that the encoding was learnt from, for messages.
  var origin: String

  /// Reads through the files.
  ///
  /// - Throws: `DatasetError`, or `SchemaError` where the schema does not fit.
  public static func run(_ names: [String], _ purpose: Purpose, _ reading: ReadingOptions) throws -> DatasetSurvey {
    let names = try DataFiles.expand(names)
    let spool = Spool(directory: reading.spool) { try reading.progress?(0, 1) }
    let paths = try names.enumerated().map { try spool.seekable($1, number: $0) }
    let inputs = try zip(paths, names).map { try InputFile(path: $0, name: $1 == "-" ? "standard input" : $1) }
    let sizes = try inputs.map { try $0.size() }
    if let empty = inputs.indices.first(where: { sizes[$0] == 0 }) {
      throw DatasetError.empty(file: inputs[empty].name)
    }
    let packs = try inputs.enumerated().map { try PackedFile.isPacked($1) ? try PackedFile($1, number: $0) : nil }
    var survey = DatasetSurvey(
      files: zip(zip(inputs, paths), packs).map { .init(name: $0.0.name, path: $0.1, isPacked: $1 != nil) },
      chunks: [], positives: 0, encoding: try learn(purpose, inputs, packs), statistics: [:],
      origin: inputs.first?.name ?? "")
    try survey.check(inputs, packs)
    var wanted = [Int]()
    if case .learn = purpose, !packs.contains(where: { $0 != nil }) {
      wanted = survey.encoding.fields.indices.filter { survey.encoding.fields[$0].needsStatistics }
    }
    let total = sizes.reduce(0, +)
    let chunkBytes = reading.chunkBytes ?? min(max(total / 128, 4 << 10), 1 << 20)
    let pass = SurveyPass(
      encoder: RowEncoder(wanted.isEmpty ? survey.encoding : survey.encoding.plain), inputs: inputs,
      files: survey.files, statistics: wanted, badRows: reading.badRows, threads: reading.threads)
    do {
      var done = 0
      for (number, input) in inputs.enumerated() {
        var records = 0
        let take = { (chunk: Chunk) throws in
          records += chunk.rows
          try pass.check(chunk)
        }
        if let pack = packs[number] {
          survey.files[number].checksum = pack.checksum
          for chunk in pack.chunks {
            try take(chunk)
            try reading.progress?(done + chunk.offset, total)
          }
        } else {
          var scanner = LineScanner(
            file: number, name: input.name, chunkBytes: chunkBytes, skipsHeader: survey.encoding.hasHeader,
            scan: RecordScan(separator: survey.encoding.separator, hasQuotes: survey.encoding.hasQuotes))
          try scanner.scan(input, take: take) { try reading.progress?(done + $0, total) }
          survey.files[number].checksum = scanner.checksum
        }
        done += sizes[number]
        guard records > 0 else { throw DatasetError.empty(file: input.name) }
      }
    } catch {
      pass.abandon()
      throw error
    }
    let found = try pass.finish()
    survey.chunks = found.chunks
    survey.positives = found.positives
    survey.statistics = found.statistics
    if survey.rows == 0, let first = inputs.first { throw DatasetError.empty(file: first.name) }
    survey.firstBadRow = found.firstBadRow
    return survey
  }

  /// The encoding, as far as the first rows tell it.
  private static func learn(
    _ purpose: Purpose, _ inputs: [InputFile], _ packs: [PackedFile?]
  ) throws -> Encoding {
    let schema: Schema
    switch purpose {
    case .known(let encoding): return encoding
    case .learn(let wanted): schema = wanted
    }
    if let packed = packs.compactMap({ $0 }).first { return packed.encoding }
    guard let first = inputs.first else { throw DatasetError.empty(file: "the data") }
    try schema.validate(file: "schema")
    var layout = LearntLayout()
    let scan = RecordScan(separator: schema.separatorByte ?? 9, hasQuotes: schema.hasQuotes)
    let records = try FirstRecords.read(first, count: 1, scan: scan)
    guard try !records.isEmpty || first.size() >= RecordScan.longest else { throw DatasetError.empty(file: first.name) }
    if schema.hasHeader {
      layout.header = try header(records.first ?? [], scan, file: first.name)
    } else if schema.format == .libfm, schema.fields == nil {
      layout.firstRowColumns = max(0, (records.first ?? []).split { $0 == 32 || $0 == 9 }.count - 1)
    } else if schema.format == .libffm || (schema.format == .libsvm && schema.fields == nil) {
      layout.numbers = try IndexRange.find(inputs, hasFields: schema.format == .libffm)
    }
    return try schema.encoding(for: layout, file: first.name)
  }

  private static func header(_ record: [UInt8], _ scan: RecordScan, file: String) throws -> [String] {
    do {
      return try ColumnSpans(separator: scan.separator, hasQuotes: scan.hasQuotes).texts(of: record)
    } catch let failure as RowFailure {
      throw DatasetError.badRow(file: file, line: 1, reason: failure.reason)
    }
  }

  /// All files must be of one layout.
  private func check(_ inputs: [InputFile], _ packs: [PackedFile?]) throws {
    let scan = RecordScan(separator: encoding.separator, hasQuotes: encoding.hasQuotes)
    for (number, input) in inputs.enumerated() {
      if let pack = packs[number] {
        guard pack.encoding == encoding else {
          throw DatasetError.differentEncoding(
            file: input.name, first: origin, reason: Self.difference(pack.encoding, encoding))
        }
      } else if encoding.hasHeader {
        let record = try FirstRecords.read(input, count: 1, scan: scan).first ?? []
        guard !record.isEmpty else { throw DatasetError.empty(file: input.name) }
        guard try Self.header(record, scan, file: input.name) == encoding.columns else {
          throw DatasetError.differentHeader(file: input.name, first: number > 0 ? origin : "the training data")
        }
      }
    }
  }

  private static func difference(_ left: Encoding, _ right: Encoding) -> String {
    if left.fieldNames != right.fieldNames {
      return
        "its fields are \(left.fieldNames.prefix(5).joined(separator: ", "))…, not \(right.fieldNames.prefix(5).joined(separator: ", "))…"
    }
    return left.vocabulary != right.vocabulary ? "its vocabulary is another" : "its rules or statistics are others"
  }

  /// The index, with the encoding complete.
  ///
  /// - Parameter schema: that of training data, whose statistics are then part of the encoding.
  public func index(_ schema: Schema?) -> DatasetIndex {
    var encoding = encoding
    for (field, var statistics) in statistics {
      let buckets = schema?.fields?.first { $0.name == encoding.fields[field].name }?.buckets ?? 10
      statistics.complete(&encoding.fields[field], buckets: buckets)
    }
    return DatasetIndex(
      encoding: encoding, files: files, chunks: chunks, rows: chunks.reduce(0) { $0 + $1.rows }, positives: positives,
      firstBadRow: firstBadRow)
  }
}

/// The smallest and largest index (libsvm) or field number (libffm) of some files.
private enum IndexRange {
  static func find(_ inputs: [InputFile], hasFields: Bool) throws -> ClosedRange<UInt64>? {
    var range: ClosedRange<UInt64>?
    for (number, input) in inputs.enumerated() {
      let scan = RecordScan(separator: 0, hasQuotes: false)
      var scanner = LineScanner(file: number, name: input.name, chunkBytes: 1 << 20, skipsHeader: false, scan: scan)
      var bytes = ChunkBytes()
      try scanner.scan(
        input,
        take: { chunk in
          try bytes.read(chunk, of: input) { extend(&range, $0, scan, hasFields: hasFields) }
        }, progress: { _ in })
    }
    return range
  }

  /// Rows that are malformed are left to those who will name them.
  private static func extend(
    _ range: inout ClosedRange<UInt64>?, _ bytes: UnsafeRawBufferPointer, _ scan: RecordScan, hasFields: Bool
  ) {
    // Bytes, whatever they were bound to.
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
    var start = 0
    while start < bytes.count {
      let end = scan.end(in: bytes, from: start) ?? bytes.count
      var text = IndexedText(base + start, count: end - start, hasFields: hasFields)
      _ = text.next()
      while let feature = try? text.nextFeature() {
        let number = hasFields ? feature.field : feature.index
        range = min(range?.lowerBound ?? number, number)...max(range?.upperBound ?? number, number)
      }
      start = end + 1
    }
  }
}
